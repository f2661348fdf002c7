package tokens

import (
	_ "embed"
	"fmt"
	"strings"
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

// encodings is in the order of their age, the youngest first. Names, patterns and special tokens are those
// of tiktoken 0.14.0, tiktoken_ext/openai_public.py.
var encodings = []definition{
	define("o200k_base", func() *Encoding {
		return &Encoding{vocab: openVocabulary(o200kData), split: splitO200k, threeDigits: true, special: specials{names: []namedSpecial{
			{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018},
		}}}
	}),
	define("o200k_harmony", func() *Encoding {
		return &Encoding{vocab: openVocabulary(o200kData), split: splitO200k, threeDigits: true, special: specials{names: []namedSpecial{
			{"<|startoftext|>", 199998}, {"<|endoftext|>", 199999},
			{"<|return|>", 200002}, {"<|constrain|>", 200003}, {"<|channel|>", 200005}, {"<|start|>", 200006},
			{"<|end|>", 200007}, {"<|message|>", 200008}, {"<|call|>", 200012}, {"<|endofprompt|>", 200018},
		}, first: 200000, after: 201088}}
	}),
	define("cl100k_base", func() *Encoding {
		return &Encoding{vocab: openVocabulary(cl100kData), split: splitCl100k, threeDigits: true, special: specials{names: []namedSpecial{
			{"<|endoftext|>", 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259},
			{"<|fim_suffix|>", 100260}, {"<|endofprompt|>", 100276},
		}}}
	}),
	define("p50k_base", func() *Encoding {
		return &Encoding{vocab: openVocabulary(p50kData), split: splitR50k, special: specials{names: []namedSpecial{
			{"<|endoftext|>", 50256},
		}}}
	}),
	define("r50k_base", func() *Encoding {
		vocab := openVocabulary(p50kData) // which came later and added the runs of spaces, with the highest ids
		vocab.tokens, vocab.oneSpace = 50256, true
		return &Encoding{vocab: vocab, split: splitR50k, special: specials{names: []namedSpecial{
			{"<|endoftext|>", 50256},
		}}}
	}),
}

type definition struct {
	name string
	load func() *Encoding
}

// define has an encoding made once, when it is first asked for.
func define(name string, build func() *Encoding) definition {
	return definition{name, sync.OnceValue(func() *Encoding {
		e := build()
		e.name = name
		return e
	})}
}

// Lookup returns the encoding of a name, such as "o200k_base". The error lists the names there are.
func Lookup(name string) (*Encoding, error) {
	for _, e := range encodings {
		if e.name == name {
			return e.load(), nil
		}
	}
	return nil, fmt.Errorf("unknown encoding %q; known are %s", name, strings.Join(Encodings(), ", "))
}

// Encodings returns the names that Lookup knows.
func Encodings() []string {
	names := make([]string, len(encodings))
	for i, e := range encodings {
		names[i] = e.name
	}
	return names
}
