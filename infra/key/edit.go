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

// grant is what a caller's entry in the secret is to have.
type grant struct {
	name, key string
	models    []string // nil: as before, or any
	allow     []string // nil: as before, or nothing
	ceiling   *float64 // nil: as before, or the stack's
}

// edits are the entry's members that the grant sets.
func (g grant) edits() (members []rawjson.Edit) {
	if g.models != nil {
		members = append(members, rawjson.Edit{Key: "models", Value: mustMarshal(g.models)})
	}
	if g.allow != nil {
		members = append(members, rawjson.Edit{Key: "allow", Value: mustMarshal(g.allow)})
	}
	if g.ceiling != nil {
		members = append(members, rawjson.Edit{Key: "cost_ceiling", Value: mustMarshal(*g.ceiling)})
	}
	return members
}

func (g grant) keyHash() []byte {
	sum := sha256.Sum256([]byte(g.key))
	return mustMarshal(hex.EncodeToString(sum[:]))
}

// addTo returns the secret with the new caller at its end.
func (g grant) addTo(text []byte) ([]byte, error) {
	l, err := parseSecret(text)
	if err != nil {
		return nil, err
	}
	if len(l.indexesOf(g.name)) > 0 {
		return nil, fmt.Errorf("%s has a key already; to give it another one in its place: make key NAME=%[1]s REPLACE=1", g.name)
	}
	if g.models == nil {
		g.models = []string{"*"}
	}
	entry := fmt.Appendf(nil, `{"name":%s,"sha256":%s`, mustMarshal(g.name), g.keyHash())
	for _, m := range g.edits() {
		entry = fmt.Appendf(entry, `,%q:%s`, m.Key, m.Value)
	}
	entry = append(entry, '}')
	if n := len(l.entries); n > 0 {
		end := l.entries[n-1].end
		return l.replaceBytes(end, end, append([]byte(","), entry...))
	}
	return l.replaceBytes(1, len(l.array)-1, entry)
}

// replaceIn returns the secret with another key for the caller; the rest of its entry stays, except what the grant sets.
func (g grant) replaceIn(text []byte) ([]byte, error) {
	l, err := parseSecret(text)
	if err != nil {
		return nil, err
	}
	found := l.indexesOf(g.name)
	switch len(found) {
	case 1:
	case 0:
		return nil, l.unknownCaller(g.name)
	default: // its other keys would go on working
		return nil, fmt.Errorf("%s is in the secret %d times; make key NAME=%[1]s REMOVE=1, then make its key again", g.name, len(found))
	}
	e := l.entries[found[0]]
	object, err := rawjson.Parse(l.array[e.start:e.end])
	if err != nil {
		return nil, err
	}
	entry := object.With(append(g.edits(), rawjson.Edit{Key: "sha256", Value: g.keyHash()})...).Bytes()
	return l.replaceBytes(e.start, e.end, entry)
}

// removeFrom returns the secret without a caller.
func removeFrom(text []byte, name string) ([]byte, error) {
	l, err := parseSecret(text)
	if err != nil {
		return nil, err
	}
	found := l.indexesOf(name)
	if len(found) == 0 {
		return nil, l.unknownCaller(name)
	}
	i := found[0]
	start, end := l.entries[i].start, l.entries[i].end
	switch { // one comma goes along
	case i+1 < len(l.entries):
		end = l.entries[i+1].start
	case i > 0:
		start = l.entries[i-1].end
	}
	text, err = l.replaceBytes(start, end, nil)
	if err == nil && len(found) > 1 {
		return removeFrom(text, name)
	}
	return text, err
}

// callersList is the callers' secret with the places of its entries, so that an edit leaves every other byte
// alone: people keep notes in secrets, and a later release may keep more.
type callersList struct {
	object  *rawjson.Object
	array   []byte // the member "callers"
	entries []entry
}

type entry struct {
	name       string
	start, end int // in array
}

func parseSecret(text []byte) (*callersList, error) {
	object, err := rawjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the callers' secret is not a JSON object (%w); nothing was changed", err)
	}
	l := &callersList{object: object, array: object.Get("callers")}
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
	if len(all.Callers) != len(l.entries) { // encoding/json ignores case, and takes the last of several
		return nil, fmt.Errorf(`the callers' secret must have "callers" once, and in lower case; nothing was changed`)
	}
	return l, nil
}

func (l *callersList) indexesOf(name string) (at []int) {
	for i, e := range l.entries {
		if e.name == name {
			at = append(at, i)
		}
	}
	return at
}

func (l *callersList) unknownCaller(name string) error {
	names := make([]string, len(l.entries))
	for i, e := range l.entries {
		names[i] = e.name
	}
	return fmt.Errorf("the secret has no caller %q; it has %q", name, names)
}

// replaceBytes returns the whole text with some bytes of the array replaced, if the functions can read it.
func (l *callersList) replaceBytes(start, end int, entry []byte) ([]byte, error) {
	array := bytes.Join([][]byte{l.array[:start], entry, l.array[end:]}, nil)
	text := l.object.With(rawjson.Edit{Key: "callers", Value: array}).Bytes()
	if _, err := callers.Parse(text); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed", err)
	}
	return text, nil
}

// mustMarshal returns a string, a list of strings or a number as JSON.
func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // none can fail
	}
	return text
}
