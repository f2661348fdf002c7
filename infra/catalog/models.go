package main

import (
	"cmp"
	"slices"

	"aoai-bridge/shared/catalog"
)

// describe fills what corrections.json leaves open of a model, from LiteLLM's rows of it.
func (m *maker) describe(name string, rows []litellmRow) {
	model := m.models[name]
	// Those of no zone first, without a version first: they say the most.
	slices.SortStableFunc(rows, func(a, b litellmRow) int {
		_, ofA, zoneA := m.parse(a.Key)
		_, ofB, zoneB := m.parse(b.Key)
		return cmp.Or(cmp.Compare(zoneA, zoneB), cmp.Compare(ofA, ofB))
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
		m.describeVersion(model, row)
	}
}

// describeVersion adds what sets a version apart.
func (m *maker) describeVersion(model *catalog.Model, row litellmRow) {
	_, version, _ := m.parse(row.Key)
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
