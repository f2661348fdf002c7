package rawjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Text returns the value of a JSON string, "" for null and for no value at all. ok is false for
// anything else. raw has to be valid JSON.
func Text(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || raw[0] == 'n' {
		return "", true
	}
	if raw[0] != '"' {
		return "", false
	}
	return unquote(raw), true
}

// TextBytes is Text into memory that the caller owns.
func TextBytes(raw json.RawMessage) (text []byte, ok bool) {
	s, ok := Text(raw)
	return unsafe.Slice(unsafe.StringData(s), len(s)), ok // Text has made the string, and nothing else refers to it
}

// Texts returns the values of an array of strings, nil for null. ok is false for anything else. raw has
// to be valid JSON.
func Texts(raw json.RawMessage) (texts []string, ok bool) {
	if len(raw) == 0 || raw[0] == 'n' {
		return nil, true
	}
	if raw[0] != '[' {
		return nil, false
	}
	for i := skipSpace(raw, 1); raw[i] != ']'; i = skipSpace(raw, i) {
		if raw[i] == ',' {
			i++
			continue
		}
		if raw[i] != '"' {
			return nil, false
		}
		end, _ := scanString(raw, i)
		texts = append(texts, unquote(raw[i:end]))
		i = end
	}
	return texts, true
}

// unquote resolves the escapes of a valid JSON string. Half a surrogate pair becomes U+FFFD, as with
// encoding/json; bytes that are not UTF-8 stay as they are.
func unquote(quoted []byte) string {
	s := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s)
	}
	out := appendUnquoted(make([]byte, 0, len(s)), quoted) // what is resolved is never longer
	return unsafe.String(unsafe.SliceData(out), len(out))  // nothing else refers to it
}

// appendUnquoted appends what unquote returns. It may write up to 8 bytes more, beyond the length of the result.
func appendUnquoted(out, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for len(s) >= 8 {
		word := binary.LittleEndian.Uint64(s)
		out = binary.LittleEndian.AppendUint64(out, word)
		escapes := markZeros(word^backslashes) & highs
		if escapes == 0 {
			s = s[8:]
			continue
		}
		n := bits.TrailingZeros64(escapes) / 8
		out, s = appendEscaped(out[:len(out)-8+n], s[n+1:])
	}
	for len(s) > 0 {
		if s[0] == '\\' {
			out, s = appendEscaped(out, s[1:])
			continue
		}
		out, s = append(out, s[0]), s[1:]
	}
	return out
}

// appendEscaped appends the character of an escape. s begins after the backslash.
func appendEscaped(out, s []byte) (appended, rest []byte) {
	c := s[0]
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, rest := codePoint(s[1:])
		return utf8.AppendRune(out, r), rest
	}
	return append(out, c), s[1:] // of \" \\ \/ the character itself
}

// codePoint reads the hex digits after \u, with those of the second \u if the first is half a pair.
func codePoint(s []byte) (r rune, rest []byte) {
	r, rest = hex4(s), s[4:]
	if !utf16.IsSurrogate(r) {
		return r, rest
	}
	if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, rest[6:]
		}
	}
	return utf8.RuneError, rest
}

func hex4(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 32) // the JSON is valid
	return rune(n)
}
