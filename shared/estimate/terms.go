package estimate

import (
	"fmt"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// CacheWrite is how many tokens of the input are priced as written to the prompt cache.
type CacheWrite struct {
	Paid int    `json:"counted"`
	Why  string `json:"counted_from"`
}

// cacheable is the shortest prompt that is written to the cache, in tokens. Source: BerriAI/litellm issue
// 37631, on gpt-5.6 and later.
const cacheable = 1024

// cacheWrite returns how much of the input is written to the cache, or nil if that has no price of its own. What
// the caller does not say is taken from a first call, which writes all that it does not read.
func cacheWrite(c *catalog.Catalog, n *catalog.Named, input int, o Options) (*CacheWrite, error) {
	most := input - o.CachedTokens
	switch {
	case o.CacheWrite != nil && *o.CacheWrite > most:
		return nil, openaierr.Invalid("estimate.cache_write_tokens", "invalid_value",
			"'estimate.cache_write_tokens' is %d, more than the %d tokens of the input that are not read from the cache.", *o.CacheWrite, most)
	case !c.CacheWrites(*n):
		return nil, nil
	case o.CacheWrite != nil:
		return &CacheWrite{*o.CacheWrite, "estimate.cache_write_tokens"}, nil
	case input >= cacheable:
		return &CacheWrite{most, "a first call, which writes all that it does not read; otherwise give 'estimate.cache_write_tokens'"}, nil
	}
	return &CacheWrite{0, fmt.Sprintf("nothing: prompts of less than %d tokens are not written", cacheable)}, nil
}

// serviceTier returns the tier that a request asks for.
func serviceTier(body rawjson.Node) (catalog.Tier, error) {
	asked := body.Get("service_tier")
	switch {
	case asked.Absent():
		return catalog.StandardTier, nil
	case asked.Kind() != '"':
		return "", wrongType("service_tier", "a string", asked)
	}
	return catalog.TierOf(asked.Text()), nil
}
