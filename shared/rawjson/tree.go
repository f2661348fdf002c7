package rawjson

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"unsafe"
)

// Tree finds its way in a JSON text of any depth and size: it knows where each value stands and copies
// none of them. It takes 24 bytes a value, and none for the numbers of an array. Only one goroutine at a
// time may use a Tree and its Nodes. The zero Tree is ready to read.
type Tree struct {
	// MaxValues bounds the values that are kept of a text, and with them the memory. 0 is no bound.
	MaxValues int

	raw     []byte
	nodes   []node
	levels  int    // of values that are kept below the outermost; the rest is checked and forgotten
	escaped bool   // a name has escapes
	full    bool   // there are more values than may be
	texts   []byte // of strings with escapes
}

type node struct {
	start, end int32 // of the value's bytes
	key        int32 // offset of the member's name; -1 in an array
	next       int32 // the sibling after it; 0 is none
	first      int32 // the first value within; 0 is none
	count      int32 // of an array: its numbers; of a string: 1 if it has escapes
}

// Node is a value of a Tree. The zero Node is a value that is not there.
type Node struct {
	tree  *Tree
	index int32
}

// ParseTree checks the whole text and finds every value. Errors are those of Parse, except
// ErrNotObject: the text may be any value.
func ParseTree(raw []byte) (Node, error) {
	t := Tree{nodes: make([]node, 0, 64)}
	return t.Read(raw)
}

// ParseTop checks the whole text and finds the values of the outermost object or array only. It takes no more
// memory the larger these are.
func ParseTop(raw []byte) (Node, error) {
	t := Tree{nodes: make([]node, 0, 12), levels: 1}
	return t.read(raw)
}

// Read is ParseTree in the memory that the Tree has. It fails with ErrTooManyValues beyond MaxValues. Nodes and texts of
// what it read before are lost.
func (t *Tree) Read(raw []byte) (Node, error) {
	t.levels = maxDepth
	return t.read(raw)
}

// maxKept is how many bytes of each kind a Tree keeps from one text to the next: few texts take more.
const maxKept = 1 << 20

func (t *Tree) read(raw []byte) (Node, error) {
	if cap(t.nodes) > maxKept/24 {
		t.nodes = nil
	}
	if cap(t.texts) > maxKept {
		t.texts = nil
	}
	t.raw, t.nodes, t.texts, t.escaped = raw, t.nodes[:0], t.texts[:0], false
	t.full = false
	if err := t.walk(); err != nil {
		return Node{}, err
	}
	return Node{t, 0}, nil
}

func (n Node) node() *node { return &n.tree.nodes[n.index] }

// Absent reports whether there is no such value, or it is null.
func (n Node) Absent() bool { return n.tree == nil || n.tree.raw[n.node().start] == 'n' }

// Kind is the first byte of the value: '{', '[', '"', 't', 'f', 'n', '0' for any number, and 0 for a
// value that is not there.
func (n Node) Kind() byte {
	if n.tree == nil {
		return 0
	}
	if c := n.tree.raw[n.node().start]; c != '-' && !isDigit(c) {
		return c
	}
	return '0'
}

// TypeName returns the value's type as a message has it: "a string", "an object", "an array", "a boolean", "null" or
// "a number"; "nothing" for a value that is not there.
func (n Node) TypeName() string {
	switch n.Kind() {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case '0':
		return "a number"
	}
	return "nothing"
}

// Raw is the value's bytes, nil for a value that is not there.
func (n Node) Raw() json.RawMessage {
	if n.tree == nil {
		return nil
	}
	return n.tree.raw[n.node().start:n.node().end]
}

// Numbers is how many numbers stand in an array. Elements leaves them out.
func (n Node) Numbers() int {
	if n.Kind() != '[' {
		return 0
	}
	return int(n.node().count)
}

// Text is the value of a string, and "" for anything else. A string without escapes is not copied. The text
// lasts as long as the bytes that were parsed, and until the Tree reads others.
func (n Node) Text() string {
	if n.Kind() != '"' {
		return ""
	}
	raw := n.Raw()
	if n.node().count == 0 {
		raw = raw[1 : len(raw)-1]
		return unsafe.String(unsafe.SliceData(raw), len(raw)) // the text does not change while the Tree is in use
	}
	t, start := n.tree, len(n.tree.texts)
	t.texts = appendUnquoted(slices.Grow(t.texts, len(raw)), raw) // texts handed out before stay where they are
	return unsafe.String(unsafe.SliceData(t.texts[start:]), len(t.texts)-start)
}

// Elements returns the values of an array, or of an object, but no number of an array.
func (n Node) Elements() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for e := n.first(); e.tree != nil; e = e.next() {
			if !yield(e) {
				return
			}
		}
	}
}

// Members returns the values of an object by name, in the text's order. The names of an array's values
// are empty.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		for m := n.first(); m.tree != nil; m = m.next() {
			name := ""
			if quoted := m.quotedName(); quoted != nil {
				name = unquote(quoted)
			}
			if !yield(name, m) {
				return
			}
		}
	}
}

// Get returns the first member of that name.
func (n Node) Get(key string) Node {
	m := n.first()
	for m.tree != nil && !m.isNamed(key) {
		m = m.next()
	}
	return m
}

// Count returns how many members have that name: JSON allows more than one.
func (n Node) Count(key string) int {
	count := 0
	for m := n.first(); m.tree != nil; m = m.next() {
		if m.isNamed(key) {
			count++
		}
	}
	return count
}

// Repeated returns the first of names that more than one member has, "" if there is none.
func (n Node) Repeated(names ...string) string {
	for _, name := range names {
		if n.Count(name) > 1 {
			return name
		}
	}
	return ""
}

// Misspelt returns the first member whose name differs from one of names in case only, and the name that it is
// like; "" if there is none. As in encoding/json, U+017F is an s and U+212A a k.
func (n Node) Misspelt(names ...string) (got, want string) {
	for m := n.first(); m.tree != nil; m = m.next() {
		name := m.quotedName()
		if name == nil {
			return "", "" // an array
		}
		plain := name[1 : len(name)-1]
		if n.tree.escaped {
			plain = []byte(unquote(name))
		}
		for _, want := range names {
			if string(plain) != want && bytes.EqualFold(plain, []byte(want)) {
				return string(plain), want
			}
		}
	}
	return "", ""
}

func (n Node) first() Node {
	if n.tree == nil || n.node().first == 0 {
		return Node{}
	}
	return Node{n.tree, n.node().first}
}

func (n Node) next() Node {
	if n.node().next == 0 {
		return Node{}
	}
	return Node{n.tree, n.node().next}
}

// quotedName is a member's name, in its quotes; nil in an array.
func (n Node) quotedName() []byte {
	key := int(n.node().key)
	if key < 0 {
		return nil
	}
	end, _ := scanString(n.tree.raw, key)
	return n.tree.raw[key:end]
}

func (n Node) isNamed(name string) bool {
	t, start := n.tree, int(n.node().key)+1
	end := start + len(name)
	switch {
	case start == 0:
		return false
	case t.escaped:
		return unquote(n.quotedName()) == name
	}
	return end < len(t.raw) && t.raw[end] == '"' && string(t.raw[start:end]) == name && strings.IndexByte(name, '"') < 0
}
