package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// text is one of testdata/texts.json, given as text or, where it is not UTF-8, in hexadecimal.
type text struct {
	Name, Text, Hex string
	Times           int
}

func (t text) bytes(tb testing.TB) string {
	raw, err := hex.DecodeString(t.Hex)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Repeat(t.Text+string(raw), max(t.Times, 1))
}

func texts(tb testing.TB) map[string]string {
	var list []text
	read(tb, "testdata/texts.json", &list)
	texts := map[string]string{}
	for _, t := range list {
		texts[t.Name] = t.bytes(tb)
	}
	return texts
}

func read(tb testing.TB, file string, into any) {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
}

// A vector is what tiktoken makes of one of the texts: the ids, or of a long one their number and hash.
type vector struct {
	Encoding, Name string
	IDs            []int
	Count          int
	SHA256         string
	Special        []int
}

// TestGolden compares with what tiktoken 0.14.0 said; infra/tokens/generate/reference.py asks it.
func TestGolden(t *testing.T) {
	t.Parallel()
	var golden []vector
	read(t, "testdata/golden.json", &golden)
	texts := texts(t)
	if want := len(texts) * len(Encodings()); len(golden) != want {
		t.Fatalf("%d vectors, want %d", len(golden), want)
	}
	for _, g := range golden {
		t.Run(g.Encoding+"/"+g.Name, func(t *testing.T) {
			t.Parallel()
			g.check(t, texts[g.Name])
		})
	}
}

func (g vector) check(t *testing.T, text string) {
	e := lookup(t, g.Encoding)
	ids := e.AppendIDs(nil, text)
	if g.SHA256 == "" && !slices.Equal(ids, g.IDs) {
		t.Errorf("ids\n%v, want\n%v", ids, g.IDs)
	}
	if g.SHA256 != "" && (len(ids) != g.Count || sum(ids) != g.SHA256) {
		t.Errorf("%d ids, want %d; SHA-256 %s, want %s", len(ids), g.Count, sum(ids), g.SHA256)
	}
	if n := e.Count(text); n != len(ids) {
		t.Errorf("Count is %d, want %d", n, len(ids))
	}
	if g.SHA256 != "" {
		return // nothing special in the long ones
	}
	want := ids
	if g.Special != nil {
		want = g.Special
	}
	if got, err := e.Encode(text, Allowed); err != nil || !slices.Equal(got, want) {
		t.Errorf("with special tokens %v, %v, want %v", got, err, want)
	}
	_, err := e.Encode(text, Refused)
	if refused := err != nil; refused != (g.Special != nil) {
		t.Errorf("Refused gives %v", err)
	}
}

// sum is the hash of the ids as reference.py writes them.
func sum(ids []int) string {
	var joined []byte
	for i, id := range ids {
		if i > 0 {
			joined = append(joined, ',')
		}
		joined = strconv.AppendInt(joined, int64(id), 10)
	}
	return fmt.Sprintf("%x", sha256.Sum256(joined))
}

func lookup(tb testing.TB, name string) *Encoding {
	tb.Helper()
	e, err := Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}
