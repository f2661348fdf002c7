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

// offer is what has one price for each kind of tokens: a row of the catalog while it is being made.
type offer struct {
	terms
	prices map[kind]*big.Rat // USD per 1,000,000 tokens
	above  int               // tokens of input from which the long kinds hold
	source string
	notes  []string
	from   string // the first day
	until  string // the last
}

// terms are on what an offer is made.
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
	long            = "long_" // before a kind: of calls with more input than a step
)

var kinds = []kind{input, cached, cacheWrite, output, long + input, long + cached, long + cacheWrite, long + output}

// quote is one price that a wheel states.
type quote struct {
	terms
	what  kind
	price *big.Rat
	above int
	row   string // of which wheel, and which
	cites bool   // it names a page of Azure's
}

// million makes a price per 1,000,000 tokens of one per token.
var million = big.NewRat(1e6, 1)

func ratOf(n json.Number) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, fmt.Errorf("%q is no number", n)
	}
	return r, nil
}

// book is all offers, while they are being collected.
type book struct {
	offers map[terms]*offer
	heard  []disagreement
}

// disagreement is that two sources state two prices of one thing.
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
		note := fmt.Sprintf("sources disagree on the price of %s: %s or %s; the higher is used", strings.ReplaceAll(string(q.what), "_", " "), decimals(higher), decimals(lower))
		if !slices.Contains(o.notes, note) {
			o.notes = append(o.notes, note)
			b.heard = append(b.heard, disagreement{q.terms, q.what, decimals(higher), decimals(lower) + " (" + q.row + " disagrees)"})
		}
	}
}

// merge drops the versions that cost what their models do, and has them fill what is missing there.
func (b *book) merge() {
	apart := map[[2]string]bool{} // model and version
	for t, o := range b.offers {
		base := b.offers[t.unversioned()]
		if t.version == "" || base == nil {
			continue
		}
		for what, price := range o.prices {
			if p := base.prices[what]; p != nil && p.Cmp(price) != 0 {
				apart[[2]string{t.model, t.version}] = true
			}
		}
	}
	versioned := slices.SortedFunc(maps.Keys(b.offers), func(a, b terms) int { return cmp.Compare(b.version, a.version) }) // the newest first
	for _, t := range versioned {
		o := b.offers[t]
		if t.version == "" || apart[[2]string{t.model, t.version}] {
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

// correct sets what is known better.
func (b *book) correct(all []correction) error {
	for _, c := range all {
		if c.Source == "" || c.Reason == "" {
			return fmt.Errorf("the correction of %s has no source or no reason", c.Model)
		}
		var hit []*offer
		for t, o := range b.offers {
			if t.model == c.Model && t.kind == c.Type && t.tier == c.Tier {
				hit = append(hit, o)
			}
		}
		if hit == nil {
			t := terms{model: c.Model, kind: c.Type, tier: c.Tier}
			b.offers[t] = &offer{terms: t, prices: map[kind]*big.Rat{}, source: c.Source}
			hit = append(hit, b.offers[t])
		}
		for _, o := range hit {
			changed, err := o.set(c.Set)
			if err != nil {
				return fmt.Errorf("the correction of %s: %w", c.Model, err)
			}
			if changed {
				o.notes = append(o.notes, c.Reason)
			}
		}
	}
	return nil
}

// set sets prices, and reports whether any was another before.
func (o *offer) set(prices map[string]*json.Number) (changed bool, err error) {
	for name, value := range prices {
		what := kind(name)
		if !slices.Contains(kinds, what) {
			return false, fmt.Errorf("%q is no kind of tokens, want one of %v", name, kinds)
		}
		before := o.prices[what]
		delete(o.prices, what)
		if value == nil {
			changed = changed || before != nil
			continue
		}
		if o.prices[what], err = ratOf(*value); err != nil {
			return false, err
		}
		changed = changed || before == nil || before.Cmp(o.prices[what]) != 0
	}
	return changed, nil
}

// end makes two offers of one that is promoted: until its last day, and after.
func (b *book) end(p promotion) (after []*offer, err error) {
	last, err := time.Parse(time.DateOnly, p.Until)
	if err != nil {
		return nil, err
	}
	onInput, err := ratOf(p.Input)
	if err != nil {
		return nil, err
	}
	onOutput, err := ratOf(p.Output)
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
			factor := onInput
			if strings.HasSuffix(string(what), string(output)) {
				factor = onOutput
			}
			later.prices[what] = new(big.Rat).Mul(price, factor)
		}
		o.until = p.Until
		o.notes = append(slices.Clone(o.notes), p.Reason)
		after = append(after, &later)
	}
	return after, nil
}

// row is the offer as the catalog has it.
func (o *offer) row() catalog.Price {
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

// decimals shows a price with as many digits as it has.
func decimals(r *big.Rat) string {
	f, _ := r.Float64()
	return fmt.Sprint(f)
}
