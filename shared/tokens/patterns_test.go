package tokens

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// atom matches a character of in, or outside of it, from min to max times, as many as it can. Possessive ones
// give none back; one with ahead set takes nothing.
type atom struct {
	in         set
	outside    bool // [^in]
	min, max   int
	possessive bool
	ahead      bool     // (?!in)
	end        bool     // $
	group      [][]atom // (?:a|b|...)?
}

const many = 1 << 30

// set is one or more sets of characters, a bit for each.
type set uint32

// alphabet is the sets that each character is in.
type alphabet struct {
	sets  []set
	taken int
}

// add returns a new set, which is still empty.
func (a *alphabet) add() set {
	a.taken++
	return 1 << (a.taken - 1)
}

// setOf returns the set of the given characters.
func (a *alphabet) setOf(chars string) set {
	added := a.add()
	for _, r := range chars {
		a.sets[r] |= added
	}
	return added
}

// span is a line of classes.txt: characters of one class.
type span struct {
	class       string
	first, last rune
}

// spans are those that reference.py got from the reference implementation.
var spans = sync.OnceValue(func() []span {
	file, err := os.ReadFile("../../infra/tokens/generate/classes.txt")
	if err != nil {
		panic(err)
	}
	var all []span
	for line := range strings.Lines(string(file)) {
		var s span
		if _, err := fmt.Sscanf(line, "%s %X %X", &s.class, &s.first, &s.last); err != nil {
			panic(err)
		}
		all = append(all, s)
	}
	return all
})

var (
	one        = func(in set) atom { return atom{in: in, min: 1, max: 1} }
	optional   = func(in set) atom { return atom{in: in, max: 1} }
	some       = func(in set) atom { return atom{in: in, min: 1, max: many} }
	maybe      = func(in set) atom { return atom{in: in, max: many} }
	three      = func(in set) atom { return atom{in: in, min: 1, max: 3} }
	held       = func(a atom) atom { a.possessive = true; return a }
	outside    = func(a atom) atom { a.outside = true; return a }
	notOutside = func(in set) atom { return atom{in: in, outside: true, ahead: true} }
	anyOf      = func(group [][]atom) atom { return atom{group: group} }
	theEnd     = atom{end: true}
)

// patterns returns the regular expressions as alternatives, and the sets that these use.
func patterns() (map[string][][]atom, []set) {
	a := &alphabet{sets: make([]set, unicode.MaxRune+1)}
	class := map[string]set{}
	for _, s := range spans() {
		if class[s.class] == 0 {
			class[s.class] = a.add()
		}
		for r := s.first; r <= s.last; r++ {
			a.sets[r] |= class[s.class]
		}
	}
	space, number := class["s"], class["N"]
	letter := class["Lu"] | class["Lt"] | class["Ll"] | class["Lm"] | class["Lo"]
	up := class["Lu"] | class["Lt"] | class["Lm"] | class["Lo"] | class["M"]
	low := class["Ll"] | class["Lm"] | class["Lo"] | class["M"]
	line, slash, blank, quote := a.setOf("\r\n"), a.setOf("/"), a.setOf(" "), a.setOf("'")

	var plain, folded [][]atom
	exact, either := map[rune]set{}, map[rune]set{}
	for upper, lower := range map[string]rune{"Sſ": 's', "D": 'd', "M": 'm', "T": 't', "L": 'l', "V": 'v', "E": 'e', "R": 'r'} {
		exact[lower] = a.setOf(string(lower))
		either[lower] = exact[lower] | a.setOf(upper)
	}
	for _, word := range []string{"s", "d", "m", "t", "ll", "ve", "re"} {
		p, f := []atom{one(quote)}, []atom{one(quote)}
		for _, r := range word {
			p, f = append(p, one(exact[r])), append(f, one(either[r]))
		}
		plain, folded = append(plain, p), append(folded, f)
	}

	r50k := append(plain, [][]atom{
		{optional(blank), held(some(letter))},
		{optional(blank), held(some(number))},
		{optional(blank), held(outside(some(space | letter | number)))},
		{held(some(space)), theEnd},
		{some(space), notOutside(space)},
		{one(space)},
	}...)
	cl100k := append(slices.Clone(folded), [][]atom{
		{held(outside(optional(line | letter | number))), held(some(letter))},
		{held(three(number))},
		{optional(blank), held(outside(some(space | letter | number))), held(maybe(line))},
		{held(some(space)), theEnd},
		{maybe(space), one(line)},
		{some(space), notOutside(space)},
		{one(space)},
	}...)
	o200k := [][]atom{
		{outside(optional(line | letter | number)), maybe(up), some(low), anyOf(folded)},
		{outside(optional(line | letter | number)), some(up), maybe(low), anyOf(folded)},
		{three(number)},
		{optional(blank), outside(some(space | letter | number)), maybe(line | slash)},
		{maybe(space), some(line)},
		{some(space), notOutside(space)},
		{some(space)},
	}
	return map[string][][]atom{
		"o200k_base": o200k, "o200k_harmony": o200k, "cl100k_base": cl100k, "p50k_base": r50k, "r50k_base": r50k,
	}, a.sets
}

// match returns how many characters, each given as the sets it is in, seq takes from the front of s, or -1.
func match(seq []atom, s []set) int {
	if len(seq) == 0 {
		return 0
	}
	a := &seq[0]
	for _, way := range a.group {
		if n := match(way, s); n >= 0 {
			if rest := match(seq[1:], s[n:]); rest >= 0 {
				return n + rest
			}
		}
	}
	if a.end && len(s) > 0 || a.ahead && len(s) > 0 && a.takes(s[0]) {
		return -1
	}
	n := 0
	for !a.ahead && n < a.max && n < len(s) && a.takes(s[n]) {
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

func (a *atom) takes(char set) bool { return (char&a.in != 0) != a.outside }
