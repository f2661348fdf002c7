package rawjson

import (
	"bytes"
	"encoding/json"
)

// maxDepth is how deep values may nest, as encoding/json has it.
const maxDepth = 10_000

// valid tells what json.Valid tells, in a third of its time: a file of a million requests is checked
// line by line.
func valid(raw []byte) bool {
	return check(raw, nil)
}

// Wanted is a member of an object that Find looks for.
type Wanted struct {
	Key   string
	Value json.RawMessage // of the first member of that name, nil if there is none
	In    []Wanted        // members of the value, where that is an object
}

// Find checks a text and finds members of it in the same pass, at any depth. Its error is Parse's. Only
// what Find got from the text itself is left in wanted.
func Find(raw []byte, wanted []Wanted) error {
	forget(wanted)
	if !check(raw, wanted) {
		return syntaxError(raw)
	}
	if raw[space(raw, 0)] != '{' {
		return ErrNotObject
	}
	return nil
}

func forget(wanted []Wanted) {
	for i := range wanted {
		wanted[i].Value = nil
		forget(wanted[i].In)
	}
}

func check(raw []byte, wanted []Wanted) bool {
	end := checkValue(raw, space(raw, 0), 0, wanted)
	return end > 0 && space(raw, end) == len(raw)
}

// checkValue returns the offset behind the value that begins at i, -1 if there is none. So do the
// functions below.
func checkValue(raw []byte, i, depth int, wanted []Wanted) int {
	if i >= len(raw) {
		return -1
	}
	switch raw[i] {
	case '"':
		return checkString(raw, i)
	case '{':
		return checkList(raw, i, depth, '}', wanted)
	case '[':
		return checkList(raw, i, depth, ']', nil)
	case 't':
		return checkWord(raw, i, "true")
	case 'f':
		return checkWord(raw, i, "false")
	case 'n':
		return checkWord(raw, i, "null")
	}
	return checkNumber(raw, i)
}

// checkList checks an object or an array.
func checkList(raw []byte, i, depth int, close byte, wanted []Wanted) int {
	if depth >= maxDepth {
		return -1
	}
	i = space(raw, i+1)
	if i < len(raw) && raw[i] == close {
		return i + 1
	}
	for {
		var found *Wanted
		if close == '}' {
			if i >= len(raw) || raw[i] != '"' {
				return -1
			}
			key := i
			if i = checkString(raw, i); i < 0 {
				return -1
			}
			found = find(raw[key:i], wanted)
			if i = space(raw, i); i >= len(raw) || raw[i] != ':' {
				return -1
			}
			i = space(raw, i+1)
		}
		var within []Wanted
		if found != nil {
			within = found.In
		}
		start := i
		if i = checkValue(raw, i, depth+1, within); i < 0 {
			return -1
		}
		if found != nil {
			found.Value = raw[start:i]
		}
		if i = space(raw, i); i >= len(raw) {
			return -1
		}
		switch raw[i] {
		case close:
			return i + 1
		case ',':
			i = space(raw, i+1)
		default:
			return -1
		}
	}
}

// find returns who waits for the member of that name, which is in quotes.
func find(quoted []byte, wanted []Wanted) *Wanted {
	for i := range wanted {
		w := &wanted[i]
		if w.Value != nil {
			continue
		}
		if isName(quoted, w.Key) {
			return w
		}
	}
	return nil
}

// isName tells whether a string, in its quotes, says name.
func isName(quoted []byte, name string) bool {
	if len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
		return true
	}
	return bytes.IndexByte(quoted, '\\') >= 0 && unquote(quoted) == name
}

// special are the bytes within a string that do not stand for themselves.
var special = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

func checkString(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		c := raw[i]
		if !special[c] {
			continue
		}
		switch c {
		case '"':
			return i + 1
		case '\\':
			if i = checkEscape(raw, i+1); i < 0 {
				return -1
			}
		default:
			return -1
		}
	}
	return -1
}

// checkEscape returns the offset of the escape's last byte.
func checkEscape(raw []byte, i int) int {
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
			if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func checkWord(raw []byte, i int, word string) int {
	if end := i + len(word); end <= len(raw) && string(raw[i:end]) == word {
		return end
	}
	return -1
}

func checkNumber(raw []byte, i int) int {
	if raw[i] == '-' {
		i++
	}
	switch {
	case i >= len(raw) || raw[i] < '0' || raw[i] > '9':
		return -1
	case raw[i] == '0':
		i++
	default:
		i = digits(raw, i)
	}
	if i < len(raw) && raw[i] == '.' {
		from := i + 1
		if i = digits(raw, from); i == from {
			return -1
		}
	}
	if i < len(raw) && raw[i]|0x20 == 'e' {
		from := i + 1
		if from < len(raw) && (raw[from] == '+' || raw[from] == '-') {
			from++
		}
		if i = digits(raw, from); i == from {
			return -1
		}
	}
	return i
}

func digits(raw []byte, i int) int {
	for i < len(raw) && raw[i] >= '0' && raw[i] <= '9' {
		i++
	}
	return i
}
