// Package rawjson reads JSON where it lies, and replaces members of an object, leaving every other byte
// as it was: unknown members, key order, big integers, unicode escapes, white space.
// It does not know what any member means.
package rawjson

import (
	"encoding/json"
	"errors"
	"iter"
)

// ErrNotObject is returned for JSON that is valid but not an object.
var ErrNotObject = errors.New("the JSON is not an object")

// ErrTooManyValues is returned for JSON of more values than a Tree may keep. The rest of the text is not checked.
var ErrTooManyValues = errors.New("the JSON has too many values")

// Object is a parsed object of which only the top level is looked at. It refers to the bytes it was parsed
// from.
type Object struct {
	tree Tree
}

// Parse checks the whole text and finds its top-level members. Errors are ErrNotObject, or a
// syntax error that names the offset in bytes.
func Parse(raw []byte) (*Object, error) {
	root, err := ParseTop(raw)
	if err == nil && root.Kind() != '{' {
		err = ErrNotObject
	}
	if err != nil {
		return nil, err
	}
	return &Object{*root.tree}, nil
}

func (o *Object) root() Node { return Node{&o.tree, 0} }

// Bytes is the text the object was parsed from.
func (o *Object) Bytes() []byte { return o.tree.raw }

// All yields the members in their order.
func (o *Object) All() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for name, value := range o.root().Members() {
			if !yield(name, value.Raw()) {
				return
			}
		}
	}
}

// Get returns the raw value of the first member of that name, nil if there is none.
func (o *Object) Get(key string) json.RawMessage { return o.root().Get(key).Raw() }

// Count returns how often a name stands at the top level: JSON allows more than one.
func (o *Object) Count(key string) int { return o.root().Count(key) }

// Repeated returns the first of names that more than one member has, "" if there is none.
func (o *Object) Repeated(names ...string) string { return o.root().Repeated(names...) }

// Misspelt returns the first top-level member whose name differs from one of names in case only, and that name.
func (o *Object) Misspelt(names ...string) (got, want string) { return o.root().Misspelt(names...) }

// With returns the text with members replaced or added.
func (o *Object) With(edits ...Edit) Pieces { return o.root().With(edits...) }
