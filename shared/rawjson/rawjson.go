// Package rawjson reads JSON where it lies, and replaces top-level members of an object, leaving every
// other byte as it was: unknown members, key order, big integers, unicode escapes, white space.
// It does not know what any member means.
package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// ErrNotObject is returned for JSON that is valid but not an object.
var ErrNotObject = errors.New("the JSON is not an object")

// Object is a parsed object. It refers to the bytes it was parsed from.
type Object struct {
	raw     []byte
	members []member
	end     int // offset of the closing brace
}

type member struct {
	key        string // escapes resolved
	start, end int    // the value's bytes
}

// Parse checks the whole text and finds its top-level members. Errors are ErrNotObject, or a
// syntax error that names the offset in bytes.
func Parse(raw []byte) (*Object, error) {
	if !valid(raw) {
		return nil, syntaxError(raw)
	}
	return ParseValid(raw)
}

// ParseValid is Parse for text that somebody has checked already. The one error is ErrNotObject.
func ParseValid(raw []byte) (*Object, error) {
	i := space(raw, 0)
	if raw[i] != '{' {
		return nil, ErrNotObject
	}
	o := &Object{raw: raw, members: make([]member, 0, 8)}
	for i = space(raw, i+1); raw[i] != '}'; {
		keyEnd := skipString(raw, i)
		start := space(raw, space(raw, keyEnd)+1)
		end := skipValue(raw, start)
		o.members = append(o.members, member{unquote(raw[i:keyEnd]), start, end})
		if i = space(raw, end); raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
	o.end = i
	return o, nil
}

// Bytes is the text the object was parsed from.
func (o *Object) Bytes() []byte { return o.raw }

// All yields the members in their order.
func (o *Object) All() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, m := range o.members {
			if !yield(m.key, o.raw[m.start:m.end]) {
				return
			}
		}
	}
}

// Get returns the raw value of the first member of that name, nil if there is none.
func (o *Object) Get(key string) json.RawMessage {
	for _, m := range o.members {
		if m.key == key {
			return o.raw[m.start:m.end]
		}
	}
	return nil
}

// Object returns the first member of that name as an object, nil if it is none.
func (o *Object) Object(key string) *Object {
	raw := o.Get(key)
	if raw == nil {
		return nil
	}
	inner, err := ParseValid(raw)
	if err != nil {
		return nil
	}
	return inner
}

// Count tells how often a name stands at the top level: JSON allows more than one.
func (o *Object) Count(key string) int {
	n := 0
	for _, m := range o.members {
		if m.key == key {
			n++
		}
	}
	return n
}

// With returns the text with the first member of that name replaced, or with the member added at the end.
func (o *Object) With(key string, value []byte) []byte {
	for _, m := range o.members {
		if m.key == key {
			return splice(o.raw, m.start, m.end, value)
		}
	}
	name, _ := json.Marshal(key) // a string always marshals
	added := make([]byte, 0, len(name)+len(value)+2)
	if len(o.members) > 0 {
		added = append(added, ',')
	}
	added = append(append(append(added, name...), ':'), value...)
	return splice(o.raw, o.end, o.end, added)
}

func splice(raw []byte, start, end int, with []byte) []byte {
	out := make([]byte, 0, len(raw)-(end-start)+len(with))
	out = append(out, raw[:start]...)
	out = append(out, with...)
	return append(out, raw[end:]...)
}

func syntaxError(raw []byte) error {
	err := json.Unmarshal(raw, new(json.RawMessage))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w (at byte %d)", err, syntax.Offset)
	}
	return err
}

// The functions below walk text that valid has accepted, so they look for no errors.

func space(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the offset behind the string that opens at i.
func skipString(raw []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(raw[i:], '"')
		backslashes := 0
		for raw[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i + 1
		}
	}
}

// skipValue returns the offset behind the value that begins at i.
func skipValue(raw []byte, i int) int {
	depth := 0
	for {
		switch raw[i] {
		case '"':
			i = skipString(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around a bare number, true, false or null
			}
			depth--
			i++
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
}
