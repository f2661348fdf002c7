package arm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Region is a place where accounts can be made, with what is offered there.
type Region struct {
	Name   string // eastus2
	Label  string // East US 2
	Models []Model
}

// Model is one version of a model in a region.
type Model struct {
	Name, Version string
	Default       bool   // the version that a deployment gets that names none
	Retired       string // 2006-01-02; "" if it is sold
	Types         []Type
}

// Type is a deployment type of a model: an SKU. Several models may share a Usage, the name of a quota.
type Type struct {
	Name  string // GlobalStandard, ...
	Usage string // OpenAI.GlobalStandard.gpt-5.4-mini
	Label string // Tokens Per Minute (thousands) - gpt-5.4-mini - GlobalStandard
	Limit int    // of the quota
	Min   int    // the least capacity, and its step
}

// DefaultRegions returns two regions that have what most programs use, and one that has little. Versions and days are the
// catalog's; names of quotas are as public listings of the usages have them, "gpt4.1-mini" without a hyphen. Which regions
// have what, and the limits, are made up.
func DefaultRegions() []Region {
	return []Region{
		{"eastus2", "East US 2", mostModels()},
		{"swedencentral", "Sweden Central", mostModels()},
		{"francecentral", "France Central", []Model{
			model("gpt-4.1-mini", "2025-04-14", "gpt4.1-mini", standard),
			model("text-embedding-3-small", "1", "text-embedding-3-small", standard),
		}},
	}
}

const (
	standard    = "GlobalStandard"
	regional    = "Standard"
	zone        = "DataZoneStandard"
	batch       = "GlobalBatch"
	provisioned = "GlobalProvisionedManaged"
)

func mostModels() []Model {
	retired := model("o4-mini", "2025-04-16", "o4-mini", standard)
	retired.Retired = "2026-11-19"
	return []Model{
		model("gpt-5.4-mini", "2026-03-17", "gpt-5.4-mini", standard, zone, batch, provisioned),
		model("gpt-6-luna", "2026-09-22", "gpt-6-luna", standard, zone, provisioned),
		model("gpt-4.1-mini", "2025-04-14", "gpt4.1-mini", standard, zone, batch, provisioned),
		model("gpt-4o", "2024-11-20", "gpt-4o", regional, standard, zone, batch, provisioned),
		model("gpt-4o-mini", "2024-07-18", "gpt-4o-mini", regional, standard, zone, batch, provisioned),
		model("text-embedding-3-small", "1", "text-embedding-3-small", regional, standard, zone),
		model("text-embedding-3-large", "1", "text-embedding-3-large", regional, standard, zone),
		retired,
	}
}

// model is a model with quotas of its own, except for provisioned throughput, which all models share.
func model(name, version, usage string, skus ...string) Model {
	m := Model{Name: name, Version: version, Default: true}
	for _, sku := range skus {
		t := Type{sku, "OpenAI." + sku + "." + usage, "Tokens Per Minute (thousands) - " + usage + " - " + sku, 250, 1}
		switch sku {
		case provisioned:
			t = Type{sku, "OpenAI." + sku, sku + " Throughput Unit", 100, 15} // label unverified
		case batch:
			t.Label, t.Limit = "Enqueued tokens (thousands) - "+usage+" - "+sku, 5000 // label unverified
		}
		m.Types = append(m.Types, t)
	}
	return m
}

func (s *Server) region(name string) *Region {
	name = canonical(name)
	for i := range s.options.Regions {
		if s.options.Regions[i].Name == name {
			return &s.options.Regions[i]
		}
	}
	return nil
}

// canonical is a region's name, "eastus2", for its display name, "East US 2".
func canonical(region string) string { return strings.ToLower(strings.ReplaceAll(region, " ", "")) }

// find returns a model's version, or its default one if version is "", and its type.
func (r *Region) find(name, version, sku string) (*Model, *Type) {
	for i := range r.Models {
		m := &r.Models[i]
		if m.Name != name || version != m.Version && (version != "" || !m.Default) {
			continue
		}
		for j := range m.Types {
			if m.Types[j].Name == sku {
				return m, &m.Types[j]
			}
		}
		return m, nil
	}
	return nil, nil
}

