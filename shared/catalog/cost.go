package catalog

import (
	"fmt"
	"strings"
)

// Cost is what usage costs on one deployment type, in the data zones named. Nil is not known, and the reason
// says why. The prices are those that the sum was calculated with.
type Cost struct {
	Type        DeploymentType `json:"type"`
	Zones       []string       `json:"zones,omitempty"` // of data zone types, where the price is known
	Tier        Tier           `json:"service_tier,omitempty"`
	USD         *float64       `json:"usd"`
	Input       *float64       `json:"usd_per_million_input"`
	CachedInput *float64       `json:"usd_per_million_cached_input"`
	CacheWrite  *float64       `json:"usd_per_million_cache_write,omitempty"`
	Output      *float64       `json:"usd_per_million_output"`
	Above       int            `json:"long_context_above,omitempty"` // tokens of input above which these prices hold
	Until       string         `json:"until,omitempty"`              // the last day of these prices
	Saving      *float64       `json:"batch_saving,omitempty"`       // USD less than Global Standard
	Source      string         `json:"source,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Note        string         `json:"note,omitempty"`

	prices []*Price // of the zones
}

// TokenTypes lists the deployment types that are paid by the token.
func TokenTypes() []DeploymentType {
	return []DeploymentType{GlobalStandard, DataZoneStandard, Standard, GlobalBatch, DataZoneBatch}
}

// Costs returns what usage costs on each deployment type that is paid by the token. There is one row for each
// type, or several where data zones differ in price. Embeddings have no batch, and a batch has no service tier.
func (c *Catalog) Costs(n Named, u Usage, terms Terms) []Cost {
	var costs []Cost
	var online *float64
	for _, t := range TokenTypes() {
		if t.Batch() && n.Kind == "embeddings" {
			continue
		}
		on := terms
		if t.Batch() {
			on.Tier = StandardTier
		}
		found, reason := c.findPrices(n, t, on)
		if found == nil {
			costs = append(costs, Cost{Type: t, Tier: on.Tier, Reason: reason})
		}
		for _, p := range found {
			cost := p.cost(n, u)
			if last := len(costs) - 1; last >= 0 && costs[last].samePrices(&cost) {
				costs[last].Zones = append(costs[last].Zones, cost.Zones...)
				costs[last].prices = append(costs[last].prices, p)
				continue
			}
			if t == GlobalStandard {
				online = cost.USD
			}
			if t.Batch() && cost.USD != nil && online != nil {
				saving := Rounded(*online - *cost.USD)
				cost.Saving = &saving
			}
			costs = append(costs, cost)
		}
	}
	return costs
}

// samePrices reports whether two rows are of zones with the same prices.
func (c *Cost) samePrices(d *Cost) bool {
	equal := func(a, b *float64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	return c.Type == d.Type && c.Note == d.Note && c.Reason == d.Reason && equal(c.USD, d.USD) && equal(c.Input, d.Input) &&
		equal(c.CachedInput, d.CachedInput) && equal(c.CacheWrite, d.CacheWrite) && equal(c.Output, d.Output)
}

// Of returns what other usage costs by the same row, in the most expensive of its zones, and false where a price
// that it needs is not known.
func (c *Cost) Of(u Usage) (usd float64, ok bool) {
	for _, p := range c.prices {
		zone, known := p.Cost(u)
		if !known {
			return 0, false
		}
		usd, ok = max(usd, zone), true
	}
	return usd, ok
}

func (p *Price) cost(n Named, u Usage) Cost {
	r := p.rates(u)
	cost := Cost{
		Type: p.Type, Tier: p.Tier, Until: p.Until, Source: p.Source,
		prices: []*Price{p},
		Input:  r.Input.pointer(), CachedInput: r.CachedInput.pointer(), CacheWrite: r.CacheWrite.pointer(), Output: r.Output.pointer(),
	}
	if p.Zone != "" {
		cost.Zones = []string{p.Zone}
	}
	if usd, ok := p.Cost(u); ok {
		cost.USD = &usd
	} else {
		cost.Reason = "a part of the price is not known"
	}
	notes := []string{p.Note}
	if u.Long != nil && u.Long.above(n.LongAbove) {
		if p.Long != nil {
			notes = append(notes, fmt.Sprintf("%d calls of more than %d tokens of input are in this sum at the prices of a long context", u.Long.Calls, p.Above))
		} else {
			notes = append(notes, longNote(n))
		}
	}
	switch long := u.above(n.LongAbove); {
	case long && p.Long != nil:
		cost.Above = p.Above
	case long:
		notes = append(notes, longNote(n))
	}
	if p.Tier == Priority && u.above(priorityMost) {
		notes = append(notes, fmt.Sprintf("Azure answers prompts above %d tokens by the standard tier, at its price", priorityMost))
	}
	cost.Note = strings.Join(nonEmpty(notes), "; ")
	return cost
}

func longNote(n Named) string {
	return fmt.Sprintf("Azure bills calls of more than %d tokens of input higher; no such price of this row is known, and it is not in this sum", n.LongAbove)
}

// priorityMost is the longest prompt that the priority tier takes. Source: MicrosoftDocs/azure-ai-docs
// concepts-priority-processing.
const priorityMost = 128_000

func nonEmpty(all []string) (kept []string) {
	for _, s := range all {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
