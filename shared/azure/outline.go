package azure

import "bytes"

// large is an event that passes as it comes.
type large struct {
	name  []byte
	data  outline
	found bool // the data line has begun
}

func newLarge() *large { return &large{} }

// add takes the next part of the event, the first part from the event's start.
func (l *large) add(b []byte) {
	if l.found {
		l.data.add(b)
		return
	}
	l.name = bytes.Clone(fieldOf(b, "event:"))
	l.found = true
	l.data.add(fieldOf(b, "data:"))
}

// inspectLarge looks into the event that has come to its end.
func (s *stream) inspectLarge() {
	s.look(s.large.name, s.large.data.kept)
	s.large = nil
}

const (
	outlineLimit = 64 << 10 // of an outline, in bytes
	outlineText  = 256      // of a string in it
	outlineDepth = 4        // of its objects; that of response.usage.input_tokens_details
	outlineList  = 2        // of its arrays; that of choices
)

// outline is what remains of a JSON text of any length without its long strings, its deeper objects and arrays: all
// that ends a stream, fails it or is metered. It is JSON itself once the text has ended, unless that has
// uncommonly many members.
type outline struct {
	kept  []byte
	ended bool // the text is whole

	depth    int
	skip     int // the depth of the object or array that is left out, 0 for none
	inString bool
	escaped  bool
	start    int // of the string under way, in kept
}

// add takes the next part of the text. What stands after its end is left out.
func (o *outline) add(b []byte) {
	for _, c := range b {
		switch {
		case o.ended:
			return
		case o.inString:
			o.addText(c)
		case c == '"':
			o.inString, o.start = true, len(o.kept)
			o.keep(c)
		case c == '{', c == '[':
			o.keep(c)
			o.depth++
			if o.skip == 0 && (o.depth > outlineDepth || c == '[' && o.depth > outlineList) {
				o.skip = o.depth
			}
		case c == '}', c == ']':
			if o.skip == o.depth {
				o.skip = 0
			}
			o.keep(c)
			o.depth--
			o.ended = o.depth == 0
		default:
			o.keep(c)
		}
	}
}

func (o *outline) addText(c byte) {
	if len(o.kept)-o.start <= outlineText {
		o.keep(c)
	}
	switch {
	case o.escaped:
		o.escaped = false
	case c == '\\':
		o.escaped = true
	case c == '"':
		o.inString = false
		if len(o.kept)-o.start > outlineText {
			o.kept = append(o.kept[:o.start], `""`...)
		}
	}
}

func (o *outline) keep(c byte) {
	if o.skip == 0 && len(o.kept) < outlineLimit {
		o.kept = append(o.kept, c)
	}
}
