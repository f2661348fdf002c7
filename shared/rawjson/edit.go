package rawjson

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
)

// An Edit gives a member of an object a new value.
type Edit struct {
	Key   string
	Value []byte // JSON
}

// Pieces are a text in several pieces, so that what is unchanged of a large one need not be copied.
type Pieces [][]byte

// With returns an object's bytes after the edits: the first member of each name is replaced, and those that
// the object lacks are added at its end. Each name may stand in edits once. Of the outermost object it returns the
// whole text, with the white space around it.
func (n Node) With(edits ...Edit) Pieces {
	if n.index == 0 {
		return n.withEdits(0, len(n.tree.raw), edits)
	}
	return n.withEdits(int(n.node().start), int(n.node().end), edits)
}

// withEdits returns the text from start to end, where the object stands, after the edits.
func (n Node) withEdits(start, end int, edits []Edit) Pieces {
	raw := n.tree.raw
	pieces := make(Pieces, 0, 2*len(edits)+2)
	var added []byte
	missing := slices.Clone(edits)
	for m := n.first(); m.tree != nil && len(missing) > 0; m = m.next() {
		i := slices.IndexFunc(missing, func(e Edit) bool { return m.isNamed(e.Key) })
		if i < 0 {
			continue
		}
		pieces = append(pieces, raw[start:m.node().start], missing[i].Value)
		start = int(m.node().end)
		missing = slices.Delete(missing, i, i+1)
	}
	for i, e := range missing {
		if i > 0 || n.node().first != 0 {
			added = append(added, ',')
		}
		name, _ := json.Marshal(e.Key) // a string always marshals
		added = append(append(append(added, name...), ':'), e.Value...)
	}
	if added == nil {
		return append(pieces, raw[start:end])
	}
	brace := int(n.node().end) - 1
	return append(pieces, raw[start:brace], added, raw[brace:end])
}

// Len is the text's length in bytes.
func (p Pieces) Len() (n int) {
	for _, piece := range p {
		n += len(piece)
	}
	return n
}

// Bytes returns the text in one piece, which is a copy unless there is only one.
func (p Pieces) Bytes() []byte {
	if len(p) == 1 {
		return p[0]
	}
	return bytes.Join(p, nil)
}

// joinLimit is the largest text that Reader joins, in bytes. net/http sends a body that it knows to be in memory
// together with the header, and any other after it, which takes a system call more.
const joinLimit = 64 << 10

// Reader reads the text from its start.
func (p Pieces) Reader() io.Reader {
	if len(p) == 1 || p.Len() <= joinLimit {
		return bytes.NewReader(p.Bytes())
	}
	readers := make([]io.Reader, len(p))
	for i, piece := range p {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}
