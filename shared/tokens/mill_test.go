package tokens

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// mill makes texts out of what is hard to encode. Not to be used concurrently.
type mill struct {
	seed    uint64
	pcg     *rand.PCG
	random  *rand.Rand
	grist   []string // texts to take pieces of
	tokens  [][]string
	scripts []*unicode.RangeTable
	out     []byte
}

func newMill(tb testing.TB, seed uint64) *mill {
	m := &mill{seed: seed, pcg: rand.NewPCG(seed, 0), grist: slices.Clone(snippets)}
	m.random = rand.New(m.pcg)
	golden := texts(tb)
	for _, name := range slices.Sorted(maps.Keys(golden)) {
		if text := golden[name]; text != "" {
			m.grist = append(m.grist, text[:min(len(text), 1000)])
		}
	}
	m.grist = append(m.grist, corpus(tb)...)
	for _, name := range append(large, small...) {
		m.tokens = append(m.tokens, naives()[name].tokens)
	}
	for _, name := range slices.Sorted(maps.Keys(unicode.Scripts)) {
		m.scripts = append(m.scripts, unicode.Scripts[name])
	}
	return m
}

// corpus returns what FuzzEncode has found, so far as it is in testdata.
func corpus(tb testing.TB) []string {
	files, err := filepath.Glob("testdata/fuzz/FuzzEncode/*")
	if err != nil {
		tb.Fatal(err)
	}
	var found []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		_, quoted, _ := strings.Cut(string(data), "\nstring(")
		text, err := strconv.Unquote(strings.TrimSuffix(quoted, ")\n"))
		if err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		if text != "" {
			found = append(found, text)
		}
	}
	return found
}

// text returns the nth text. Now and then it is eight earlier ones in a row, whose pieces have been
// remembered, and are elsewhere now.
func (m *mill) text(n uint64) string {
	if n%64 == 63 {
		var b strings.Builder
		for i := n - 8; i < n; i++ {
			b.WriteString(m.text(i) + " ")
		}
		return b.String()
	}
	m.pcg.Seed(m.seed, n*hashFactor)
	m.out = m.out[:0]
	var kinds [3]func(*mill)
	for i := range kinds {
		kinds[i] = pick(m, parts)
	}
	for size := m.size(); len(m.out) < size; {
		from := len(m.out)
		pick(m, kinds[:])(m)
		if m.random.IntN(32) == 0 {
			m.out = append(m.out, bytes.Repeat(m.out[from:], m.random.IntN(1+m.random.IntN(40)))...)
		}
	}
	if m.random.IntN(4) == 0 {
		for range 1 + m.random.IntN(3) {
			m.mutate()
		}
	}
	return string(m.out)
}

// size returns how long a text should become: mostly less than 40 bytes, seldom thousands.
func (m *mill) size() int {
	switch n := m.random.IntN(4096); {
	case n == 0:
		return m.random.IntN(4000)
	case n < 64:
		return m.random.IntN(400)
	}
	return m.random.IntN(1 + m.random.IntN(40))
}

// mutate changes some bytes of the text.
func (m *mill) mutate() {
	from := m.random.IntN(len(m.out) + 1)
	to := min(from+m.random.IntN(5), len(m.out))
	some := slices.Clone(m.out[from:to])
	switch m.random.IntN(5) {
	case 0:
		m.out = slices.Delete(m.out, from, to)
	case 1:
		m.out = slices.Insert(m.out, m.random.IntN(len(m.out)+1), some...)
	case 2:
		m.out = slices.Insert(m.out, from, byte(m.random.Uint32()))
	case 3:
		for i := from; i < to; i++ {
			m.out[i] ^= 1 << m.random.IntN(8)
		}
	case 4:
		slices.Reverse(m.out[from:to])
	}
}

// parts append to the text. The first are there several times, as merges are what is hardest.
var parts = []func(*mill){
	(*mill).token, (*mill).token, (*mill).inner, (*mill).inner, (*mill).half, (*mill).half, (*mill).half,
	(*mill).piece, (*mill).piece, (*mill).snippet, (*mill).word, (*mill).ascii, (*mill).classed, (*mill).script,
	(*mill).digits, (*mill).blanks, (*mill).contraction, (*mill).raw,
}

func pick[T any](m *mill, from []T) T { return from[m.random.IntN(len(from))] }

