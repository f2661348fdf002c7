package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"aoai-bridge/shared/catalog"
)

// builder builds the catalog from the rows of the wheels and the corrections.
type builder struct {
	*corrections
	pins   map[string]pin
	models map[string]*catalog.Model
	book   book
	result result
}

func (b *builder) build(rows []litellmRow, others []genaiRow) (*result, error) {
	for _, model := range b.Models {
		b.models[model.Name] = model
	}
	used := map[string][]litellmRow{} // by model
	for _, row := range rows {
		v := b.classify(row)
		b.result.verdicts = append(b.result.verdicts, v)
		if v.leftOut != "" || row.AliasOf != "" {
			continue
		}
		used[v.model] = append(used[v.model], row)
		if err := b.addLitellm(row, v); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Key, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		b.describe(name, used[name])
	}
	b.book.merge()
	for _, row := range others {
		if err := b.addGenai(row); err != nil {
			return nil, fmt.Errorf("%s: %w", row.ID, err)
		}
	}
	if err := b.book.applyCorrections(b.Prices); err != nil {
		return nil, err
	}
	return b.finish()
}

// zones are the data zones, in the order of the rows; "" is none.
var zones = []string{"", "us", "eu", "apac"}

// finish sorts the offers, and fills what of the models depends on them.
func (b *builder) finish() (*result, error) {
	offers := slices.Collect(maps.Values(b.book.offers))
	for _, p := range b.Promotions {
		after, err := b.book.endPromotion(p, b.pins[litellm].Date)
		if err != nil {
			return nil, fmt.Errorf("the promotion of %v: %w", p.Models, err)
		}
		offers = append(offers, after...)
	}
	types, tiers := catalog.DeploymentTypes(), []catalog.Tier{catalog.StandardTier, catalog.Flex, catalog.Priority}
	slices.SortFunc(offers, func(a, b *offer) int {
		return cmp.Or(
			cmp.Compare(a.model, b.model), cmp.Compare(a.version, b.version),
			cmp.Compare(slices.Index(types, a.kind), slices.Index(types, b.kind)),
			cmp.Compare(slices.Index(zones, a.zone), slices.Index(zones, b.zone)),
			cmp.Compare(slices.Index(tiers, a.tier), slices.Index(tiers, b.tier)), cmp.Compare(a.from, b.from))
	})
	batch := map[string]bool{}
	for _, o := range offers {
		model := b.models[o.model]
		batch[o.model] = batch[o.model] || o.kind.Batch()
		row := o.price()
		model.LongAbove = max(model.LongAbove, row.Above)
		b.result.prices = append(b.result.prices, row)
	}
	for _, name := range slices.Sorted(maps.Keys(b.models)) {
		model := b.models[name]
		if !batch[name] && !slices.Contains(b.BatchModels, name) {
			model.NoBatch = "Azure has no batch of this model: neither its list of batch models nor a price list has one"
		}
		b.result.tables.Models = append(b.result.tables.Models, model)
	}
	for _, rule := range b.corrections.Images {
		for _, name := range rule.Models {
			if model := b.models[name]; model != nil && model.Reads == nil { // the rule's source says that it reads images
				model.Reads, model.Writes = []string{"text", "image"}, []string{"text"}
			}
		}
	}
	t := b.result.tables
	t.Missing, t.PTUs, t.Images, t.Quotas = b.Missing, b.corrections.PTUs, b.corrections.Images, b.corrections.Quotas
	t.Sources = b.sources()
	b.result.disagreements = b.book.disagreements
	return &b.result, nil
}

func (b *builder) sources() map[string]catalog.Source {
	all := maps.Clone(b.Sources)
	const check = "a third party's compilation: check against Azure's price list before billing by it"
	add := func(id, name, note string) {
		p := b.pins[name]
		all[id] = catalog.Source{What: fmt.Sprintf("%s %s, %s", p.Package, p.Version, p.Data), Date: &p.Date, Note: note}
	}
	add(litellm, litellm, check)
	add(uncited, litellm, check+"; the row names no page of Azure's")
	add(retirements, litellm, "Azure's retirement schedule, as it is quoted there")
	add(genaiPrices, genaiPrices, check)
	return all
}
