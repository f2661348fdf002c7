package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"aoai-bridge/shared/catalog"
)

// offer is a row of the catalog's prices while it is being built.
type offer struct {
	terms
	prices map[kind]*big.Rat // USD per 1,000,000 tokens
	above  int               // tokens of input above which the long kinds apply
	source string
	notes  []string
	from   string // the first day
	until  string // the last
}

// terms identify an offer.
type terms struct {
	model, version string
	kind           catalog.DeploymentType
	zone           string
	tier           catalog.Tier
}

// kind is a kind of tokens, as corrections.json names it.
type kind string

const (
	input      kind = "input"
	cached     kind = "cached_input"
	cacheWrite kind = "cache_write"
	output     kind = "output"
	long            = "long_" // prefix of a kind, for calls with more input than the offer's step
)

var kinds = []kind{input, cached, cacheWrite, output, long + input, long + cached, long + cacheWrite, long + output}

// quote is one price that a wheel states.
type quote struct {
	terms
	what  kind
	price *big.Rat
	above int
	row   string // the wheel and the row's key
	cites bool   // the row cites a page of Azure's
}

// million converts a price per token to one per 1,000,000 tokens.
var million = big.NewRat(1e6, 1)

func parseRat(n json.Number) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, fmt.Errorf("%q is not a number", n)
	}
	return r, nil
}

// book collects the offers.
type book struct {
	offers        map[terms]*offer
	disagreements []disagreement
}

// disagreement is two prices that sources state for one thing.
type disagreement struct {
	terms
	what         kind
	used, unused string
}

func (d disagreement) String() string {
	words := []string{d.model, d.version, string(d.kind), d.zone, string(d.tier), string(d.what)}
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	return fmt.Sprintf("%s: %s, not %s", strings.Join(words, " "), d.used, d.unused)
}

// add records a quote. Of two prices for one thing it keeps the higher, and notes that on the row.
func (b *book) add(q quote) {
	o := b.offers[q.terms]
	if o == nil {
		o = &offer{terms: q.terms, prices: map[kind]*big.Rat{}}
		b.offers[q.terms] = o
	}
	switch {
	case strings.HasPrefix(q.row, genaiPrices):
		o.source = cmp.Or(o.source, genaiPrices)
	case q.cites:
		o.source = litellm
	case o.source != litellm:
		o.source = uncited
	}
	o.above = max(o.above, q.above)
	known := o.prices[q.what]
	if known == nil || q.price.Cmp(known) > 0 {
		o.prices[q.what] = q.price
	}
	if known != nil && q.price.Cmp(known) != 0 {
		higher, lower := known, q.price
		if higher.Cmp(lower) < 0 {
			higher, lower = lower, higher
		}
		note := fmt.Sprintf("sources disagree on the price of %s: %s or %s; the higher is used", strings.ReplaceAll(string(q.what), "_", " "), formatUSD(higher), formatUSD(lower))
		if !slices.Contains(o.notes, note) {
			o.notes = append(o.notes, note)
			b.disagreements = append(b.disagreements, disagreement{q.terms, q.what, formatUSD(higher), formatUSD(lower) + " (" + q.row + " disagrees)"})
		}
	}
}

// merge folds into a model the versions that cost the same; they fill what is missing there. A version with
// another price stays.
func (b *book) merge() {
	separate := map[[2]string]bool{} // model and version
	for t, o := range b.offers {
		base := b.offers[t.unversioned()]
		if t.version == "" || base == nil {
			continue
		}
		for what, price := range o.prices {
			if p := base.prices[what]; p != nil && p.Cmp(price) != 0 {
				separate[[2]string{t.model, t.version}] = true
			}
		}
	}
	versioned := slices.SortedFunc(maps.Keys(b.offers), func(a, b terms) int { return cmp.Compare(b.version, a.version) }) // the newest first
	for _, t := range versioned {
		o := b.offers[t]
		if t.version == "" || separate[[2]string{t.model, t.version}] {
			continue
		}
		delete(b.offers, t)
		base := b.offers[t.unversioned()]
		if base == nil {
			base = &offer{terms: t.unversioned(), prices: map[kind]*big.Rat{}, source: o.source}
			b.offers[base.terms] = base
		}
		for what, price := range o.prices {
			if base.prices[what] == nil {
				base.prices[what] = price
			}
		}
		base.above = max(base.above, o.above)
		if o.source == litellm {
			base.source = litellm
		}
		for _, note := range o.notes {
			if !slices.Contains(base.notes, note) {
				base.notes = append(base.notes, note)
			}
		}
	}
}

