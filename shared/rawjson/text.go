package rawjson

import (
	"bytes"
	"encoding/json"
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

// Texts returns the values of an array of strings, nil for null. ok is false for anything else. raw has
// to be valid JSON.
func Texts(raw json.RawMessage) (texts []string, ok bool) {
	if len(raw) == 0 || raw[0] == 'n' {
		return nil, true
	}
	if raw[0] != '[' {
		return nil, false
	}
	for i := space(raw, 1); raw[i] != ']'; i = space(raw, i) {
		if raw[i] == ',' {
			i++
			continue
		}
		if raw[i] != '"' {
			return nil, false
		}
		end := skipString(raw, i)
		texts = append(texts, unquote(raw[i:end]))
		i = end
	}
	return texts, true
}

// unquote resolves the escapes of a valid JSON string. Half a surrogate pair becomes U+FFFD, as with
// encoding/json; bytes that are no UTF-8 stay as they are.
func unquote(quoted []byte) string {
	s := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s)
	}
	out := appendUnquoted(make([]byte, 0, len(s)), quoted) // what is resolved is never longer
	return unsafe.String(unsafe.SliceData(out), len(out))  // nobody else has it
}

// appendUnquoted appends what unquote returns.
func appendUnquoted(out, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	at := backslash(s)
	for at >= 0 {
		out = append(out, s[:at]...)
		c := s[at+1]
		s = s[at+2:]
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
			var r rune
			r, s = codePoint(s)
			out = utf8.AppendRune(out, r)
			at = backslash(s)
			continue
		}
		out = append(out, c) // of \" \\ \/ the character itself
		at = backslash(s)
	}
	return append(out, s...)
}

// backslash is where the next one is. Where there is one there are more nearby, most often.
func backslash(s []byte) int {
	for i := range min(len(s), 32) {
		if s[i] == '\\' {
			return i
		}
	}
	if len(s) <= 32 {
		return -1
	}
	if at := bytes.IndexByte(s[32:], '\\'); at >= 0 {
		return at + 32
	}
	return -1
}

// codePoint reads the hex digits behind \u, with those of the second \u if the first is half a pair.
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
