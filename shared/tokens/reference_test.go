package tokens

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// The reference below is slow and plain: the regular expressions as data, a matcher that backtracks as a
// regular expression does, and merges by scanning for the lowest rank.

// atom matches a character of in, from min to max times, as many as it can. Possessive ones give none back;
// with behind set, it looks ahead and takes nothing.
type atom struct {
	in         func(rune) bool
	min, max   int
	possessive bool
	not        bool // (?!in)
	end        bool // $
}

const many = 1 << 30

func has(bits byte) func(rune) bool {
	return func(r rune) bool { c, _ := class(string(r), 0); return c&bits != 0 }
}

func not(in ...func(rune) bool) func(rune) bool {
	return func(r rune) bool { return !slices.ContainsFunc(in, func(f func(rune) bool) bool { return f(r) }) }
}

func of(chars string) func(rune) bool {
	return func(r rune) bool { return strings.ContainsRune(chars, r) }
}

var (
	isLetter, isNumber, isSpace = has(letter), has(number), has(space)
	isLine                      = of("\r\n")

	one      = func(in func(rune) bool) atom { return atom{in: in, min: 1, max: 1} }
	optional = func(in func(rune) bool) atom { return atom{in: in, max: 1} }
	some     = func(in func(rune) bool) atom { return atom{in: in, min: 1, max: many} }
	maybe    = func(in func(rune) bool) atom { return atom{in: in, max: many} }
	held     = func(a atom) atom { a.possessive = true; return a }
)

// words matches one of the words, each character of which may be any of several: "'|sSſ".
func words(list ...string) [][]atom {
	var out [][]atom
	for _, word := range list {
		var seq []atom
		for _, chars := range strings.Split(word, "|") {
			seq = append(seq, one(of(chars)))
		}
		out = append(out, seq)
	}
	return out
}

// after returns each of heads followed by each of tails.
func after(head []atom, tails [][]atom) [][]atom {
	var out [][]atom
	for _, tail := range tails {
		out = append(out, append(slices.Clone(head), tail...))
	}
	return append(out, head)
}

func patterns() map[string][][]atom {
	other, prefix := not(isSpace, isLetter, isNumber), not(isLine, isLetter, isNumber)
	up, low := has(upper), has(lower)
	folded := words("'|sSſ", "'|tT", "'|rR|eE", "'|vV|eE", "'|mM", "'|lL|lL", "'|dD")
	ahead := atom{not: true, in: not(isSpace)}
	end := atom{end: true}

	r50k := append(words("'|s", "'|d", "'|m", "'|t", "'|l|l", "'|v|e", "'|r|e"), [][]atom{
		{optional(of(" ")), held(some(isLetter))},
		{optional(of(" ")), held(some(isNumber))},
		{optional(of(" ")), held(some(other))},
		{held(some(isSpace)), end},
		{some(isSpace), ahead},
		{one(isSpace)},
	}...)
	cl100k := append(words("'|sSſ", "'|dD", "'|mM", "'|tT", "'|lL|lL", "'|vV|eE", "'|rR|eE"), [][]atom{
		{held(optional(prefix)), held(some(isLetter))},
		{held(atom{in: isNumber, min: 1, max: 3})},
		{optional(of(" ")), held(some(other)), held(maybe(isLine))},
		{held(some(isSpace)), end},
		{maybe(isSpace), one(isLine)},
		{some(isSpace), ahead},
		{one(isSpace)},
	}...)
	o200k := after([]atom{optional(prefix), maybe(up), some(low)}, folded)
	o200k = append(o200k, after([]atom{optional(prefix), some(up), maybe(low)}, folded)...)
	o200k = append(o200k, [][]atom{
		{atom{in: isNumber, min: 1, max: 3}},
		{optional(of(" ")), some(other), maybe(of("\r\n/"))},
		{maybe(isSpace), some(isLine)},
		{some(isSpace), ahead},
		{some(isSpace)},
	}...)
	return map[string][][]atom{
		"o200k_base": o200k, "o200k_harmony": o200k, "cl100k_base": cl100k, "p50k_base": r50k, "r50k_base": r50k,
	}
}

// match returns how many characters seq takes from the front of s, or -1.
func match(seq []atom, s []rune) int {
	if len(seq) == 0 {
		return 0
	}
	a := seq[0]
	if a.end && len(s) > 0 || a.not && len(s) > 0 && a.in(s[0]) {
		return -1
	}
	n := 0
	for !a.end && !a.not && n < a.max && n < len(s) && a.in(s[n]) {
		n++
	}
	for ; n >= a.min; n-- {
		if rest := match(seq[1:], s[n:]); rest >= 0 {
			return n + rest
		}
		if a.possessive {
			break
		}
	}
	return -1
}

// naive is an encoding by the reference.
type naive struct {
	pattern [][]atom
	ranks   map[string]int
}

var naives = sync.OnceValue(func() map[string]*naive {
	all := map[string]*naive{}
	for name, pattern := range patterns() {
		e, _ := Lookup(name)
		n := &naive{pattern: pattern, ranks: map[string]int{}}
		for id := range 200_000 {
			if e.vocab.has(id) {
				n.ranks[string(e.vocab.appendToken(nil, uint32(id)))] = id
			}
		}
		all[name] = n
	}
	return all
})

func (n *naive) encode(text string) []int {
	ids := []int{}
	for s := []rune(text); len(s) > 0; {
		length := -1
		for i := 0; length < 0; i++ {
			length = match(n.pattern[i], s)
		}
		ids = append(ids, n.merge(string(s[:length]))...)
		s = s[length:]
	}
	return ids
}

func (n *naive) merge(piece string) []int {
	parts := make([]string, 0, len(piece))
	for i := range len(piece) {
		parts = append(parts, piece[i:i+1])
	}
	for {
		best, at := many, -1
		for i := 0; i+1 < len(parts); i++ {
			if rank, ok := n.ranks[parts[i]+parts[i+1]]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			break
		}
		parts[at] += parts[at+1]
		parts = slices.Delete(parts, at+1, at+2)
	}
	ids := make([]int, len(parts))
	for i, part := range parts {
		ids[i] = n.ranks[part]
	}
	return ids
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
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			t.Skip("too long for the slow reference")
		}
		for name, slow := range naives() {
			e := lookup(t, name)
			got, want := e.AppendIDs([]int{}, text), slow.encode(validUTF8(text))
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %q is %v, want %v", name, text, got, want)
			}
			checkText(t, e, text)
		}
	})
}
