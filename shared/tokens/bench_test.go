package tokens

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkCount counts 1 MB of a class of text, remembering nothing of it from before. The words come from
// the golden texts and in a random order, so they repeat more than in real texts: infra/bench/tokens has those.
func BenchmarkCount(b *testing.B) {
	texts := texts(b)
	classes := []struct{ name, words, gap string }{
		{"english", texts["prose in latin english"], " "},
		{"code", texts["go"] + texts["python"] + texts["shell"], " "},
		{"json", texts["json"], ","},
		{"cjk", texts["prose in han"] + " " + texts["prose in kana"], ""},
		{"cyrillic", texts["prose in cyrillic"], " "},
		{"arabic", texts["prose in arabic"], " "},
		{"emoji", texts["emoji"], ""},
		{"digits", texts["numbers"], " "},
		{"whitespace", "a b c d", "\n        \t\n                    "},
		{"base64", texts["base64"] + " " + texts["hex"], ""},
	}
	for _, class := range classes {
		b.Run(class.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			words := strings.Fields(strings.ReplaceAll(class.words, ",", ", "))
			var text strings.Builder
			for text.Len() < 1<<20 {
				text.WriteString(words[random.IntN(len(words))] + class.gap)
			}
			e := lookup(b, "o200k_base")
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				for e.spare.Get() != nil { // what was remembered
				}
				e.Count(text.String())
			}
		})
	}
}
