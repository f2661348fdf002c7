package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/catalog"
)

// Foresee estimates what the parts of a job cost. assumed is how many tokens answers have been taken for whose lines set
// no limit. The bill is of the most that they may cost.
func (p *Prices) Foresee(parts []job.Part, assumed int) (job.Estimate, *Bill) {
	var e job.Estimate
	expected, most, unbounded := p.NewBill(), p.NewBill(), false
	for i := range parts {
		part := &parts[i]
		f := part.Foreseen()
		e.Add(f.Expected.Sum().Usage)
		expected.Charge(part, f.Expected)
		most.Charge(part, f.Most)
		e.NoLimit += f.NoLimit
		for _, name := range f.NotCounted {
			if !slices.Contains(e.NotCounted, name) {
				e.NotCounted = append(e.NotCounted, name)
			}
		}
		if f.Unbounded > 0 && !unbounded {
			unbounded = true
			e.Unbounded = fmt.Sprintf("line %d: %s", f.First, f.Why)
		}
	}
	if e.NoLimit > 0 {
		e.Assumed = assumed
	}
	e.USD, e.Standard, e.Unpriced, e.Guesses = expected.USD(), expected.Standard(), most.Unpriced(), most.Guesses()
	if len(e.Unpriced) > 0 {
		e.USD = nil
	}
	if !unbounded {
		e.AtMost = &most.most
	}
	return e, most
}

// example is a price to show where none is known: gpt-4o's.
const example = "gpt-4o"

// Paste returns members for the Azure secret, as JSON, with which the bill has no model without a price, "" if it has
// none. Their figures are for the owner to check. A model whose name suggests another is made like that.
func (b *Bill) Paste() string {
	type rates struct {
		Input  float64 `json:"input"`
		Output float64 `json:"output"`
	}
	var members struct {
		Models map[string]map[string]string                `json:"models,omitempty"`
		Prices map[string]map[catalog.DeploymentType]rates `json:"prices,omitempty"`
	}
	for _, u := range b.unpriced {
		if u.Tier != catalog.StandardTier {
			continue // a price of one's own is of the standard tier
		}
		guess := b.prices.catalog.Guess(u.Model)
		like := b.prices.model(guess)
		if like != nil && b.prices.model(u.Model) == nil && b.prices.has(*like, u.Type) {
			if members.Models == nil {
				members.Models = map[string]map[string]string{}
			}
			members.Models[u.Model] = map[string]string{"like": guess}
			continue
		}
		if members.Prices == nil {
			members.Prices = map[string]map[catalog.DeploymentType]rates{}
		}
		if members.Prices[u.Model] == nil {
			members.Prices[u.Model] = map[catalog.DeploymentType]rates{}
		}
		input, output := b.prices.likely(u)
		members.Prices[u.Model][u.Type] = rates{input, output}
	}
	if len(members.Models)+len(members.Prices) == 0 {
		return ""
	}
	raw, _ := json.Marshal(members) // strings and numbers always marshal
	return string(raw)
}

func (p *Prices) has(n catalog.Named, t catalog.DeploymentType) bool {
	price, _ := p.catalog.Price(n, t, catalog.Terms{})
	return price != nil && price.Input.Known && price.Output.Known
}

// likely returns rates to show as an example: the model's by Global Standard, or another model's. Tokens of provisioned
// throughput are paid by the hour.
func (p *Prices) likely(u Unpriced) (input, output float64) {
	if !slices.Contains(catalog.TokenTypes(), u.Type) {
		return 0, 0
	}
	share := 1.0
	if u.Type.Batch() {
		share = 0.5 // of Global Standard, as Azure has it for all models
	}
	for _, name := range []string{u.Model, p.catalog.Guess(u.Model), example} {
		n := p.model(name)
		if n == nil {
			continue
		}
		if price, _ := p.catalog.Price(*n, catalog.GlobalStandard, catalog.Terms{}); price != nil && price.Output.Known {
			return price.Input.USD * share, price.Output.USD * share
		}
	}
	return 0, 0
}

// TiersWithoutPrice returns the service tiers that lines ask for and that have no known price.
func (b *Bill) TiersWithoutPrice() []catalog.Tier {
	tiers := map[catalog.Tier]bool{}
	for _, u := range b.unpriced {
		if u.Tier != catalog.StandardTier {
			tiers[u.Tier] = true
		}
	}
	return slices.Sorted(maps.Keys(tiers))
}