func (t terms) unversioned() terms {
	t.version = ""
	return t
}

// applyCorrections sets what is known better. A correction that changes nothing is an error: the wheels have
// caught up.
func (b *book) applyCorrections(all []correction) error {
	for _, c := range all {
		if c.Source == "" || c.Reason == "" {
			return fmt.Errorf("the correction of %s has no source or no reason", c.Model)
		}
		var matching []*offer
		for t, o := range b.offers {
			if t.model == c.Model && t.kind == c.Type && t.tier == c.Tier {
				matching = append(matching, o)
			}
		}
		if matching == nil {
			t := terms{model: c.Model, kind: c.Type, tier: c.Tier}
			b.offers[t] = &offer{terms: t, prices: map[kind]*big.Rat{}, source: c.Source}
			matching = append(matching, b.offers[t])
		}
		corrected := false
		for _, o := range matching {
			changed, err := o.set(c.Set)
			if err != nil {
				return fmt.Errorf("the correction of %s: %w", c.Model, err)
			}
			if changed {
				o.notes = append(o.notes, c.Reason)
			}
			corrected = corrected || changed
		}
		if !corrected {
			return fmt.Errorf("the correction of %s %s %s changes nothing: take it out", c.Model, c.Type, c.Tier)
		}
	}
	return nil
}

// set sets prices, and reports whether that changed any.
func (o *offer) set(prices map[string]*json.Number) (changed bool, err error) {
	for name, value := range prices {
		what := kind(name)
		if !slices.Contains(kinds, what) {
			return false, fmt.Errorf("%q is not a kind of tokens, want one of %v", name, kinds)
		}
		before := o.prices[what]
		delete(o.prices, what)
		if value == nil {
			changed = changed || before != nil
			continue
		}
		if o.prices[what], err = parseRat(*value); err != nil {
			return false, err
		}
		changed = changed || before == nil || before.Cmp(o.prices[what]) != 0
	}
	return changed, nil
}

// endPromotion ends the offers of a promotion on its last day, and returns those that follow. The prices of
// wheels from after that day are no longer the promotion's.
func (b *book) endPromotion(p promotion, wheels string) (after []*offer, err error) {
	if wheels > p.Until {
		return nil, fmt.Errorf("it ended on %s, before the wheels of %s: take it out", p.Until, wheels)
	}
	last, err := time.Parse(time.DateOnly, p.Until)
	if err != nil {
		return nil, err
	}
	inputFactor, err := parseRat(p.Input)
	if err != nil {
		return nil, err
	}
	outputFactor, err := parseRat(p.Output)
	if err != nil {
		return nil, err
	}
	for _, o := range b.offers {
		if !slices.Contains(p.Models, o.model) {
			continue
		}
		later := *o
		later.prices, later.source = map[kind]*big.Rat{}, p.Source
		later.from = last.AddDate(0, 0, 1).Format(time.DateOnly)
		for what, price := range o.prices {
			factor := inputFactor
			if strings.HasSuffix(string(what), string(output)) {
				factor = outputFactor
			}
			later.prices[what] = new(big.Rat).Mul(price, factor)
		}
		o.until = p.Until
		o.notes = append(slices.Clone(o.notes), p.Reason)
		after = append(after, &later)
	}
	return after, nil
}

// price returns the offer as a row of the catalog.
func (o *offer) price() catalog.Price {
	rates := func(prefix kind) (r catalog.Rates) {
		rate := func(what kind) catalog.Rate {
			price := o.prices[prefix+what]
			if price == nil {
				return catalog.Rate{}
			}
			usd, _ := price.Float64()
			return catalog.Rate{USD: usd, Known: true}
		}
		return catalog.Rates{Input: rate(input), CachedInput: rate(cached), CacheWrite: rate(cacheWrite), Output: rate(output)}
	}
	p := catalog.Price{
		Model: o.model, Version: o.version, Type: o.kind, Zone: o.zone, Tier: o.tier, From: o.from, Until: o.until,
		Rates: rates(""), Source: o.source, Note: strings.Join(o.notes, "; "),
	}
	if step := rates(long); step != (catalog.Rates{}) {
		p.Above, p.Long = o.above, &step
	}
	return p
}

// formatUSD formats a price with as many digits as it has.
func formatUSD(r *big.Rat) string {
	f, _ := r.Float64()
	return fmt.Sprint(f)
}
