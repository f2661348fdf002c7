package usage_test

import (
	"testing"

	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/usage"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name, reported string
		want           usage.Usage
		ok             bool
	}{
		{"chat", `{"prompt_tokens":23,"completion_tokens":11,"total_tokens":34,"prompt_tokens_details":{"cached_tokens":16,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}`,
			usage.Usage{Input: 23, CachedInput: 16, Output: 11, Reasoning: 4}, true},
		{"responses", `{"input_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":8}`,
			usage.Usage{Input: 5, CachedInput: 4, Output: 3, Reasoning: 2}, true},
		{"what was written to the cache", `{"prompt_tokens":2000,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":1500}}`,
			usage.Usage{Input: 2000, CacheWrite: 1500, Output: 1}, true},
		{"embeddings", `{"prompt_tokens":7,"total_tokens":7}`, usage.Usage{Input: 7}, true},
		{"null details", `{"prompt_tokens":7,"completion_tokens":null,"prompt_tokens_details":null}`, usage.Usage{Input: 7}, true},
		{"none", `{}`, usage.Usage{}, true},
		{"null", `null`, usage.Usage{}, false},
		{"no object", `[1]`, usage.Usage{}, false},
		{"a count that is a string", `{"prompt_tokens":"many"}`, usage.Usage{}, false},
		{"a count with a fraction", `{"prompt_tokens":7,"completion_tokens":1.5}`, usage.Usage{}, false},
		{"more than any count", `{"prompt_tokens":99999999999999999999}`, usage.Usage{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, err := rawjson.ParseTree([]byte(test.reported))
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := usage.Of(n); got != test.want || ok != test.ok {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}
