package catalog

// Listing is what a model's tokens cost on one deployment type, in the data zones named. Where Source is "", no price
// is known, and the reason says why.
type Listing struct {
	Type  DeploymentType `json:"type"`
	Zones []string       `json:"zones,omitempty"`
	Tier  Tier           `json:"service_tier,omitempty"`
	Rates
	Above      int     `json:"long_context_above,omitempty"` // tokens of input above which Long holds for all of a call
	Long       *Rates  `json:"long_context,omitempty"`
	PTUHour    Rate    `json:"usd_per_ptu_hour,omitzero"`
	Until      string  `json:"until,omitempty"` // the last day of these prices
	Source     string  `json:"source,omitempty"`
	SourceDate *string `json:"source_date,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Note       string  `json:"note,omitempty"`
}

// List returns a model's prices on a day ("2026-11-28"), on deployment types: one row of each type, more where data
// zones differ or where other service tiers have prices. Embeddings have no batch.
func (c *Catalog) List(n Named, types []DeploymentType, day string) []Listing {
	var listed []Listing
	for _, t := range types {
		if t.Batch() && n.Kind == "embeddings" {
			continue
		}
		for _, tier := range []Tier{StandardTier, Flex, Priority} {
			found, reason := c.findPrices(n, t, Terms{Tier: tier, Day: day})
			if found == nil && tier == StandardTier {
				listed = append(listed, Listing{Type: t, Reason: reason})
			}
			for _, p := range found {
				l := c.listing(p)
				if last := len(listed) - 1; last >= 0 && listed[last].samePrices(&l) {
					listed[last].Zones = append(listed[last].Zones, l.Zones...)
					continue
				}
				listed = append(listed, l)
			}
		}
	}
	return listed
}

func (c *Catalog) listing(p *Price) Listing {
	l := Listing{
		Type: p.Type, Tier: p.Tier, Rates: p.Rates, Above: p.Above, Long: p.Long, PTUHour: p.PTUHour,
		Until: p.Until, Source: p.Source, SourceDate: c.sources[p.Source].Date, Note: p.Note,
	}
	if p.Zone != "" {
		l.Zones = []string{p.Zone}
	}
	return l
}

// samePrices reports whether two rows are of zones with the same prices.
func (l *Listing) samePrices(m *Listing) bool {
	long := l.Long == nil && m.Long == nil || l.Long != nil && m.Long != nil && *l.Long == *m.Long
	return long && l.Type == m.Type && l.Tier == m.Tier && l.Rates == m.Rates && l.Above == m.Above &&
		l.PTUHour == m.PTUHour && l.Until == m.Until && l.Source == m.Source && l.Note == m.Note
}
