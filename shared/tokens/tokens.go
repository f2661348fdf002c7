// Package tokens counts text in tokens, exactly as OpenAI's tiktoken does, with the vocabularies in the binary.
// It does not know models, requests or prices.
package tokens

import (
	"fmt"
	"iter"
	"sort"
	"strings"
)

// Encoding is one way to cut text into tokens. Its methods may be called concurrently.
//
// Text is UTF-8. Bytes that are not become U+FFFD, once per maximal subpart, as in Python's
// bytes.decode(errors="replace").
type Encoding struct {
	name    string
	vocab   *vocabulary
	split   func(s string, i int) int // returns where the piece that starts at i ends
	special map[string]int
}

// Lookup returns the encoding of a name, such as "o200k_base". The error lists the names there are.
func Lookup(name string) (*Encoding, error) {
	if e := encodings[name]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("unknown encoding %q; known are %s", name, strings.Join(Encodings(), ", "))
}

// Encodings returns the names that Lookup knows, sorted.
func Encodings() []string {
	names := make([]string, 0, len(encodings))
	for name := range encodings {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Name returns the name that Lookup knows the encoding by.
func (e *Encoding) Name() string { return e.name }

// Count returns how many tokens text has. Special tokens count as plain text.
func (e *Encoding) Count(text string) int {
	text = validUTF8(text)
	n := 0
	for i := 0; i < len(text); {
		end := e.split(text, i)
		n += len(e.vocab.encode(nil, text[i:end]))
		i = end
	}
	return n
}

// CountBytes is Count of bytes.
func (e *Encoding) CountBytes(text []byte) int { return e.Count(string(text)) }

// AppendIDs appends the ids of text's tokens to dst. Special tokens are plain text.
func (e *Encoding) AppendIDs(dst []int, text string) []int {
	return e.appendIDs(dst, validUTF8(text))
}

func (e *Encoding) appendIDs(dst []int, valid string) []int {
	for i := 0; i < len(valid); {
		end := e.split(valid, i)
		dst = e.vocab.encode(dst, valid[i:end])
		i = end
	}
	return dst
}

// Decode returns the bytes that ids stand for. They need not be valid UTF-8: a character may be cut into
// several tokens.
func (e *Encoding) Decode(ids []int) ([]byte, error) {
	var out []byte
	for _, id := range ids {
		token, ok := e.token(id)
		if !ok {
			return nil, fmt.Errorf("%s has no token %d", e.name, id)
		}
		out = append(out, token...)
	}
	return out, nil
}

func (e *Encoding) token(id int) (string, bool) {
	if token, ok := e.vocab.token(id); ok {
		return token, true
	}
	for text, special := range e.special {
		if special == id {
			return text, true
		}
	}
	return "", false
}

// Token is one token of a text and the bytes it covers: text[Start:End].
type Token struct {
	ID, Start, End int
}

// Tokens returns the tokens of text in order. Special tokens are plain text. The ranges tile the text; where
// it is not valid UTF-8 they are those of the bytes that U+FFFD replaced, and may be empty.
func (e *Encoding) Tokens(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		valid := validUTF8(text)
		at := offsets{text: text, same: valid == text}
		start := 0
		var ids []int
		for i, n := 0, 0; i < len(valid); i = n {
			n = e.split(valid, i)
			ids = e.vocab.encode(ids[:0], valid[i:n])
			pos := i
			for _, id := range ids {
				token, _ := e.vocab.token(id)
				pos += len(token)
				end := at.original(pos)
				if !yield(Token{ID: id, Start: start, End: end}) {
					return
				}
				start = end
			}
		}
	}
}
