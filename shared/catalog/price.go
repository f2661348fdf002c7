package catalog

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Price is a row of prices: of a model on one deployment type, in one data zone, by one service tier. It must
// not be changed.
type Price struct {
	Model   string
	Version string // "" is every version without rows of its own
	Type    DeploymentType
	Zone    string // of data zone types: "us", "eu" or "apac"; "" elsewhere
	Tier    Tier
	From    string // the first day, "2026-12-01"; "" is any
	Until   string // the last day of a promotion; "" is none
	Rates
	Above   int    // tokens of input above which Long holds for all of the call; 0 is never
	Long    *Rates // nil: Rates hold
	PTUHour Rate   // USD per PTU and hour, of provisioned types
	Source  string
	Note    string // where sources disagree, or why one is not followed
}

// Rates are the prices of tokens by their kind.
type Rates struct {
	Input       Rate `json:"usd_per_million_input"`
	CachedInput Rate `json:"usd_per_million_cached_input"`
	CacheWrite  Rate `json:"usd_per_million_cache_write,omitzero"`
	Output      Rate `json:"usd_per_million_output"`
}

// Rate is a price in USD per 1,000,000 tokens. It may not be known; zero may be a price.
type Rate struct {
	USD   float64
	Known bool
}

func (r Rate) or(other Rate) Rate {
	if r.Known {
		return r
	}
	return other
}

// MarshalJSON writes a rate that is not known as null.
func (r Rate) MarshalJSON() ([]byte, error) { return json.Marshal(r.pointer()) }

// pointer returns the rate for JSON, where null is not known.
func (r Rate) pointer() *float64 {
	if !r.Known {
		return nil
	}
	return &r.USD
}

// Tier is a service tier, as a request's service_tier names it.
type Tier string

// The tiers that have prices. Source: MicrosoftDocs/azure-ai-docs, openai/how-to/flex-processing
// (2026-09-24) and concepts-priority-processing.
const (
	StandardTier Tier = ""
	Flex         Tier = "flex"
	Priority     Tier = "priority"
)

// TierOf returns the tier that a service_tier names: the standard one for "auto", "default", and any name without
// prices of its own.
func TierOf(serviceTier string) Tier {
	switch t := Tier(serviceTier); t {
	case Flex, Priority:
		return t
	}
	return StandardTier
}

// Terms say which price of a model and deployment type is meant.
type Terms struct {
	Zone string // "" is any: the most expensive
	Tier Tier
	Day  string // "2026-11-28"; "" is a day after all promotions
}

// TermsOn returns the terms of the standard tier on a day, which is now's in UTC.
func TermsOn(now time.Time) Terms { return Terms{Day: now.UTC().Format(time.DateOnly)} }

// appliesOn reports whether the price is one of those that terms mean.
func (p *Price) appliesOn(terms Terms) bool {
	return p.Tier == terms.Tier && (terms.Zone == "" || p.Zone == "" || p.Zone == terms.Zone) &&
		(p.From == "" || terms.Day == "" || p.From <= terms.Day) && (p.Until == "" || terms.Day != "" && terms.Day <= p.Until)
}

// Price returns a model's price on a deployment type, the highest where several data zones are meant. Where there
// is none, the reason says why.
func (c *Catalog) Price(n Named, t DeploymentType, terms Terms) (p *Price, reason string) {
	found, reason := c.findPrices(n, t, terms)
	for _, each := range found {
		if p == nil || each.moreThan(p) {
			p = each
		}
	}
	return p, reason
}

func (p *Price) moreThan(other *Price) bool {
	return cmp.Or(cmp.Compare(p.Input.USD, other.Input.USD), cmp.Compare(p.Output.USD, other.Output.USD)) > 0
}

