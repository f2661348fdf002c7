package estimate

import "aoai-bridge/shared/catalog"

// Sources are where the numbers of an answer are from, by the names that its other members use.
type Sources map[string]catalog.Source

// Cite adds the sources of a model, of its rule for images if images is set, and of what it costs.
func (s Sources) Cite(c *catalog.Catalog, n *catalog.Named, kind Kind, images bool, costs []Cost) {
	ids := []string{n.EncodingSource, n.LimitsSource, n.RetirementSource}
	if kind == Chat || kind == Responses {
		ids = append(ids, n.OverheadSource)
	}
	if rule := c.Images(n.Name); images && rule != nil {
		ids = append(ids, rule.Source)
		if rule.Rival != nil {
			ids = append(ids, rule.Rival.Source)
		}
	}
	for _, cost := range costs {
		ids = append(ids, cost.Source)
	}
	for _, id := range ids {
		s.cite(c, id)
	}
}

func (s Sources) cite(c *catalog.Catalog, id string) {
	if known, ok := c.Source(id); ok {
		s[id] = known
	} else if id != "" {
		s[id] = catalog.Source{What: "the owner of this bridge"}
	}
}
