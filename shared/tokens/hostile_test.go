package tokens

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// hostile returns texts of about n bytes that are a long piece, or many that are hard to encode.
func hostile(n int) map[string]string {
	random := rand.New(rand.NewPCG(3, 4))
	any := func(chars string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = chars[random.IntN(len(chars))]
		}
		return string(b)
	}
	repeat := func(s string) string { return strings.Repeat(s, n/len(s)) }
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(random.IntN(256))
	}
	return map[string]string{
		"one letter":            repeat("a"),
		"two letters":           repeat("ab"),
		"letters":               any("abcdefghijklmnopqrstuvwxyz"),
		"a few letters":         any("aeint"),
		"letters and capitals":  any("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
		"alternating classes":   repeat("a1 B_\n"),
		"signs":                 any("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
		"one sign":              repeat("="),
		"quotes":                repeat("'"),
		"spaces":                repeat(" "),
		"tabs and spaces":       repeat("\t" + strings.Repeat(" ", 39)),
		"mostly spaces":         any("\t               "),
		"line ends":             repeat("\r\n"),
		"digits then é":         repeat("7") + "é",
		"marks":                 repeat("\u0301"),
		"joined emoji":          repeat("👩\u200d"),
		"ideographs":            repeat("中文字漢"),
		"deep merges":           repeat("aaaaaaaaaaaaaaab"),
		"bytes":                 string(bytes),
		"nothing that is UTF-8": repeat("\xff"),
	}
}

// TestHostile checks that Count and AppendIDs agree about 1 MB that is hard to encode, and that it is there
// again when decoded. It takes for ever where time is not linear.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, text := range hostile(1 << 20) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []int
			for _, encoding := range []string{"o200k_base", "cl100k_base", "r50k_base"} {
				e := lookup(t, encoding)
				ids = e.AppendIDs(ids[:0], text)
				if decoded, err := e.Decode(ids); err != nil || string(decoded) != validUTF8(text) || e.Count(text) != len(ids) {
					t.Errorf("%s: %d tokens, decoded %.20q..., %v, and %d ids", encoding, e.Count(text), decoded, err, len(ids))
				}
			}
		})
	}
}

// BenchmarkHostile counts 1 MB and 2 MB in turns, remembering nothing of them from before. 2MB/1MB is the
// ratio of the fastest of each, 2 where time is linear.
func BenchmarkHostile(b *testing.B) {
	one, two := hostile(1<<20), hostile(2<<20)
	for _, encoding := range []string{"o200k_base", "cl100k_base"} {
		e := lookup(b, encoding)
		for name := range one {
			b.Run(fmt.Sprint(encoding, "/", name), func(b *testing.B) {
				fastest := map[string]float64{}
				for b.Loop() {
					for _, text := range []string{one[name], two[name]} {
						for e.spare.Get() != nil { // what was remembered
						}
						start := b.Elapsed()
						e.Count(text)
						took := (b.Elapsed() - start).Seconds()
						if before, ok := fastest[text]; !ok || took < before {
							fastest[text] = took
						}
					}
				}
				b.ReportMetric(float64(len(one[name]))/fastest[one[name]]/1e6, "MB/s")
				b.ReportMetric(fastest[two[name]]/fastest[one[name]], "2MB/1MB")
			})
		}
	}
}
