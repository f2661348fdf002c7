package rawjson

import (
	"bytes"
	"iter"
	"slices"
	"unsafe"
)

// Tree finds its way in a JSON text of any depth and size: it knows where each value stands and copies
// none of them. It takes 24 bytes a value, and none for the numbers of an array. Only one goroutine at a
// time may use a Tree and its Nodes.
type Tree struct {
	raw   []byte
	nodes []node
	open  []level // the objects and arrays around the place, outermost first
	texts []byte  // of strings with escapes
}

type level struct{ at, last int32 } // the value, and the last one found within

type node struct {
	start, end int32 // of the value's bytes
	key        int32 // offset of the member's name; -1 in an array
	next       int32 // the sibling behind it; 0 is none
	first      int32 // the first value within; 0 is none
	numbers    int32 // how many numbers an array has
}

// maxTree is the longest text that a Tree can point into.
const maxTree = 1<<31 - 1

// Node is a value of a Tree. The zero Node is a value that is not there.
type Node struct {
	tree *Tree
	at   int32
}

// ParseTree checks the whole text and finds every value. Errors are those of Parse, but for
// ErrNotObject: the text may be any value.
func ParseTree(raw []byte) (Node, error) {
	if len(raw) > maxTree || !valid(raw) {
		return Node{}, syntaxError(raw)
	}
	return ParseValidTree(raw), nil
}

// ParseValidTree is ParseTree for text that somebody has checked already.
func ParseValidTree(raw []byte) Node {
	t := &Tree{nodes: make([]node, 0, 64)}
	return t.Read(raw)
}

// Read is ParseValidTree in the memory that the Tree has. Nodes and texts of what it read before are lost.
func (t *Tree) Read(raw []byte) Node {
	t.raw, t.nodes, t.open, t.texts = raw, t.nodes[:0], t.open[:0], t.texts[:0]
	t.parse()
	return Node{t, 0}
}

// parse walks text that valid has accepted, without recursion, so that depth costs no stack.
func (t *Tree) parse() {
	key := int32(-1)
	raw := t.raw
	for i := space(raw, 0); i < len(raw); i = space(raw, i) {
		c := raw[i]
		switch c {
		case ',', ':':
			i++
			continue
		case '}', ']':
			i++
			t.nodes[t.open[len(t.open)-1].at].end = int32(i)
			t.open = t.open[:len(t.open)-1]
			continue
		}
		var around *level
		if n := len(t.open); n > 0 {
			around = &t.open[n-1]
		}
		if around != nil && raw[t.nodes[around.at].start] == '{' && key < 0 {
			key = int32(i) // c opens the name of a member
			i = skipString(raw, i)
			continue
		}
		start := int32(i)
		switch {
		case c == '"':
			i = skipString(raw, i)
		case c == '{' || c == '[':
			i++
		default:
			i = skipWord(raw, i)
		}
		if number := c == '-' || '0' <= c && c <= '9'; number && around != nil && key < 0 {
			t.nodes[around.at].numbers++
			continue
		}
		at := int32(len(t.nodes))
		t.nodes = append(t.nodes, node{start: start, end: int32(i), key: key})
		key = -1
		if around != nil {
			if around.last == 0 {
				t.nodes[around.at].first = at
			} else {
				t.nodes[around.last].next = at
			}
			around.last = at
		}
		if c == '{' || c == '[' {
			t.open = append(t.open, level{at: at})
		}
	}
}

// skipWord returns the offset behind the number, true, false or null that begins at i.
func skipWord(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return i
}

func (n Node) node() *node { return &n.tree.nodes[n.at] }

// Absent tells whether there is no such value, or whether it is null.
func (n Node) Absent() bool { return n.tree == nil || n.tree.raw[n.node().start] == 'n' }

// Kind is the first byte of the value: '{', '[', '"', 't', 'f', 'n', '0' for any number, and 0 for a
// value that is not there.
func (n Node) Kind() byte {
	if n.tree == nil {
		return 0
	}
	if c := n.tree.raw[n.node().start]; c != '-' && (c < '0' || c > '9') {
		return c
	}
	return '0'
}

// Raw is the value's bytes.
func (n Node) Raw() []byte {
	if n.tree == nil {
		return nil
	}
	return n.tree.raw[n.node().start:n.node().end]
}

// Numbers is how many numbers stand in an array. Elements leaves them out.
func (n Node) Numbers() int {
	if n.tree == nil {
		return 0
	}
	return int(n.node().numbers)
}

// Text is the value of a string, and "" for anything else. A string without escapes is not copied. The text
// lasts as long as the bytes that were parsed, and until the Tree reads others.
func (n Node) Text() string {
	if n.Kind() != '"' {
		return ""
	}
	raw := n.Raw()
	if bytes.IndexByte(raw, '\\') < 0 {
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
		for _, value := range n.Members() {
			if !yield(value) {
				return
			}
		}
	}
}

// Members returns the values of an object by name, in the text's order. The names of an array's values
// are empty.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if n.tree == nil {
			return
		}
		for at := n.node().first; at != 0; at = n.tree.nodes[at].next {
			name := ""
			if key := int(n.tree.nodes[at].key); key >= 0 {
				name = unquote(n.tree.raw[key:skipString(n.tree.raw, key)])
			}
			if !yield(name, Node{n.tree, at}) {
				return
			}
		}
	}
}

// Get returns the first member of that name.
func (n Node) Get(key string) Node {
	if n.tree == nil {
		return Node{}
	}
	t := n.tree
	for at := n.node().first; at != 0; at = t.nodes[at].next {
		if start := int(t.nodes[at].key); start >= 0 && isName(t.raw[start:skipString(t.raw, start)], key) {
			return Node{t, at}
		}
	}
	return Node{}
}
