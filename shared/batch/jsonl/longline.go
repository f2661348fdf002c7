package jsonl

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxID is the longest custom_id that is kept of a line too long to be held, in bytes.
const maxID = 64 << 10

// longLine finds the custom_id of a line that is too long to be held, as its pieces pass. It does not check that the line
// is JSON.
type longLine struct {
	depth    int // of objects and arrays around
	inString bool
	escaped  bool // the byte before was a backslash
	text     []byte
	state    memberState // of the outermost object
	id       json.RawMessage
}

// memberState says what a text at the outermost level is.
type memberState int

const (
	inName     memberState = iota // the member's name, or what comes before it
	inOther                       // the value of another member
	inID                          // that of custom_id
	afterFound                    // nothing more is looked for
)

// add takes the next piece of the line.
func (l *longLine) add(piece []byte) {
	for len(piece) > 0 && l.state != afterFound {
		if l.inString && !l.escaped && !l.kept() { // as most of such a line
			at := bytes.IndexAny(piece, `"\`)
			if at < 0 {
				return
			}
			piece = piece[at:]
		}
		l.take(piece[0])
		piece = piece[1:]
	}
}

// kept reports whether what passes belongs to a text of interest.
func (l *longLine) kept() bool { return l.state == inID || l.state == inName && l.depth == 1 }

func (l *longLine) take(c byte) {
	outermost := l.depth == 1 && !l.inString
	switch {
	case l.escaped:
		l.escaped = false
	case l.inString:
		l.escaped, l.inString = c == '\\', c != '"'
	case c == '"':
		l.inString = true
	case c == '{' || c == '[':
		if l.depth++; l.depth == 1 {
			return
		}
	case c == '}' || c == ']':
		l.depth--
	}
	switch {
	case outermost && c == ':' && l.state == inName:
		if l.state = inOther; isCustomID(l.text) {
			l.state = inID
		}
		l.text = l.text[:0]
	case outermost && (c == ',' || c == '}'):
		if l.state == inID {
			l.found()
			return
		}
		l.state, l.text = inName, l.text[:0]
	case l.kept() && len(l.text) <= maxID:
		l.text = append(l.text, c)
	}
}

// isCustomID reports whether a name, in its quotes, is that of the custom_id.
func isCustomID(quoted []byte) bool {
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == "custom_id"
}

// found keeps the custom_id, if it is one and can be held.
func (l *longLine) found() {
	l.state = afterFound
	if id := bytes.TrimSpace(l.text); len(l.text) <= maxID && json.Valid(id) && utf8.Valid(id) {
		l.id = bytes.Clone(id)
	}
}
