package tokens

import (
	"strings"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// validUTF8 returns s with U+FFFD for each maximal subpart of what is not UTF-8.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for len(s) > 0 {
		n, ok := decodeCharacter(s)
		if ok {
			b.WriteString(s[:n])
		} else {
			b.WriteString(replacement)
		}
		s = s[n:]
	}
	return b.String()
}

// decodeCharacter returns the length of the character that s starts with or, if it starts with none, of the
// longest start of a character there (at least 1): the maximal subpart of the Unicode standard, 3.9.
func decodeCharacter(s string) (n int, ok bool) {
	if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n != 1 {
		return n, true
	}
	low, high, want := byte(0x80), byte(0xBF), 0
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		want = 2
	case c >= 0xE0 && c <= 0xEF:
		want = 3
		switch c {
		case 0xE0:
			low = 0xA0
		case 0xED:
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		want = 4
		switch c {
		case 0xF0:
			low = 0x90
		case 0xF4:
			high = 0x8F
		}
	}
	for n = 1; n < want && n < len(s) && s[n] >= low && s[n] <= high; n++ {
		low, high = 0x80, 0xBF
	}
	return n, false
}

// offsets translates positions in validUTF8(text), asked for in rising order, into positions in text.
type offsets struct {
	text       string
	same       bool // text is valid
	valid, raw int  // the same place in both
}

func (o *offsets) original(pos int) int {
	if o.same {
		return pos
	}
	for o.raw < len(o.text) {
		n, ok := decodeCharacter(o.text[o.raw:])
		width := n
		if !ok {
			width = len(replacement)
		}
		if pos < o.valid+width {
			return o.raw + min(pos-o.valid, n)
		}
		o.valid += width
		o.raw += n
	}
	return o.raw
}
