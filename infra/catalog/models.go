package main

import (
	"cmp"
	"slices"

	"aoai-bridge/shared/catalog"
)

// describe fills in, from LiteLLM's rows, what corrections.json does not say about a model.
func (b *builder) describe(name string, rows []litellmRow) {
	model := b.models[name]
	// Rows without a zone and a version come first: they say the most.
	slices.SortStableFunc(rows, func(x, y litellmRow) int {
		_, versionX, zoneX := b.parse(x.Key)
		_, versionY, zoneY := b.parse(y.Key)
		return cmp.Or(cmp.Compare(zoneX, zoneY), cmp.Compare(versionX, versionY))
	})
	limits := model.LimitsSource == "" && model.LimitsNote == ""
	for _, row := range rows {
		if limits && model.MaxInput == nil && row.MaxInput != nil {
			model.MaxInput, model.MaxOutput, model.LimitsSource = row.MaxInput, row.MaxOutput, litellm
			model.LimitsNote = "no source states its context window"
			if model.Kind == "embeddings" {
				model.Context, model.MaxInput, model.LimitsNote = row.MaxInput, nil, ""
			}
		}
		if model.Retirement == nil && row.Retirement != "" {
			model.Retirement, model.RetirementSource = &row.Retirement, retirements
			if row.RetirementSource == "" {
				model.RetirementSource = litellm
			}
		}
		if model.Reads == nil {
			model.Reads, model.Writes = row.Input, row.Output
		}
	}
	if model.LimitsSource == "" && model.LimitsNote == "" {
		model.LimitsNote = "no source states its limits"
	}
	first := rows[0]
	if first.Mode == "responses" && !slices.Contains(first.Endpoints, "/v1/chat/completions") {
		model.ResponsesOnly = true
	}
	for _, row := range rows {
		b.describeVersion(model, row)
	}
}

// describeVersion adds a version's own day of retirement.
func (b *builder) describeVersion(model *catalog.Model, row litellmRow) {
	_, version, _ := b.parse(row.Key)
	if version == "" || row.Retirement == "" || model.Retirement == nil || row.Retirement == *model.Retirement {
		return
	}
	i := slices.IndexFunc(model.Versions, func(v catalog.Version) bool { return v.Version == version })
	if i < 0 {
		i = len(model.Versions)
		model.Versions = append(model.Versions, catalog.Version{Version: version})
	}
	model.Versions[i].Retirement = row.Retirement
}
