package catalog

import (
	"slices"
	"strings"
	"unicode"
)

// What can be said of a model that the catalog does not know: what bounds it from above, and what its name suggests.

// Dearest returns a price that no model exceeds that is paid by the token, on batch deployments or on online ones: each
// of its rates is the highest that there is, of a service tier. It is of no model.
func (c *Catalog) Dearest(batch bool, tier Tier) *Price {
	if batch {
		tier = StandardTier // a batch has no others
	}
	dearest := &Price{Type: GlobalStandard, Tier: tier, Source: "the dearest in the catalog"}
	if batch {
		dearest.Type = GlobalBatch
	}
	for _, m := range c.models {
		if m.Kind == "embeddings" {
			continue
		}
		for _, version := range append([]Version{{}}, m.Versions...) {
			for _, t := range TokenTypes() {
				if t.Batch() != batch {
					continue
				}
				found, _ := c.findPrices(Named{m, version.Version}, t, Terms{Tier: tier})
				for _, p := range found {
					dearest.raise(p)
				}
			}
		}
	}
	for key, p := range c.overrides { // of versions that no row lists, too
		if key.deployment.Batch() == batch && slices.Contains(TokenTypes(), key.deployment) {
			dearest.raise(p)
		}
	}
	if !dearest.Input.Known && tier != StandardTier { // no model has a price of the tier
		return c.Dearest(batch, StandardTier)
	}
	if dearest.Long != nil { // a long call of a model without such a price costs what others do
		dearest.Long.raise(dearest.Rates)
	}
	return dearest
}

// raise makes each rate at least as high as another price's.
func (p *Price) raise(other *Price) {
	p.Rates.raise(other.Rates)
	if other.Long == nil {
		return
	}
	if p.Long == nil {
		p.Long, p.Above = &Rates{}, other.Above
	}
	p.Above = min(p.Above, other.Above)
	p.Long.raise(*other.Long)
}

func (r *Rates) raise(other Rates) {
	for _, rate := range []struct {
		rate  *Rate
		other Rate
	}{
		{&r.Input, other.Input}, {&r.CachedInput, other.CachedInput.or(other.Input)}, {&r.CacheWrite, other.CacheWrite.or(other.Input)}, {&r.Output, other.Output},
	} {
		if rate.other.Known && (!rate.rate.Known || rate.other.USD > rate.rate.USD) {
			*rate.rate = rate.other
		}
	}
}

// LargestWindow returns the most input that any model takes, in tokens.
func (c *Catalog) LargestWindow() int {
	largest := 0
	for _, m := range c.models {
		for _, limit := range []*int{m.Context, m.MaxInput} {
			if limit != nil {
				largest = max(largest, *limit)
			}
		}
	}
	return largest
}

// ImageRules returns all rules by which models count images.
func (c *Catalog) ImageRules() []*Images {
	var all []*Images
	for _, rule := range c.images {
		if !slices.Contains(all, rule) {
			all = append(all, rule)
		}
	}
	return all
}

// Guess returns the model that a deployment's name suggests, "" where it suggests none, or several: whole words of
// "my-gpt4o-batch-eus" are gpt-4o. It is for people to read. Nothing may be decided by it, since anything may be called
// so.
func (c *Catalog) Guess(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	guess, longest := "", 0
	for model, m := range c.models {
		plain := strings.NewReplacer("-", "", ".", "").Replace(model)
		if m.overridden || len(plain) < longest || !hasWords(words, plain) {
			continue
		}
		if len(plain) == longest {
			guess = "" // two of a length
			continue
		}
		guess, longest = model, len(plain)
	}
	return guess
}

// hasWords reports whether some words in a row, written as one, are a text.
func hasWords(words []string, text string) bool {
	for i := range words {
		rest, ok := text, true
		for _, word := range words[i:] {
			if rest, ok = strings.CutPrefix(rest, word); !ok || rest == "" {
				break
			}
		}
		if ok && rest == "" {
			return true
		}
	}
	return false
}
