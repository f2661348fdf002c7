package catalog

import (
	"fmt"
	"math"
)

type priceKey struct {
	model, version string
	kind           DeploymentType
}

type versionKey struct{ model, version string }

// Price is a row of prices in USD per 1,000,000 tokens. A nil number is not known.
type Price struct {
	Model       string         `json:"model"`
	Version     string         `json:"version,omitempty"` // "" is every version without a row of its own
	Type        DeploymentType `json:"type"`
	Zones       []string       `json:"zones,omitempty"` // the data zones that the price was seen in
	Input       *float64       `json:"input"`
	CachedInput *float64       `json:"cached_input"`
	CacheWrite  *float64       `json:"cache_write"`
	Output      *float64       `json:"output"`
	PTUHour     *float64       `json:"ptu_hour,omitempty"` // USD per PTU and hour, of provisioned types
	Source      string         `json:"source"`
}

// batchRule makes one type's prices from another's.
type batchRule struct {
	Type   DeploymentType `json:"type"`
	Of     DeploymentType `json:"of"`
	Factor float64        `json:"factor"`
	Source string         `json:"source"`
}

func (c *Catalog) setPrice(p *Price) {
	c.prices[priceKey{p.Model, p.Version, p.Type}] = p
	if p.Version != "" {
		c.priced[versionKey{p.Model, p.Version}] = true
	}
}

// Price returns a model's price on a deployment type. Where there is none, the reason says why.
func (c *Catalog) Price(n Named, t DeploymentType) (p *Price, reason string) {
	version := ""
	if c.priced[versionKey{n.Name, n.Asked}] {
		version = n.Asked
	}
	if p := c.prices[priceKey{n.Name, version, t}]; p != nil {
		return p, ""
	}
	if t == c.batch.Type {
		if of := c.prices[priceKey{n.Name, version, c.batch.Of}]; of != nil {
			return of.times(c.batch), ""
		}
		t = c.batch.Of
	}
	switch {
	case n.own:
		return nil, `the model is your own: add its price to "prices"`
	case version != "" && c.prices[priceKey{n.Name, "", t}] != nil:
		return nil, "no source in hand states the price of version " + version + " on this deployment type"
	case c.missing[t] != "":
		return nil, c.missing[t]
	}
	return nil, "no source in hand states the price of this model on this deployment type"
}

// times is a price that a rule makes. A discount on cached input is left out: no source says that it is
// given on top.
func (p *Price) times(rule batchRule) *Price {
	scaled := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		product := *v * rule.Factor
		return &product
	}
	return &Price{Model: p.Model, Version: p.Version, Type: rule.Type, Input: scaled(p.Input), Output: scaled(p.Output), Source: rule.Source}
}

// Usage is how many tokens are paid for. CachedInput is a part of Input.
type Usage struct {
	Input, CachedInput, Output int64
}

// Cost returns what usage costs in USD, and false where a price that it needs is not known. Cached
// input without a price of its own costs what other input does.
func (p *Price) Cost(u Usage) (usd float64, ok bool) {
	if p.Input == nil || u.Output > 0 && p.Output == nil {
		return 0, false
	}
	cached := *p.Input
	if p.CachedInput != nil {
		cached = *p.CachedInput
	}
	usd = float64(u.Input-u.CachedInput)**p.Input + float64(u.CachedInput)*cached
	if u.Output > 0 {
		usd += float64(u.Output) * *p.Output
	}
	return Rounded(usd / 1e6), true
}

// Rounded drops what floating point adds below a billionth of a dollar.
func Rounded(usd float64) float64 { return math.Round(usd*1e9) / 1e9 }

// Cost is what usage costs on one deployment type. Nil is not known, and the reason says why.
type Cost struct {
	Type        DeploymentType `json:"type"`
	USD         *float64       `json:"usd"`
	Input       *float64       `json:"usd_per_million_input"`
	CachedInput *float64       `json:"usd_per_million_cached_input"`
	Output      *float64       `json:"usd_per_million_output"`
	Saving      *float64       `json:"batch_saving,omitempty"` // USD less than Global Standard
	Source      string         `json:"source,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Note        string         `json:"note,omitempty"`
}

// TokenTypes lists those that are paid by the token.
func TokenTypes() []DeploymentType {
	return []DeploymentType{GlobalStandard, DataZoneStandard, Standard, GlobalBatch, DataZoneBatch}
}

// Costs returns what usage costs on each deployment type that is paid by the token. Embeddings have no
// batch.
func (c *Catalog) Costs(n Named, u Usage) []Cost {
	var costs []Cost
	var online *float64
	for _, t := range TokenTypes() {
		if t.Batch() && n.Kind == "embeddings" {
			continue
		}
		cost := Cost{Type: t}
		p, reason := c.Price(n, t)
		cost.Reason = reason
		if p != nil {
			cost.Input, cost.CachedInput, cost.Output, cost.Source = p.Input, p.CachedInput, p.Output, p.Source
			if usd, ok := p.Cost(u); ok {
				cost.USD = &usd
			} else {
				cost.Reason = "a part of the price is not known"
			}
			if long := n.LongContext; long != nil && u.Input > int64(long.Above) {
				cost.Note = fmt.Sprintf("OpenAI bills a prompt above %d tokens at %gx input and %gx output; whether Azure does is not verified, and it is not in this sum", long.Above, long.Input, long.Output)
			}
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
	return costs
}
