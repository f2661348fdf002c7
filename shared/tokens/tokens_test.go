package tokens

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestLookupAtOnce is for the race detector: every function asks for encodings from many goroutines.
func TestLookupAtOnce(t *testing.T) {
	var lookups sync.WaitGroup
	for _, name := range Encodings() {
		for range 4 {
			lookups.Go(func() {
				if e, err := Lookup(name); err != nil || e.Name() != name || e.Count("a b") != 2 {
					t.Errorf("%s: got %v, %v", name, e, err)
				}
			})
		}
	}
	lookups.Wait()
}

func TestLookup(t *testing.T) {
	for _, name := range Encodings() {
		if e := lookup(t, name); e.Name() != name {
			t.Errorf("Lookup(%q) is named %q", name, e.Name())
		}
	}
	_, err := Lookup("gpt-4o")
	want := `unknown encoding "gpt-4o"; known are o200k_base, o200k_harmony, cl100k_base, p50k_base, r50k_base`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		encoding string
		ids      []int
		want     string
		err      string
	}{
		{"o200k_base", nil, "", ""},
		{"o200k_base", []int{103406, 41633}, "hamburger", ""},
		{"o200k_base", []int{199999, 200018}, "<|endoftext|><|endofprompt|>", ""},
		{"o200k_base", []int{199998}, "", "o200k_base has no token 199998"},
		{"o200k_base", []int{-1}, "", "o200k_base has no token -1"},
		{"o200k_base", []int{1 << 40}, "", "o200k_base has no token 1099511627776"},
		{"o200k_harmony", []int{199998, 200006, 200000, 201087}, "<|startoftext|><|start|><|reserved_200000|><|reserved_201087|>", ""},
		{"o200k_harmony", []int{201088}, "", "o200k_harmony has no token 201088"},
		{"cl100k_base", []int{100256}, "", "cl100k_base has no token 100256"},
		{"cl100k_base", []int{100258}, "<|fim_prefix|>", ""},
		{"p50k_base", []int{50256, 50257, 50280}, "<|endoftext|>" + strings.Repeat(" ", 2+25), ""},
		{"p50k_base", []int{50281}, "", "p50k_base has no token 50281"},
		{"r50k_base", []int{0, 255, 50256}, "!\xad<|endoftext|>", ""},
		{"r50k_base", []int{50257}, "", "r50k_base has no token 50257"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.encoding, test.ids), func(t *testing.T) {
			got, err := lookup(t, test.encoding).Decode(test.ids)
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Fatalf("error %v, want %q", err, test.err)
			}
			if string(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEncodeSpecial(t *testing.T) {
	harmony := lookup(t, "o200k_harmony")
	text := "<|start|>a<|reserved_200000|><|reserved_200002|><|<|end|>"
	got, err := harmony.Encode(text, Allowed)
	want := append([]int{200006, 64, 200000}, harmony.AppendIDs(nil, "<|reserved_200002|><|")...)
	if want = append(want, 200007); err != nil || !slices.Equal(got, want) {
		t.Errorf("Allowed: got %v, %v, want %v", got, err, want)
	}
	got, err = harmony.Encode(text, AsText)
	if want = harmony.AppendIDs(nil, text); err != nil || !slices.Equal(got, want) {
		t.Errorf("AsText: got %v, %v, want %v", got, err, want)
	}
	var special *SpecialError
	if _, err = harmony.Encode(text, Refused); !errors.As(err, &special) || special.Token != "<|start|>" {
		t.Errorf("Refused: got %v", err)
	}
}

// TestProperties checks, over the golden texts and random ones, what must hold for any text.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]string, 0, 2000)
	for _, text := range texts(t) {
		if len(text) < 10_000 {
			samples = append(samples, text)
		}
	}
	for len(samples) < cap(samples) {
		samples = append(samples, randomText(random))
	}
	for _, name := range Encodings() {
		e := lookup(t, name)
		for _, text := range samples {
			checkText(t, e, text)
		}
	}
}

// checkText fails where what the methods say of a text does not go together.
func checkText(t *testing.T, e *Encoding, text string) {
	t.Helper()
	ids := e.AppendIDs(nil, text)
	if n := e.Count(text); n != len(ids) {
		t.Fatalf("%s: Count(%q) is %d, but there are %d ids", e.Name(), text, n, len(ids))
	}
	if n := e.CountBytes([]byte(text)); n != len(ids) {
		t.Fatalf("%s: CountBytes(%q) is %d, but there are %d ids", e.Name(), text, n, len(ids))
	}
	valid := validUTF8(text)
	decoded, err := e.Decode(ids)
	if err != nil || string(decoded) != valid {
		t.Fatalf("%s: %q decodes to %q, %v", e.Name(), text, decoded, err)
	}
	end, n := 0, 0
	for token := range e.Tokens(text) {
		if token.ID != ids[n] || token.Start != end || token.End < token.Start {
			t.Fatalf("%s: token %d of %q is %+v after one that ends at %d; its id is %d", e.Name(), n, text, token, end, ids[n])
		}
		if bytes, _ := e.Decode(ids[n : n+1]); valid == text && string(bytes) != text[token.Start:token.End] {
			t.Fatalf("%s: token %d of %q is %q at %q", e.Name(), n, text, bytes, text[token.Start:token.End])
		}
		end = token.End
		n++
	}
	if n != len(ids) || end != len(text) {
		t.Fatalf("%s: %d tokens of %q up to %d, want %d up to %d", e.Name(), n, text, end, len(ids), len(text))
	}
	sum := 0
	for i := 0; i < len(valid); {
		to := e.split(valid, i)
		sum += e.Count(valid[i:to])
		i = to
	}
	if sum != len(ids) {
		t.Fatalf("%s: the pieces of %q have %d tokens, all of it %d", e.Name(), text, sum, len(ids))
	}
}

var snippets = []string{
	"'s", "'S", "'ſ", "'ll", "'Re", "'", " ", "  ", "\n", "\r\n", "\t", "\u0085", "\u00a0", "\u3000", "\ufeff", "\u200d",
	"\u0301", "/", "!", "a", "A", "the", "Hello", "ǅ", "ʰ", "中", "の", "न", "ि", "7", "123", "0123456789abcdefABCDEF",
	"internationalization", "Internationalization", "INTERNATIONALIZATIONs", "Пере", "ПЕРЕ", "مرحبا", "٣", "²", "½", "😀", "👨‍👩‍👧",
	"<|endoftext|>", "\x00", "\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "ß", "я", "م", "_", "==", "한",
	"\n//", " I'", "亚洲AV", // tokens of o200k_base, though its pattern cuts them
}

func randomText(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(30) {
		s := snippets[random.IntN(len(snippets))]
		b.WriteString(strings.Repeat(s, 1+random.IntN(3)*random.IntN(6)))
	}
	return b.String()
}

func TestTokensStop(t *testing.T) {
	for token := range lookup(t, "o200k_base").Tokens("one two three") {
		if token != (Token{ID: 690, Start: 0, End: 3}) {
			t.Errorf("got %+v", token)
		}
		break
	}
}

// TestTokensInvalid shows the ranges where bytes are replaced: two of U+FFFD are one token here.
func TestTokensInvalid(t *testing.T) {
	var got []Token
	for token := range lookup(t, "cl100k_base").Tokens("a\xff\xe2\x82b") {
		got = append(got, token)
	}
	want := []Token{{64, 0, 1}, {10178, 1, 4}, {65, 4, 5}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConcurrent(t *testing.T) {
	e := lookup(t, "o200k_base")
	text := texts(t)["go"]
	want := e.Count(text)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if n := e.Count(text); n != want {
					t.Errorf("got %d, want %d", n, want)
				}
			}
		})
	}
	group.Wait()
}