func (s *Server) listModels(c *call) (answer, error) {
	r := s.region(c.params["location"])
	if r == nil {
		return answer{}, locationNotAvailable(c.params["location"], s.options.Regions)
	}
	list := []any{}
	for _, m := range r.Models {
		for _, kind := range []string{"OpenAI", "AIServices"} { // each kind of account has rows of its own
			list = append(list, map[string]any{"kind": kind, "skuName": "S0", "model": m.describe()})
		}
	}
	return ok(map[string]any{"value": list})
}

func (m *Model) describe() map[string]any {
	capability, status := "chatCompletion", "GenerallyAvailable"
	if strings.HasPrefix(m.Name, "text-embedding-") {
		capability = "embeddings"
	}
	description := map[string]any{
		"format": "OpenAI", "name": m.Name, "version": m.Version, "isDefaultVersion": m.Default, "maxCapacity": 3,
		"capabilities": map[string]any{capability: "true"},
	}
	if m.Retired != "" {
		status = "Deprecated"
		description["deprecation"] = map[string]any{"inference": m.Retired + "T00:00:00Z"}
	}
	description["lifecycleStatus"] = status
	skus := make([]any, len(m.Types))
	for i, t := range m.Types {
		skus[i] = map[string]any{"name": t.Name, "usageName": t.Usage,
			"capacity": map[string]any{"minimum": t.Min, "maximum": 1000000, "step": t.Min, "default": t.Min}}
	}
	description["skus"] = skus
	return description
}

func (s *Server) listUsages(c *call) (answer, error) {
	r := s.region(c.params["location"])
	if r == nil {
		return answer{}, locationNotAvailable(c.params["location"], s.options.Regions)
	}
	rows := make(map[string]any)
	for _, m := range r.Models {
		for _, t := range m.Types {
			rows[t.Usage] = map[string]any{
				"name": map[string]any{"value": t.Usage, "localizedValue": t.Label}, "unit": "Count",
				"currentValue": s.used(r.Name, t.Usage), "limit": t.Limit,
			}
		}
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, rows[name])
	}
	return ok(map[string]any{"value": list})
}

// used is the capacity of a quota that deployments of a region have, those of deleted accounts not among them.
func (s *Server) used(region, usage string) (capacity int) {
	for _, a := range s.accounts {
		if a.location != region {
			continue
		}
		for _, d := range a.deployments {
			if d.usage == usage {
				capacity += number(d.body, "sku", "capacity")
			}
		}
	}
	return capacity
}

func (s *Server) listSubscriptions(*call) (answer, error) {
	return ok(map[string]any{"value": []any{map[string]any{
		"id": "/subscriptions/" + s.options.SubscriptionID, "subscriptionId": s.options.SubscriptionID,
		"tenantId": s.options.TenantID, "displayName": "local", "state": "Enabled",
	}}, "count": map[string]any{"type": "Total", "value": 1}})
}

// checkDomainAvailability answers 200 whether the name is free or taken.
func (s *Server) checkDomainAvailability(c *call) (answer, error) {
	name := text(c.body, "subdomainName")
	taken := s.nameTaken(name)
	body := map[string]any{"isSubdomainAvailable": !taken, "subdomainName": name, "type": text(c.body, "type")}
	if taken {
		body["reason"] = domainInUseMessage(name) // unverified: the OpenAPI has the member, and its example none
	}
	return answer{http.StatusOK, body, nil}, nil
}

func (s *Server) nameTaken(name string) bool {
	name = strings.ToLower(name)
	if s.taken[name] {
		return true
	}
	for _, accounts := range []map[string]*account{s.accounts, s.deleted} {
		for _, a := range accounts {
			if strings.ToLower(text(a.properties, "customSubDomainName")) == name {
				return true
			}
		}
	}
	return false
}
