package rawjson

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// maxDepth is how deep values may nest, as encoding/json has it.
const maxDepth = 10_000

// maxLength is the longest text that a Tree can point into.
const maxLength = 1<<31 - 1

// walked counts the bytes that all Trees have gone over.
var walked atomic.Int64

// Walked returns how many bytes of JSON have been checked since the process began. Tests hold to it what a request may
// cost.
func Walked() int64 { return walked.Load() }

// walk goes over the text once: it checks all of it, by the rules of encoding/json, which takes several
// times as long, and notes the values of as many levels as the Tree keeps.
func (t *Tree) walk() error {
	if len(t.raw) > maxLength {
		return fmt.Errorf("the JSON is longer than %d bytes", maxLength)
	}
	walked.Add(int64(len(t.raw)))
	end := t.scanValue(skipSpace(t.raw, 0), 0, -1)
	if t.full {
		return ErrTooManyValues
	}
	if end < 0 || skipSpace(t.raw, end) < len(t.raw) {
		return syntaxError(t.raw)
	}
	return nil
}

func syntaxError(raw []byte) error {
	err := json.Unmarshal(raw, new(json.RawMessage))
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	said := err.Error()
	if at := int(syntax.Offset) - 1; at >= 0 && at < len(raw) && raw[at] >= utf8.RuneSelf {
		// encoding/json takes the first byte of a character, as of a typographic quote, for the character.
		r, _ := utf8.DecodeRune(raw[at:])
		said = strings.Replace(said, quoted(rune(raw[at])), quoted(r), 1)
	}
	return fmt.Errorf("%s (at byte %d)", said, syntax.Offset)
}

// quoted is a character as encoding/json has it in its errors.
func quoted(r rune) string { return "'" + strings.Trim(strconv.Quote(string(r)), `"`) + "'" }

// scanValue reads the value that begins at i, with depth objects and arrays around it, and returns the
// offset after it, -1 if there is none. So do the functions below. key is the offset of its name.
func (t *Tree) scanValue(i, depth, key int) int {
	raw := t.raw
	if i >= len(raw) {
		return -1
	}
	at := len(t.nodes)
	kept := depth <= t.levels
	if kept && t.MaxValues > 0 && at >= t.MaxValues {
		t.full = true
		return -1
	}
	if kept {
		t.nodes = append(t.nodes, node{start: int32(i), key: int32(key)})
	}
	end, escapes := 0, false
	switch raw[i] {
	case '"':
		end, escapes = scanString(raw, i)
	case '{', '[':
		end = t.scanList(i, depth, at)
	case 't':
		end = scanLiteral(raw, i, "true")
	case 'f':
		end = scanLiteral(raw, i, "false")
	case 'n':
		end = scanLiteral(raw, i, "null")
	default:
		end = scanNumber(raw, i)
	}
	if kept {
		t.nodes[at].end = int32(end)
		if escapes {
			t.nodes[at].count = 1
		}
	}
	return end
}

// scanList reads an object or an array, which is the node with the index at, if it is kept.
func (t *Tree) scanList(i, depth, at int) int {
	raw := t.raw
	if depth >= maxDepth {
		return -1
	}
	object, end := raw[i] == '{', raw[i]+2 // of ASCII: the bracket that closes it
	i = skipSpace(raw, i+1)
	if i < len(raw) && raw[i] == end {
		return i + 1
	}
	last, numbers := 0, int32(0)
	for {
		key, child := -1, len(t.nodes)
		switch {
		case object:
			key = i
			if i = t.scanName(i); i < 0 {
				return -1
			}
			i = t.scanValue(i, depth+1, key)
		case i < len(raw) && (raw[i] == '-' || isDigit(raw[i])):
			i = scanNumber(raw, i)
			numbers++
		default:
			i = t.scanValue(i, depth+1, -1)
		}
		if i < 0 {
			return -1
		}
		if child < len(t.nodes) { // it was kept
			if last == 0 {
				t.nodes[at].first = int32(child)
			} else {
				t.nodes[last].next = int32(child)
			}
			last = child
		}
		if i = skipSpace(raw, i); i >= len(raw) {
			return -1
		}
		switch raw[i] {
		case end:
			if numbers > 0 && depth <= t.levels {
				t.nodes[at].count = numbers
			}
			return i + 1
		case ',':
			i = skipSpace(raw, i+1)
		default:
			return -1
		}
	}
}

// scanName reads a member's name, and what is between it and the value.
func (t *Tree) scanName(i int) int {
	raw := t.raw
	if i >= len(raw) || raw[i] != '"' {
		return -1
	}
	i, escapes := scanString(raw, i)
	if i < 0 {
		return -1
	}
	t.escaped = t.escaped || escapes
	if i = skipSpace(raw, i); i >= len(raw) || raw[i] != ':' {
		return -1
	}
	return skipSpace(raw, i+1)
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// scanString reads a string, and reports whether it has escapes.
func scanString(raw []byte, i int) (end int, escapes bool) {
	for i = skipPlain(raw, i+1); i < len(raw); i = skipPlain(raw, i+1) {
		switch raw[i] {
		case '"':
			return i + 1, escapes
		case '\\':
			if i = scanEscape(raw, i+1); i < 0 {
				return -1, false
			}
			escapes = true
		default:
			return -1, false
		}
	}
	return -1, false
}

// Eight bytes at a time: each byte of the word is one of the text's.
const (
	ones        = 0x0101010101010101
	highs       = 0x8080808080808080
	quotes      = '"' * ones
	backslashes = '\\' * ones
	blanks      = ' ' * ones
)

// skipPlain returns the offset of the first byte from i on that does not stand for itself within a string.
func skipPlain(raw []byte, i int) int {
	for ; i+8 <= len(raw); i += 8 {
		word := binary.LittleEndian.Uint64(raw[i:])
		// A subtraction reaches the high bit of the first byte that is too small, and perhaps of later ones.
		special := (markZeros(word^quotes) | markZeros(word^backslashes) | (word-blanks)&^word) & highs
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(raw) && raw[i] != '"' && raw[i] != '\\' && raw[i] >= ' ' {
		i++
	}
	return i
}

// markZeros sets the high bit of the first byte that is 0, and perhaps of later ones.
func markZeros(word uint64) uint64 { return (word - ones) &^ word }

// scanEscape returns the offset of the escape's last byte.
func scanEscape(raw []byte, i int) int {
	if i >= len(raw) {
		return -1
	}
	switch raw[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		if i+4 >= len(raw) {
			return -1
		}
		for _, c := range raw[i+1 : i+5] {
			if !(isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func scanLiteral(raw []byte, i int, want string) int {
	if end := i + len(want); end <= len(raw) && string(raw[i:end]) == want {
		return end
	}
	return -1
}

func scanNumber(raw []byte, i int) int {
	if raw[i] == '-' {
		i++
	}
	switch {
	case i >= len(raw) || !isDigit(raw[i]):
		return -1
	case raw[i] == '0':
		i++
	default:
		i = scanDigits(raw, i)
	}
	if i < len(raw) && raw[i] == '.' {
		from := i + 1
		if i = scanDigits(raw, from); i == from {
			return -1
		}
	}
	if i < len(raw) && raw[i]|0x20 == 'e' {
		from := i + 1
		if from < len(raw) && (raw[from] == '+' || raw[from] == '-') {
			from++
		}
		if i = scanDigits(raw, from); i == from {
			return -1
		}
	}
	return i
}

func scanDigits(raw []byte, i int) int {
	for i < len(raw) && isDigit(raw[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