func (m *mill) add(s string) { m.out = append(m.out, s...) }

func (m *mill) addRune(r rune) { m.out = utf8.AppendRune(m.out, r) }

// few returns how many of something small to add.
func (m *mill) few() int { return 1 + m.random.IntN(4) }

// token adds a token, half of the time one of the first, which take part in most merges.
func (m *mill) token() { m.add(m.anyToken()) }

func (m *mill) anyToken() string {
	tokens := pick(m, m.tokens)
	if m.random.IntN(2) == 0 {
		tokens = tokens[:5000]
	}
	return pick(m, tokens)
}

// inner adds a token without what would begin a new piece.
func (m *mill) inner() { m.add(strings.TrimLeft(m.anyToken(), " ")) }

// half adds the front of a token, or its back.
func (m *mill) half() {
	token := strings.TrimLeft(m.anyToken(), " ")
	cut := m.random.IntN(len(token) + 1)
	if m.random.IntN(2) == 0 {
		m.add(token[:cut])
	} else {
		m.add(token[cut:])
	}
}

// piece adds some bytes of a text.
func (m *mill) piece() {
	text := pick(m, m.grist)
	from := m.random.IntN(len(text))
	m.add(text[from:min(len(text), from+1+m.random.IntN(30))])
}

func (m *mill) snippet() { m.add(pick(m, snippets)) }

// word adds a word of two letters.
func (m *mill) word() {
	letters := pick(m, pairsOfLetters)
	for range m.random.IntN(20) {
		m.addRune(pick(m, letters))
	}
}

var pairsOfLetters = [][]rune{[]rune("ab"), []rune("aA"), []rune("AB"), []rune("xX"), []rune("ст"), []rune("中文"), []rune("eé"), []rune("ʰA")}

func (m *mill) ascii() {
	for range m.few() {
		m.out = append(m.out, byte(m.random.IntN(128)))
	}
}

// classed adds a character of a class of the patterns, or one next to the first or the last.
func (m *mill) classed() {
	s := pick(m, spans())
	switch m.random.IntN(4) {
	case 0:
		m.addRune(s.first - 1 + m.random.Int32N(2))
	case 1:
		m.addRune(s.last + m.random.Int32N(2))
	case 2:
		m.addRune(s.first + m.random.Int32N(s.last-s.first+1))
	case 3:
		m.addRune(m.random.Int32N(unicode.MaxRune + 1))
	}
}

// script adds characters of a script.
func (m *mill) script() {
	table := pick(m, m.scripts)
	for range m.few() {
		n := m.random.IntN(len(table.R16) + len(table.R32))
		if n < len(table.R16) {
			r := table.R16[n]
			m.addRune(rune(r.Lo) + m.random.Int32N(rune(r.Hi-r.Lo)+1))
		} else {
			r := table.R32[n-len(table.R16)]
			m.addRune(rune(r.Lo) + m.random.Int32N(rune(r.Hi-r.Lo)+1))
		}
	}
}

var (
	someDigits = []string{"0", "1", "7", "42", "999", "٣", "²", "½", "Ⅷ", "𝟘"}
	someBlanks = []string{
		" ", " ", "  ", "        ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\u0085", "\u00a0", "\u1680", "\u180e",
		"\u2003", "\u2028", "\u202f", "\u3000", "\u200b", "\ufeff",
	}
	// Those of the patterns, and some that are almost so.
	contractions = []string{"s", "t", "re", "ve", "m", "ll", "d", "ſ", "r", "v", "l", "le", "x"}
)

func (m *mill) digits() {
	for range m.few() {
		m.add(pick(m, someDigits))
	}
}

func (m *mill) blanks() {
	for range m.few() {
		m.add(pick(m, someBlanks))
	}
}

// contraction adds one in any case, after another piece.
func (m *mill) contraction() {
	m.add(pick(m, []string{"", "a", "A", "中", "\u0301", " ", "1"}))
	m.add(pick(m, []string{"'", "'", "'", "’"}))
	for _, r := range pick(m, contractions) {
		if m.random.IntN(2) == 0 {
			r = unicode.ToUpper(r)
		}
		m.addRune(r)
	}
}

// raw adds random bytes.
func (m *mill) raw() {
	for range m.few() {
		m.out = append(m.out, byte(m.random.Uint32()))
	}
}
