package tokens

import (
	_ "embed"
	"sync"
)

var (
	//go:embed data/o200k_base.bin
	o200kData string
	//go:embed data/cl100k_base.bin
	cl100kData string
	//go:embed data/p50k_base.bin
	p50kData string
)

var (
	o200k  = &vocabulary{data: o200kData}
	cl100k = &vocabulary{data: cl100kData}
	p50k   = &vocabulary{data: p50kData}
	r50k   = &vocabulary{data: p50kData, limit: 50256} // p50k_base came later: the same and runs of spaces
)

var encodings = map[string]*Encoding{
	"o200k_base": {name: "o200k_base", vocab: o200k, split: splitO200k,
		special: map[string]int{"<|endoftext|>": 199999, "<|endofprompt|>": 200018}},
	"o200k_harmony": {name: "o200k_harmony", vocab: o200k, split: splitO200k, special: harmonySpecial()},
	"cl100k_base": {name: "cl100k_base", vocab: cl100k, split: splitCl100k,
		special: map[string]int{"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259,
			"<|fim_suffix|>": 100260, "<|endofprompt|>": 100276}},
	"p50k_base": {name: "p50k_base", vocab: p50k, split: splitR50k,
		special: map[string]int{"<|endoftext|>": 50256}},
	"r50k_base": {name: "r50k_base", vocab: r50k, split: splitR50k,
		special: map[string]int{"<|endoftext|>": 50256}},
}

// vocabulary is the tokens of an encoding; a token's id is its rank among the merges.
type vocabulary struct {
	data  string
	limit int // ids from here on are not in it; 0 is none

	once   sync.Once
	tokens []string
	ids    map[string]int
}

func (v *vocabulary) load() {
	v.once.Do(func() {
		v.ids = map[string]int{}
		for data := v.data; data != "" && (v.limit == 0 || len(v.tokens) < v.limit); {
			n := 1 + int(data[0])
			if token := data[1:n]; token != "" {
				v.ids[token] = len(v.tokens)
			}
			v.tokens = append(v.tokens, data[1:n])
			data = data[n:]
		}
	})
}

func (v *vocabulary) token(id int) (string, bool) {
	v.load()
	if id < 0 || id >= len(v.tokens) || v.tokens[id] == "" {
		return "", false
	}
	return v.tokens[id], true
}

// encode appends the ids of a piece's tokens to dst.
func (v *vocabulary) encode(dst []int, piece string) []int {
	v.load()
	if id, ok := v.ids[piece]; ok {
		return append(dst, id)
	}
	cuts := make([]int, len(piece)+1)
	for i := range cuts {
		cuts[i] = i
	}
	for {
		best, at := len(v.tokens), 0
		for i := 0; i+2 < len(cuts); i++ {
			if id, ok := v.ids[piece[cuts[i]:cuts[i+2]]]; ok && id < best {
				best, at = id, i+1
			}
		}
		if at == 0 {
			break
		}
		cuts = append(cuts[:at], cuts[at+1:]...)
	}
	for i := range len(cuts) - 1 {
		dst = append(dst, v.ids[piece[cuts[i]:cuts[i+1]]])
	}
	return dst
}
