package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/rawjson"
)

// grant is what the secret is to say of a caller.
type grant struct {
	name, key string
	models    []string // nil: as before, or any
	allow     []string // nil: as before, or nothing
	ceiling   *float64 // nil: as before, or the stack's
}

// members are those of the entry that the grant gives.
func (g grant) members() (members []rawjson.Edit) {
	if g.models != nil {
		members = append(members, rawjson.Edit{Key: "models", Value: quoted(g.models)})
	}
	if g.allow != nil {
		members = append(members, rawjson.Edit{Key: "allow", Value: quoted(g.allow)})
	}
	if g.ceiling != nil {
		members = append(members, rawjson.Edit{Key: "cost_ceiling", Value: quoted(*g.ceiling)})
	}
	return members
}

func (g grant) sum() []byte {
	sum := sha256.Sum256([]byte(g.key))
	return quoted(hex.EncodeToString(sum[:]))
}

// added returns the secret with a new caller at its end.
func (g grant) added(text []byte) ([]byte, error) {
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(l.named(g.name)) > 0 {
		return nil, fmt.Errorf("%s has a key already; to give it another one in its place: make key NAME=%[1]s REPLACE=1", g.name)
	}
	if g.models == nil {
		g.models = []string{"*"}
	}
	entry := fmt.Appendf(nil, `{"name":%s,"sha256":%s`, quoted(g.name), g.sum())
	for _, m := range g.members() {
		entry = fmt.Appendf(entry, `,%q:%s`, m.Key, m.Value)
	}
	entry = append(entry, '}')
	if n := len(l.entries); n > 0 {
		end := l.entries[n-1].end
		return l.with(end, end, append([]byte(","), entry...))
	}
	return l.with(1, len(l.array)-1, entry)
}

// replaced returns the secret with another key for a caller; what else is said of it stays.
func (g grant) replaced(text []byte) ([]byte, error) {
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	found := l.named(g.name)
	switch len(found) {
	case 1:
	case 0:
		return nil, l.unknown(g.name)
	default: // its other keys would go on working
		return nil, fmt.Errorf("%s is in the secret %d times; make key NAME=%[1]s REMOVE=1, then make its key anew", g.name, len(found))
	}
	e := l.entries[found[0]]
	object, err := rawjson.Parse(l.array[e.start:e.end])
	if err != nil {
		return nil, err
	}
	entry := object.With(append(g.members(), rawjson.Edit{Key: "sha256", Value: g.sum()})...).Bytes()
	return l.with(e.start, e.end, entry)
}

// removed returns the secret without a caller.
func removed(text []byte, name string) ([]byte, error) {
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	found := l.named(name)
	if len(found) == 0 {
		return nil, l.unknown(name)
	}
	i := found[0]
	start, end := l.entries[i].start, l.entries[i].end
	switch { // one comma goes along
	case i+1 < len(l.entries):
		end = l.entries[i+1].start
	case i > 0:
		start = l.entries[i-1].end
	}
	text, err = l.with(start, end, nil)
	if err == nil && len(found) > 1 {
		return removed(text, name)
	}
	return text, err
}

// list is the callers' secret with the places of its entries, so that an edit leaves every other byte
// alone: people keep notes in secrets, and a later release may keep more.
type list struct {
	object  *rawjson.Object
	array   []byte // the member "callers"
	entries []entry
}

type entry struct {
	name       string
	start, end int // in array
}

func parse(text []byte) (*list, error) {
	object, err := rawjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the callers' secret is not a JSON object (%w); nothing was changed", err)
	}
	l := &list{object: object, array: object.Get("callers")}
	var all struct{ Callers []json.RawMessage }
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	if l.array == nil || string(l.array) == "null" {
		l.array = []byte("[]")
	}
	d := json.NewDecoder(bytes.NewReader(l.array))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		var raw json.RawMessage
		var e struct{ Name string }
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		l.entries = append(l.entries, entry{e.Name, end - len(raw), end})
	}
	if len(all.Callers) != len(l.entries) { // as encoding/json reads it, case and repetition are no matter
		return nil, fmt.Errorf(`the callers' secret must have "callers" once, and in lower case; nothing was changed`)
	}
	return l, nil
}

func (l *list) named(name string) (at []int) {
	for i, e := range l.entries {
		if e.name == name {
			at = append(at, i)
		}
	}
	return at
}

func (l *list) unknown(name string) error {
	names := make([]string, len(l.entries))
	for i, e := range l.entries {
		names[i] = e.name
	}
	return fmt.Errorf("the secret has no caller %q; it has %q", name, names)
}

// with returns the whole text with some bytes of the array replaced, if the functions can read it.
func (l *list) with(start, end int, entry []byte) ([]byte, error) {
	array := bytes.Join([][]byte{l.array[:start], entry, l.array[end:]}, nil)
	text := l.object.With(rawjson.Edit{Key: "callers", Value: array}).Bytes()
	if _, err := callers.Parse(text); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed", err)
	}
	return text, nil
}

// quoted is a string, a list of them, or a number, as JSON.
func quoted(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // none can fail
	}
	return text
}
