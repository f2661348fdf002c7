package catalog

import (
	"encoding/json"
	"testing"
)

func TestList(t *testing.T) {
	c := Embedded()
	tests := []struct {
		model string
		types []DeploymentType
		day   string
		row   int
		want  string // a row, as JSON
	}{
		{"gpt-5.6-sol", []DeploymentType{GlobalStandard}, "2026-11-30", 0, `{"type":"GlobalStandard","usd_per_million_input":4,"usd_per_million_cached_input":0.4,"usd_per_million_cache_write":5,"usd_per_million_output":20,` +
			`"long_context_above":272000,"long_context":{"usd_per_million_input":8,"usd_per_million_cached_input":0.8,"usd_per_million_cache_write":10,"usd_per_million_output":30},` +
			`"until":"2026-11-30","source":"litellm","source_date":"2026-11-20","note":"a promotion through at least 2026-11-30"}`},
		{"gpt-5.5", []DeploymentType{GlobalStandard}, "2026-11-28", 1, `{"type":"GlobalStandard","service_tier":"flex","usd_per_million_input":2.5,"usd_per_million_cached_input":0.25,"usd_per_million_output":15,` +
			`"long_context_above":272000,"long_context":{"usd_per_million_input":5,"usd_per_million_cached_input":null,"usd_per_million_output":22.5},` +
			`"source":"litellm","source_date":"2026-11-20","note":"the price of flex output is missing in the source, and flex is half of standard"}`},
		{"gpt-4.1", []DeploymentType{Standard, DataZoneStandard}, "2026-11-28", 1, `{"type":"DataZoneStandard","zones":["us","eu"],"usd_per_million_input":2.2,"usd_per_million_cached_input":0.55,"usd_per_million_output":8.8,"source":"litellm","source_date":"2026-11-20"}`},
		{"gpt-4.1", []DeploymentType{Standard}, "2026-11-28", 0, `{"type":"Standard","usd_per_million_input":null,"usd_per_million_cached_input":null,"usd_per_million_output":null,"reason":"no source in hand states regional prices"}`},
		{"gpt-realtime", []DeploymentType{GlobalBatch}, "2026-11-28", 0, `{"type":"GlobalBatch","usd_per_million_input":null,"usd_per_million_cached_input":null,"usd_per_million_output":null,"reason":"Azure has no batch of this model: neither its list of batch models nor a price list has one"}`},
	}
	for _, tt := range tests {
		t.Run(tt.model, func(t *testing.T) {
			listed := c.List(lookup(t, c, tt.model), tt.types, tt.day)
			if len(listed) <= tt.row {
				t.Fatalf("%d rows: %+v", len(listed), listed)
			}
			if got, err := json.Marshal(listed[tt.row]); err != nil || string(got) != tt.want {
				t.Errorf("got\n%s, %v, want\n%s", got, err, tt.want)
			}
		})
	}
	if listed := c.List(lookup(t, c, "text-embedding-3-small"), TokenTypes(), "2026-11-28"); len(listed) != 3 {
		t.Errorf("embeddings have no batch: %+v", listed)
	}
	own, err := c.With(Overrides{Prices: json.RawMessage(`{"gpt-4o":{"ProvisionedManaged":{"ptu_hour":1.5}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(own.List(lookup(t, own, "gpt-4o"), []DeploymentType{ProvisionedManaged}, "2026-11-28"))
	const want = `[{"type":"ProvisionedManaged","usd_per_million_input":null,"usd_per_million_cached_input":null,"usd_per_million_output":null,"usd_per_ptu_hour":1.5,"source":"override"}]`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
