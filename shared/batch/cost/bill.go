// Package cost has what the lines of a job may cost before they are sent, what they have cost after that, and the
// account that holds a job to its ceiling. It reads requests and prices, and does not know how a line is sent.
package cost

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
)

// Prices are those of the catalog, and of the Azure secret where it has some. The methods may be called concurrently.
type Prices struct {
	catalog *catalog.Catalog
	mu      sync.Mutex // guards what has been looked up
	dearest map[dearestKey]*catalog.Price
	models  map[string]*catalog.Named // nil for a name that the catalog does not know
}

type dearestKey struct {
	batch bool
	tier  catalog.Tier
}

// PricesOf returns the prices of today's secret.
func PricesOf(ctx context.Context, client *azure.Client) (*Prices, error) {
	known, _, err := client.Catalog(ctx, "")
	return newPrices(known), err
}

func newPrices(known *catalog.Catalog) *Prices {
	return &Prices{catalog: known, dearest: map[dearestKey]*catalog.Price{}, models: map[string]*catalog.Named{}}
}

// maxNames bounds the names that are remembered: answers may have as many as there are lines.
const maxNames = 1000

// model looks a model up, nil if the catalog does not know it.
func (p *Prices) model(name string) *catalog.Named {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.models[name]
	if ok {
		return found
	}
	if n, err := p.catalog.Lookup(name); err == nil && name != "" {
		found = &n
	}
	if len(p.models) < maxNames {
		p.models[name] = found
	}
	return found
}

// dearestOf returns the price that no other exceeds.
func (p *Prices) dearestOf(batch bool, tier catalog.Tier) *catalog.Price {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := dearestKey{batch, tier}
	if p.dearest[key] == nil {
		p.dearest[key] = p.catalog.Dearest(batch, tier)
	}
	return p.dearest[key]
}

// PriceOf returns what decides the price of a line of a part that was answered in a mode. The model that the answer names
// decides where the catalog does not know the part's, or where only the deployment's name is known. It also tells a
// version apart from others of the part's model.
func (p *Prices) PriceOf(part *job.Part, mode jsonl.Mode, answered string, tier catalog.Tier, input int64) job.Price {
	price := job.Price{Tier: tier}
	model, found := p.model(part.Serves), p.model(answered)
	if found != nil && (model == nil || *found != *model) &&
		(model == nil || part.Type == "" && !model.Own() || found.Name == model.Name && model.AskedVersion == "") {
		price.Model, model = answered, found
	}
	if model != nil {
		price.Long = model.LongAbove > 0 && input > int64(model.LongAbove)
	} else {
		price.Long = input > int64(p.dearestOf(mode == jsonl.Batch, tier).Above)
	}
	return price
}

// amount returns what lines of a part cost in USD, in the most expensive data zone. known is false where there is no such
// price: then it is what they cost by the dearest.
func (p *Prices) amount(part *job.Part, kind catalog.DeploymentType, t job.Tally) (usd float64, known bool) {
	u := catalog.Usage{Calls: t.Lines, Input: t.Usage.Input, CachedInput: t.Usage.CachedInput, CacheWrite: t.Usage.CacheWrite, Output: t.Usage.Output}
	tier := t.Tier
	if kind.Batch() {
		tier = catalog.StandardTier // a batch has no others
	}
	if model := p.model(cmp.Or(t.Model, part.Serves)); model != nil {
		if price, _ := p.catalog.Price(*model, kind, catalog.Terms{Tier: tier}); price != nil {
			if usd, known = price.Cost(u); known {
				return usd, true
			}
		}
	}
	usd, _ = p.dearestOf(kind.Batch(), tier).Cost(u)
	return usd, false
}

// typeOf is the type of a part's deployment. Where the secret does not say, it is the one that most have.
func typeOf(part *job.Part) catalog.DeploymentType {
	switch {
	case part.Type != "":
		return part.Type
	case part.Mode == jsonl.Batch:
		return catalog.GlobalBatch
	}
	return catalog.GlobalStandard
}

// Bill adds up what lines cost.
type Bill struct {
	prices   *Prices
	usd      float64
	most     float64 // with what has no known price at the dearest
	standard float64
	gap      bool // a price of Global Standard is missing
	unpriced []Unpriced
}

// Unpriced is a model without a price on a type of deployment, by a service tier.
type Unpriced struct {
	Model string
	Type  catalog.DeploymentType
	Tier  catalog.Tier
}

// maxUnpriced is how many models without a price are named.
const maxUnpriced = 20

// NewBill begins a bill by the prices of today's secret.
func NewBill(ctx context.Context, client *azure.Client) (*Bill, error) {
	prices, err := PricesOf(ctx, client)
	return prices.NewBill(), err
}

// NewBill begins a bill.
func (p *Prices) NewBill() *Bill { return &Bill{prices: p} }

// Charge adds what lines of a part cost.
func (b *Bill) Charge(part *job.Part, lines job.Tallies) {
	for _, t := range lines {
		if t.Lines == 0 {
			continue
		}
		kind := typeOf(part)
		usd, known := b.prices.amount(part, kind, t)
		b.most += usd
		if known {
			b.usd += usd
		} else if u := (Unpriced{part.Serves, kind, t.Tier}); len(b.unpriced) < maxUnpriced && !slices.Contains(b.unpriced, u) {
			b.unpriced = append(b.unpriced, u)
		}
		standard, known := b.prices.amount(part, catalog.GlobalStandard, t)
		b.standard += standard
		b.gap = b.gap || !known
	}
}

// USD is what is paid, nil if that is not known.
func (b *Bill) USD() *float64 {
	if len(b.unpriced) > 0 {
		return nil
	}
	return &b.usd
}

// Standard is what the same tokens cost by Global Standard, nil if that is not known.
func (b *Bill) Standard() *float64 {
	if b.gap {
		return nil
	}
	return &b.standard
}

// Unpriced names the models without a price.
func (b *Bill) Unpriced() (models []string) {
	for _, u := range b.unpriced {
		if !slices.Contains(models, u.Model) {
			models = append(models, u.Model)
		}
	}
	return models
}

// Guesses are the models that the names of those suggest, nil if none does.
func (b *Bill) Guesses() map[string]string {
	var all map[string]string
	for _, u := range b.unpriced {
		if guess := b.prices.catalog.Guess(u.Model); guess != "" {
			if all == nil {
				all = map[string]string{}
			}
			all[u.Model] = guess
		}
	}
	return all
}