// TestClasses compares with Go's own tables, which know fewer characters than the reference's.
func TestClasses(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r < 0xE000 || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf) {
			continue
		}
		var want byte
		switch {
		case unicode.In(r, unicode.Lu, unicode.Lt):
			want = letter | upper
		case unicode.Is(unicode.Ll, r):
			want = letter | lower
		case unicode.IsLetter(r):
			want = letter | upper | lower
		case unicode.IsMark(r):
			want = upper | lower
		case unicode.IsNumber(r):
			want = number
		case r == '\r' || r == '\n':
			want = space | line
		case unicode.IsSpace(r):
			want = space
		}
		if got, n := class(string(r), 0); got != want || n != utf8.RuneLen(r) {
			t.Errorf("class(%U) is %b, %d, want %b", r, got, n, want)
		}
	}
}

// TestOneSpace checks what r50k_base takes for granted about the tokens that it shares with p50k_base.
func TestOneSpace(t *testing.T) {
	for id := range 50256 {
		if token, err := lookup(t, "r50k_base").Decode([]int{id}); err != nil || strings.Contains(string(token), "  ") {
			t.Errorf("token %d is %q, %v", id, token, err)
		}
	}
}

// TestThreeDigits checks what counting takes for granted about numbers.
func TestThreeDigits(t *testing.T) {
	for _, name := range []string{"o200k_base", "cl100k_base"} {
		e := lookup(t, name)
		for width := 1; width <= 3; width++ {
			for n := range 1000 {
				digits := fmt.Sprintf("%0*d", width, n)
				if ids := e.AppendIDs(nil, digits); len(digits) == width && len(ids) != 1 {
					t.Errorf("%s: %s is %v", name, digits, ids)
				}
			}
		}
	}
}

// TestNumbers checks the counts of numbers by those of their ids. What ends the last one may go on with it.
func TestNumbers(t *testing.T) {
	long := strings.Repeat("1", 1<<20)
	for _, name := range []string{"o200k_base", "cl100k_base"} {
		e := lookup(t, name)
		for width := range 40 {
			for _, gap := range []string{"", " ", ",", "\n", "'", "x", "  ", "\r\n", "é", "٣", "\xff"} {
				text := strings.Repeat(long[:width]+gap, 3)
				if got, want := e.Count(text), len(e.AppendIDs(nil, text)); got != want {
					t.Errorf("%s: Count(%q) is %d, want %d", name, text, got, want)
				}
			}
		}
		for _, end := range []string{"", "é"} { // a slow way here is one without end
			if got, want := e.Count(long+end), (len(long)+2)/3+len(end)/2; got != want {
				t.Errorf("%s: a number of 1 MB before %q has %d tokens, want %d", name, end, got, want)
			}
		}
	}
}
