package tokens

import (
	"slices"
	"sync"
	"testing"
	"unicode/utf8"
)

// The reference below is plain and shares nothing with what it is to judge but the list of tokens: the regular
// expressions as data, a matcher that backtracks as a regular expression does, and merges by scanning for
// the lowest rank.

// naive is an encoding by the reference. Not to be used concurrently, but its copies may be.
type naive struct {
	pattern [][]atom
	sets    []set
	tokens  []string // by id
	ranks   map[string]int
	pairs   *[1 << 16]int // the ranks of two bytes, which are asked for most

	chars              []set // of the text
	starts, cuts, next []int
}

var naives = sync.OnceValue(func() map[string]*naive {
	all := map[string]*naive{}
	patterns, sets := patterns()
	for name, pattern := range patterns {
		e, _ := Lookup(name)
		n := &naive{pattern: pattern, sets: sets, ranks: map[string]int{}, pairs: new([1 << 16]int)}
		for id := range int(e.vocab.tokens) {
			token := ""
			if e.vocab.hasToken(id) {
				token = string(e.vocab.appendToken(nil, uint32(id)))
				n.ranks[token] = id
			}
			n.tokens = append(n.tokens, token)
		}
		for i := range n.pairs {
			n.pairs[i] = n.rank(string([]byte{byte(i >> 8), byte(i)}))
		}
		all[name] = n
	}
	return all
})

// encode appends the ids of text, which is UTF-8.
func (n *naive) encode(ids []int, text string) []int {
	n.chars, n.starts = n.chars[:0], n.starts[:0]
	for i, r := range text {
		n.chars, n.starts = append(n.chars, n.sets[r]), append(n.starts, i)
	}
	n.starts = append(n.starts, len(text))
	for at := 0; at < len(n.chars); {
		length := -1
		for i := 0; length < 0; i++ {
			length = match(n.pattern[i], n.chars[at:])
		}
		ids = n.merge(ids, text[n.starts[at]:n.starts[at+length]])
		at += length
	}
	return ids
}

// rank returns the id of a token, and many for what is none.
func (n *naive) rank(token string) int {
	if id, ok := n.ranks[token]; ok {
		return id
	}
	return many
}

// merge appends the ids of a piece: of itself, if it is a token, else of what merges leave of its bytes.
func (n *naive) merge(ids []int, piece string) []int {
	if id, ok := n.ranks[piece]; ok {
		return append(ids, id)
	}
	cuts, next := n.cuts[:0], n.next[:0] // where the parts begin, and what each and the next merge into
	for i := range len(piece) + 1 {
		cuts = append(cuts, i)
	}
	for i := range len(piece) - 1 {
		next = append(next, n.pairs[int(piece[i])<<8|int(piece[i+1])])
	}
	for {
		best, at := many, 0
		for i, rank := range next {
			if rank < best {
				best, at = rank, i
			}
		}
		if best == many {
			break
		}
		cuts, next = slices.Delete(cuts, at+1, at+2), slices.Delete(next, at, at+1)
		for i := max(at-1, 0); i <= at && i < len(next); i++ {
			next[i] = n.rank(piece[cuts[i]:cuts[i+2]])
		}
	}
	for i, end := range cuts[1:] {
		ids = append(ids, n.ranks[piece[cuts[i]:end]])
	}
	n.cuts, n.next = cuts, next
	return ids
}

// placeTokens returns the tokens with where they are in the text, given the places of its bytes.
func (n *naive) placeTokens(ids, places []int) []Token {
	tokens := make([]Token, len(ids))
	at, start := 0, 0
	for i, id := range ids {
		at += len(n.tokens[id])
		tokens[i] = Token{ID: id, Start: start, End: places[at]}
		start = places[at]
	}
	return tokens
}

// withReplacements returns text with U+FFFD for each maximal subpart of what is not UTF-8, and for each byte of that
// and its end where it is in text.
func withReplacements(text string) (string, []int) {
	var valid []byte
	var places []int
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			for n = min(3, len(text)-i); n > 1 && !beginsCharacter(text[i:i+n]); n-- {
			}
		}
		for j := range utf8.RuneLen(r) {
			places = append(places, i+min(j, n))
		}
		valid = utf8.AppendRune(valid, r)
		i += n
	}
	return string(valid), append(places, len(text))
}

// beginsCharacter reports whether some character begins with these bytes: the one that continues with the lowest bytes
// or the one with the highest.
func beginsCharacter(bytes string) bool {
	for _, rest := range []string{"\x80", "\x80\x80", "\x80\x80\x80", "\xBF", "\xBF\xBF", "\xBF\xBF\xBF"} {
		if r, n := utf8.DecodeRuneInString(bytes + rest); r != utf8.RuneError && n == len(bytes+rest) {
			return true
		}
	}
	return false
}

// FuzzEncode compares with the reference, and checks what must hold for any text.
func FuzzEncode(f *testing.F) {
	for _, text := range texts(f) {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	for i := range snippets {
		f.Add(snippets[i] + snippets[(i*7+3)%len(snippets)] + snippets[(i*5+1)%len(snippets)] + "a")
	}
	all := pairs(f, Encodings())
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			t.Skip("too long for the slow reference")
		}
		s := newSample(text)
		for _, p := range all {
			if d := p.difference(s, true); d != "" {
				t.Fatal(d)
			}
			checkText(t, p.fast, text)
		}
	})
}
