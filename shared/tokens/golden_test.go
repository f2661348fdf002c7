package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
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

// TestGolden compares with what tiktoken 0.14.0 said; infra/tokens/generate/reference.py asks it.
func TestGolden(t *testing.T) {
	var golden []struct {
		Encoding, Name string
		IDs            []int
		Count          int
		SHA256         string
		Special        []int
	}
	read(t, "testdata/golden.json", &golden)
	texts := texts(t)
	if want := len(texts) * len(Encodings()); len(golden) != want {
		t.Fatalf("%d vectors, want %d", len(golden), want)
	}
	for _, g := range golden {
		e, text := lookup(t, g.Encoding), texts[g.Name]
		ids := e.AppendIDs(nil, text)
		if g.SHA256 == "" && !slices.Equal(ids, g.IDs) {
			t.Errorf("%s, %s: ids\n%v, want\n%v", g.Encoding, g.Name, ids, g.IDs)
		}
		if g.SHA256 != "" && (len(ids) != g.Count || sum(ids) != g.SHA256) {
			t.Errorf("%s, %s: %d ids, want %d; SHA-256 %s, want %s", g.Encoding, g.Name, len(ids), g.Count, sum(ids), g.SHA256)
		}
		if n := e.Count(text); n != len(ids) {
			t.Errorf("%s, %s: Count is %d, want %d", g.Encoding, g.Name, n, len(ids))
		}
		if g.SHA256 != "" {
			continue // nothing special in the long ones
		}
		want := ids
		if g.Special != nil {
			want = g.Special
		}
		if got, err := e.Encode(text, Allowed); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s, %s: with special tokens %v, %v, want %v", g.Encoding, g.Name, got, err, want)
		}
		_, err := e.Encode(text, Refused)
		if refused := err != nil; refused != (g.Special != nil) {
			t.Errorf("%s, %s: Refused gives %v", g.Encoding, g.Name, err)
		}
	}
}

// sum is the hash of the ids as reference.py writes them.
func sum(ids []int) string {
	joined := strings.ReplaceAll(strings.Trim(fmt.Sprint(ids), "[]"), " ", ",")
	return fmt.Sprintf("%x", sha256.Sum256([]byte(joined)))
}

func lookup(tb testing.TB, name string) *Encoding {
	tb.Helper()
	e, err := Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}
