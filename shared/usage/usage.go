// Package usage reads the tokens that an answer reports. It does not know what they cost.
package usage

import (
	"strconv"

	"aoai-bridge/shared/rawjson"
)

// Usage is in tokens. Those read from the cache and written to it are part of the input, those of reasoning part of the
// output.
type Usage struct {
	Input       int64 `json:"input_tokens"`
	CachedInput int64 `json:"cached_input_tokens"`
	CacheWrite  int64 `json:"cache_write_tokens,omitempty"` // gpt-5.6 and later report it
	Output      int64 `json:"output_tokens"`
	Reasoning   int64 `json:"reasoning_tokens"`
}

// Add adds more to u.
func (u *Usage) Add(more Usage) {
	u.Input += more.Input
	u.CachedInput += more.CachedInput
	u.CacheWrite += more.CacheWrite
	u.Output += more.Output
	u.Reasoning += more.Reasoning
}

// Subtract takes less from u.
func (u *Usage) Subtract(less Usage) {
	u.Input -= less.Input
	u.CachedInput -= less.CachedInput
	u.CacheWrite -= less.CacheWrite
	u.Output -= less.Output
	u.Reasoning -= less.Reasoning
}

// Of reads an answer's "usage". Chat completions and embeddings name the tokens one way, responses another. ok is
// false for what is no object, or where a count is not a whole number.
func Of(reported rawjson.Node) (u Usage, ok bool) {
	if reported.Kind() != '{' {
		return Usage{}, false
	}
	ok = true
	sum := func(object rawjson.Node, names ...string) (tokens int64) {
		for _, name := range names {
			if n := object.Get(name); !n.Absent() {
				count, err := strconv.ParseInt(string(n.Raw()), 10, 64)
				ok = ok && err == nil
				tokens += count
			}
		}
		return tokens
	}
	u.Input = sum(reported, "prompt_tokens", "input_tokens")
	u.Output = sum(reported, "completion_tokens", "output_tokens")
	for _, name := range []string{"prompt_tokens_details", "input_tokens_details"} {
		u.CachedInput += sum(reported.Get(name), "cached_tokens")
		u.CacheWrite += sum(reported.Get(name), "cache_write_tokens")
	}
	for _, name := range []string{"completion_tokens_details", "output_tokens_details"} {
		u.Reasoning += sum(reported.Get(name), "reasoning_tokens")
	}
	if !ok {
		return Usage{}, false
	}
	return u, true
}
