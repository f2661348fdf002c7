// Package tokens counts text in tokens, exactly as OpenAI's tiktoken does, with the vocabularies in the binary.
// It does not know models, requests or prices.
package tokens

import (
	"fmt"
	"iter"
	"sync"
	"unsafe"
)

// Encoding is one way to cut text into tokens. Its methods may be called concurrently.
//
// Text is UTF-8, of less than 4 GiB. Bytes that are not become U+FFFD, once per maximal subpart, as in Python's
// bytes.decode(errors="replace").
type Encoding struct {
	name    string
	vocab   *vocabulary
	split   func(s string, i int) int // returns where the piece that starts at i ends
	special specials

	// threeDigits is set where numbers are cut after each third digit and any three are one token.
	threeDigits bool

	spare sync.Pool // of *scratch
}

// Name returns the name that Lookup knows the encoding by.
func (e *Encoding) Name() string { return e.name }

// Count returns how many tokens text has. Special tokens count as plain text.
func (e *Encoding) Count(text string) int {
	sc := e.scratch()
	defer e.release(sc)
	n := 0
	for i := 0; i < len(text); {
		if e.threeDigits && text[i]-'0' <= 9 {
			if tokens, end := asciiNumbers(text, i); end > i {
				n += tokens
				i = end
				continue
			}
		}
		end := e.split(text, i)
		if end < 0 {
			text, i = validUTF8(text[i:]), 0
			continue
		}
		n += sc.count(e.vocab, text, i, end)
		i = end
	}
	return n
}

// CountBytes is Count of bytes.
func (e *Encoding) CountBytes(text []byte) int {
	return e.Count(unsafe.String(unsafe.SliceData(text), len(text))) // Count keeps nothing of it
}

// AppendIDs appends the ids of text's tokens to dst. Special tokens are plain text.
func (e *Encoding) AppendIDs(dst []int, text string) []int {
	return e.appendIDs(dst, validUTF8(text))
}

func (e *Encoding) appendIDs(dst []int, valid string) []int {
	sc := e.scratch()
	defer e.release(sc)
	for i := 0; i < len(valid); {
		end := e.split(valid, i)
		e.vocab.encode(sc, valid, i, end)
		for _, t := range sc.tokens {
			dst = append(dst, int(e.vocab.id(t.unit)))
		}
		i = end
	}
	return dst
}

// maxSpare is how many tokens a scratch has room for when it is kept: most pieces have a few.
const maxSpare = 1 << 16

func (e *Encoding) release(sc *scratch) {
	if cap(sc.tokens) > maxSpare {
		sc.tokens = nil
	}
	e.spare.Put(sc)
}

func (e *Encoding) scratch() *scratch {
	if sc, ok := e.spare.Get().(*scratch); ok {
		return sc
	}
	return new(scratch)
}

// Decode returns the bytes that ids stand for. They need not be valid UTF-8: a character may be cut into
// several tokens.
func (e *Encoding) Decode(ids []int) ([]byte, error) {
	var out []byte
	for _, id := range ids {
		if e.vocab.hasToken(id) {
			out = e.vocab.appendToken(out, uint32(id))
		} else if text := e.special.text(id); text != "" {
			out = append(out, text...)
		} else {
			return nil, fmt.Errorf("%s has no token %d", e.name, id)
		}
	}
	return out, nil
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
		sc := e.scratch()
		defer e.release(sc)
		start := 0
		for i := 0; i < len(valid); {
			n := e.split(valid, i)
			e.vocab.encode(sc, valid, i, n)
			for _, t := range sc.tokens {
				end := at.original(int(t.end))
				if !yield(Token{ID: int(e.vocab.id(t.unit)), Start: start, End: end}) {
					return
				}
				start = end
			}
			i = n
		}
	}
}