// findPrices returns a model's prices on a deployment type: one, or one for each data zone.
func (c *Catalog) findPrices(n Named, t DeploymentType, terms Terms) (found []*Price, reason string) {
	version := ""
	if c.priced[versionKey{n.Name, n.AskedVersion}] {
		version = n.AskedVersion
	}
	if p := c.overriddenPrice(n, version, t); p != nil {
		if terms.Tier != StandardTier {
			return nil, "the price of your own is of the standard tier"
		}
		return []*Price{p}, ""
	}
	rows, others := c.prices[n.Name], false
	for i := range rows {
		p := &rows[i]
		if p.Type != t {
			continue
		}
		switch {
		case p.Version == version && p.appliesOn(terms):
			found = append(found, p)
		case p.Version == "":
			others = true
		}
	}
	switch {
	case found != nil:
		return found, ""
	case terms.Tier != StandardTier:
		return nil, "no source in hand states a price of the tier " + string(terms.Tier) + " for this model on this deployment type"
	case n.overridden:
		return nil, `the model is your own: add its price to "prices"`
	case t.Batch() && n.NoBatch != "":
		return nil, n.NoBatch
	case version != "" && others:
		return nil, "no source in hand states the price of version " + version + " on this deployment type"
	case terms.Zone != "" && others:
		return nil, "no source in hand states the price in the data zone " + terms.Zone
	case c.missing[t] != "":
		return nil, c.missing[t]
	}
	return nil, "no source in hand states the price of this model on this deployment type"
}

type overrideKey struct {
	model, version string
	deployment     DeploymentType
}

type versionKey struct{ model, version string }

// batchFactor is the share of Global Standard's price that Global Batch costs. Source: MicrosoftDocs/azure-ai-docs
// articles/foundry/openai/includes/how-to-batch-content.md (2026-03-19).
const batchFactor = 0.5

// overriddenPrice returns the user's price of a type, or nil. Their price of Global Standard makes one of Global
// Batch too, unless Azure has no batch of the model. A discount on cached input is left out: no source says that
// it is given on top.
func (c *Catalog) overriddenPrice(n Named, version string, t DeploymentType) *Price {
	if p := c.overrides[overrideKey{n.Name, version, t}]; p != nil || t != GlobalBatch || n.NoBatch != "" {
		return p
	}
	p := c.overrides[overrideKey{n.Name, version, GlobalStandard}]
	if p == nil {
		return nil
	}
	half := func(r Rate) Rate { return Rate{r.USD * batchFactor, r.Known} }
	return &Price{
		Model: p.Model, Version: p.Version, Type: t, Source: "azure-batch",
		Rates: Rates{Input: half(p.Input), Output: half(p.Output)},
	}
}

// Usage is how many tokens are paid for. Input includes CachedInput, which was read from the prompt cache, and
// CacheWrite, which was written to it; no token is both.
type Usage struct {
	Calls                                  int // that the tokens are of; 0 is one
	Input, CachedInput, CacheWrite, Output int64
	Long                                   *Usage // of further calls, where these are paid at the prices of a long context
}

// above reports whether a call has more input than a step. Of several calls only the mean is known, so those that are
// above belong into Long.
func (u Usage) above(step int) bool {
	return step > 0 && u.Input/int64(max(u.Calls, 1)) > int64(step)
}

// rates returns the rates that usage is charged at.
func (p *Price) rates(u Usage) Rates {
	if p.Long != nil && u.above(p.Above) {
		return *p.Long
	}
	return p.Rates
}

// Cost returns what usage costs in USD, and false where a price that it needs is not known.
// Input that was read from the cache, or written to it, costs as much as other input where it has no price of
// its own.
func (p *Price) Cost(u Usage) (usd float64, ok bool) {
	if u.Long != nil {
		if usd, ok = p.Cost(*u.Long); !ok {
			return 0, false
		}
		u.Long = nil
		others, ok := p.Cost(u)
		return Rounded(usd + others), ok
	}
	r := p.rates(u)
	if !r.Input.Known || u.Output > 0 && !r.Output.Known {
		return 0, false
	}
	usd = float64(u.Input-u.CachedInput-u.CacheWrite)*r.Input.USD +
		float64(u.CachedInput)*r.CachedInput.or(r.Input).USD +
		float64(u.CacheWrite)*r.CacheWrite.or(r.Input).USD
	if u.Output > 0 {
		usd += float64(u.Output) * r.Output.USD
	}
	return Rounded(usd / 1e6), true
}

// CacheWrites reports whether what a model writes to the prompt cache has a price of its own.
func (c *Catalog) CacheWrites(n Named) bool {
	for _, t := range TokenTypes() {
		if p := c.overrides[overrideKey{n.Name, n.AskedVersion, t}]; p != nil && p.CacheWrite.Known {
			return true
		}
	}
	return slices.ContainsFunc(c.prices[n.Name], func(p Price) bool { return p.CacheWrite.Known })
}

// Rounded drops what floating point adds below a billionth of a dollar.
func Rounded(usd float64) float64 { return math.Round(usd*1e9) / 1e9 }
