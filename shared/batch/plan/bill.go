package plan

import (
	"context"
	"math"
	"slices"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
)

// Bill adds up what tokens cost in USD, and remembers where a price was missing.
type Bill struct {
	usd, standard float64
	unpriced      []string // of what is paid
	unknown       bool     // a price of Global Standard is missing
	catalog       *catalog.Catalog
}

// maxUnpriced is how many models without a price are named.
const maxUnpriced = 20

// NewBill makes a Bill by the catalog's prices, and by those of the Azure secret where it has some.
func NewBill(ctx context.Context, client *azure.Client) (*Bill, error) {
	known, _, err := client.Catalog(ctx, "")
	return &Bill{catalog: known}, err
}

// Charge adds what lines of a part cost that a service tier answered.
func (b *Bill) Charge(p *job.Part, tier catalog.Tier, t job.Tally) {
	if t.Lines == 0 {
		return
	}
	kind := p.Type
	if kind == "" { // the secret lists no deployments: the types that most have
		kind = catalog.GlobalStandard
		if p.Mode == jsonl.Batch {
			kind = catalog.GlobalBatch
		}
	}
	usd, ok := price(b.catalog, p.Serves, kind, tier, t)
	if !ok && len(b.unpriced) < maxUnpriced && !slices.Contains(b.unpriced, p.Serves) {
		b.unpriced = append(b.unpriced, p.Serves)
	}
	b.usd += usd
	standard, ok := price(b.catalog, p.Serves, catalog.GlobalStandard, tier, t)
	b.unknown = b.unknown || !ok
	b.standard += standard
}

// total is what is paid, nil if that is not known.
func (b *Bill) total() *float64 {
	if len(b.unpriced) > 0 {
		return nil
	}
	return &b.usd
}

// atStandard is what the same tokens cost by Global Standard, nil if that is not known.
func (b *Bill) atStandard() *float64 {
	if b.unknown {
		return nil
	}
	return &b.standard
}

// Cost is what the bill comes to.
func (b *Bill) Cost() job.Cost {
	c := job.Cost{USD: Rounded(b.total()), Standard: Rounded(b.atStandard()), Unpriced: b.unpriced}
	if c.USD != nil && c.Standard != nil {
		saving := *c.Standard - *c.USD
		c.Saving = Rounded(&saving)
	}
	return c
}

// Rounded is an amount in USD to a millionth, nil if it is not known.
func Rounded(usd *float64) *float64 {
	if usd == nil {
		return nil
	}
	rounded := math.Round(*usd*1e6) / 1e6
	return &rounded
}

// price is what lines cost in USD, in the most expensive data zone. ok is false where the catalog and the Azure secret
// have no price. A batch has no tiers: what such an answer names is the price of batch.
func price(known *catalog.Catalog, model string, kind catalog.DeploymentType, tier catalog.Tier, t job.Tally) (usd float64, ok bool) {
	found, err := known.Lookup(model)
	if err != nil {
		return 0, false
	}
	if kind.Batch() {
		tier = catalog.StandardTier
	}
	row, _ := known.Price(found, kind, catalog.Terms{Tier: tier})
	if row == nil {
		return 0, false
	}
	u := t.Usage
	return row.Cost(catalog.Usage{Calls: t.Lines, Input: u.Input, CachedInput: u.CachedInput, CacheWrite: u.CacheWrite, Output: u.Output})
}
