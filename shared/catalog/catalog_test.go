package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"aoai-bridge/shared/openaierr"
)

func lookup(t *testing.T, c *Catalog, name string) Named {
	t.Helper()
	n, err := c.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct{ name, model, version string }{
		{"gpt-4o", "gpt-4o", ""},
		{"GPT-4o", "gpt-4o", ""},
		{"gpt-4o-2024-11-20", "gpt-4o", "2024-11-20"},
		{"gpt-4o@2024-11-20", "gpt-4o", "2024-11-20"},
		{"gpt-4o-2024-08-06.ft-0e208cf33a6a466994aff31a08aba678", "gpt-4o", "2024-08-06"},
		{"gpt-4o.ft-1", "gpt-4o", ""},
		{"gpt-4o-mini-2024-07-18", "gpt-4o-mini", "2024-07-18"},
		{"gpt-4.1-mini", "gpt-4.1-mini", ""},
		{"gpt-4-0613", "gpt-4", "0613"},
		{"gpt-4-turbo-2024-04-09", "gpt-4-turbo", "2024-04-09"},
		{"gpt-3.5-turbo", "gpt-35-turbo", ""},
		{"gpt-3.5-turbo-0301", "gpt-35-turbo", "0301"},
		{"gpt-5-latest", "gpt-5", ""},
		{"gpt-chat-latest", "gpt-chat-latest", ""},
		{"text-embedding-3-small", "text-embedding-3-small", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := lookup(t, Embedded(), tt.name)
			if n.Name != tt.model || n.AskedVersion != tt.version {
				t.Errorf("got %s in version %q, want %s in %q", n.Name, n.AskedVersion, tt.model, tt.version)
			}
		})
	}
}

func TestLookupRefuses(t *testing.T) {
	for _, name := range []string{"", "gpt", "my-deployment", "gpt-4o-audio-preview", "gpt-4o-prod", "gpt-4o-2024", "gpt-4o-", "gpt-4-1306", "gpt-4-0640", "gpt-4-06x3", "gpt-4o-2024_11_20", "gpt-4olatest", "-2024-11-20", strings.Repeat("x", 1000)} {
		_, err := Embedded().Lookup(name)
		var e *openaierr.Error
		if !errors.As(err, &e) || e.Param != "model" || e.Status != 404 || e.Code != "model_not_found" {
			t.Errorf("%.20q gives %v", name, err)
		}
	}
}

// Every row must have a source that is listed, or say why it has none.
func TestRowsAreSourced(t *testing.T) {
	c := Embedded()
	source := func(row, id string) {
		t.Helper()
		if _, ok := c.Source(id); !ok {
			t.Errorf("%s: source %q is not listed", row, id)
		}
	}
	for name, m := range c.models {
		switch {
		case m.Encoding != nil:
			source(name, m.EncodingSource)
		case m.EncodingNote == "":
			t.Errorf("%s has no encoding and no reason", name)
		}
		if m.Kind == "chat" {
			source(name, m.OverheadSource)
		}
		switch {
		case m.Context != nil:
			source(name, m.LimitsSource)
		case m.LimitsNote == "":
			t.Errorf("%s has no context and no reason", name)
		}
		if m.Retirement != nil {
			source(name, m.RetirementSource)
		}
	}
	for i, p := range prices {
		source(p.Model, p.Source)
		if !p.Type.Known() || c.models[p.Model] == nil || !p.Input.Known || (p.Long == nil) != (p.Above == 0) {
			t.Errorf("the price %v is of nothing", p)
		}
		if i > 0 && p.Model < prices[i-1].Model {
			t.Errorf("prices are not sorted: %s is after %s", p.Model, prices[i-1].Model)
		}
	}
	for name, p := range c.ptus {
		source(name, p.Source)
		if err := p.check(name); err != nil || c.models[name] == nil {
			t.Errorf("PTUs of %s: %v", name, err)
		}
	}
	for name, i := range c.images {
		source(name, i.Source)
		if err := i.check(name); err != nil {
			t.Error(err)
		}
	}
	for key, q := range c.quotas {
		source(key.model, q.Source)
		if !key.deployment.Batch() || c.models[key.model] == nil {
			t.Errorf("the quota %v is of nothing", key)
		}
	}
}

const today = "2026-11-28"

func cost(t *testing.T, c *Catalog, model string, kind DeploymentType, u Usage) Cost {
	t.Helper()
	for _, cost := range c.Costs(lookup(t, c, model), u, Terms{Day: today}) {
		if cost.Type == kind {
			return cost
		}
	}
	t.Fatalf("%s has no cost on %s", model, kind)
	return Cost{}
}

func TestCosts(t *testing.T) {
	million := Usage{Input: 1e6, Output: 1e6}
	for _, tt := range []struct {
		name, model string
		kind        DeploymentType
		usage       Usage
		want        float64 // below 0: not known
		reason      string
	}{
		{"input and output", "gpt-4o", GlobalStandard, million, 12.5, ""},
		{"cached input", "gpt-4o", GlobalStandard, Usage{Input: 1e6, CachedInput: 4e5}, 2, ""},
		{"cached input without a price", "gpt-4-turbo", GlobalStandard, Usage{Input: 1e6, CachedInput: 1e6}, 11, ""},
		{"a data zone", "gpt-4o-2024-11-20", DataZoneStandard, million, 13.75, ""},
		{"batch is half", "gpt-4o", GlobalBatch, million, 6.25, ""},
		{"batch gives no discount on the cache", "gpt-4o", GlobalBatch, Usage{Input: 1e6, CachedInput: 1e6}, 1.25, ""},
		{"a version with its own price", "gpt-4o-2024-05-13", GlobalStandard, million, 20, ""},
		{"its batch", "gpt-4o-2024-05-13", GlobalBatch, million, 10, ""},
		{"its data zone", "gpt-4o-2024-05-13", DataZoneStandard, million, 22, ""},
		{"a regional price", "gpt-4o", Standard, million, -1, "regional"},
		{"data zone batch", "gpt-4o", DataZoneBatch, million, 6.875, ""},
		{"a price in half", "gpt-4o-mini", DataZoneBatch, million, -1, "a part of the price"},
		{"a model without prices", "gpt-oss-20b", GlobalStandard, million, -1, "this model"},
		{"a single token", "gpt-4o-mini", GlobalStandard, Usage{Input: 1}, 1.5e-7, ""},
		{"embeddings", "text-embedding-3-large", GlobalStandard, Usage{Input: 1e6}, 0.143, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := cost(t, Embedded(), tt.model, tt.kind, tt.usage)
			switch {
			case tt.want < 0:
				if got.USD != nil || !strings.Contains(got.Reason, tt.reason) {
					t.Errorf("got %+v, want none because of %q", got, tt.reason)
				}
			case got.USD == nil || *got.USD != Rounded(tt.want):
				t.Errorf("got %v (%s), want %v", got.USD, got.Reason, tt.want)
			}
		})
	}
}

func TestBatchSaving(t *testing.T) {
	got := cost(t, Embedded(), "gpt-4.1", GlobalBatch, Usage{Input: 1e6, Output: 1e6})
	if got.Saving == nil || *got.Saving != 5 {
		t.Errorf("got %+v, want a saving of 5", got)
	}
}

// The worked examples of Azure's documentation, and the rules for minimum and increment.
func TestPTUs(t *testing.T) {
	for _, tt := range []struct {
		name, model string
		kind        DeploymentType
		calls       float64
		usage       Usage
		raw         float64
		ptus        int // 0: none
	}{
		{"documented", "gpt-5.2", DataZoneProvisionedManaged, 1000, Usage{Input: 200, Output: 20}, 105.88, 110},
		{"documented, half of it cached", "gpt-5.2", GlobalProvisionedManaged, 1000, Usage{Input: 200, CachedInput: 100, Output: 20}, 76.47, 80},
		{"the minimum", "gpt-5.2", GlobalProvisionedManaged, 1, Usage{Input: 200, Output: 20}, 0.11, 15},
		{"the regional minimum and increment", "gpt-5.2", ProvisionedManaged, 1000, Usage{Input: 200, Output: 20}, 105.88, 150},
		{"weights: cached input counts", "gpt-6-sol", GlobalProvisionedManaged, 3000, Usage{Input: 1000, CachedInput: 500, Output: 100}, 1050, 1050},
		{"weights: cache writes count more", "gpt-6-sol", GlobalProvisionedManaged, 3000, Usage{Input: 1000, CachedInput: 500, CacheWrite: 400, Output: 100}, 1150, 1150},
		{"weights of a long prompt", "gpt-6-sol", GlobalProvisionedManaged, 1, Usage{Input: 300000, Output: 1000}, 202.5, 205},
		{"a hair above an increment", "gpt-4o", GlobalProvisionedManaged, 1, Usage{Input: 50001}, 20, 25},
		{"above what a deployment may have", "o1", GlobalProvisionedManaged, 1e6, Usage{Input: 1000}, 4347826.09, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, got := range Embedded().PTUs(lookup(t, Embedded(), tt.model), tt.usage, tt.calls) {
				if got.Type != tt.kind {
					continue
				}
				if got.Raw == nil || *got.Raw != tt.raw {
					t.Errorf("raw is %v, want %v", got.Raw, tt.raw)
				}
				if (got.PTUs == nil) != (tt.ptus == 0) || got.PTUs != nil && *got.PTUs != tt.ptus || got.PTUs == nil && got.Reason == "" {
					t.Errorf("got %v (%s), want %d", got.PTUs, got.Reason, tt.ptus)
				}
			}
		})
	}
	for _, tt := range []struct{ model, reason string }{{"gpt-4.1", "above 128000"}, {"gpt-4-turbo", "no source"}} {
		got := Embedded().PTUs(lookup(t, Embedded(), tt.model), Usage{Input: 200000}, 1)[0]
		if got.PTUs != nil || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: got %+v, want %q", tt.model, got, tt.reason)
		}
	}
}

func TestOverrides(t *testing.T) {
	c, err := Embedded().With(Overrides{
		Models: json.RawMessage(`{
			"my-model": {"like": "gpt-4o", "context": 1000, "max_output": 10},
			"plain": {"encoding": "cl100k_base", "kind": "embeddings", "retirement": "2027-01-01",
				"images": {"kind": "tile", "auto": "high", "base": 1, "per_tile": 2},
				"ptu": {"input_tpm": 1000, "output_ratio": 4, "global_min": 15, "global_increment": 5, "regional_min": 50, "regional_increment": 50}}}`),
		Prices: json.RawMessage(`{
			"gpt-4o": {"GlobalStandard": {"input": 1, "output": 2}, "GlobalProvisionedManaged": {"ptu_hour": 0.5}, "DataZoneBatch": {"input": 3, "output": 4}},
			"gpt-4o-2024-08-06": {"GlobalStandard": {"input": 7, "output": 8}},
			"plain": {"Standard": {"input": 9}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	million := Usage{Input: 1e6, Output: 1e6}
	for _, tt := range []struct {
		model string
		kind  DeploymentType
		want  float64
	}{
		{"gpt-4o", GlobalStandard, 3}, {"gpt-4o", GlobalBatch, 1.5}, {"gpt-4o", DataZoneBatch, 7},
		{"gpt-4o-2024-08-06", GlobalStandard, 15}, {"my-model", GlobalStandard, 12.5}, {"gpt-4.1", GlobalStandard, 10},
	} {
		if got := cost(t, c, tt.model, tt.kind, million); got.USD == nil || *got.USD != tt.want {
			t.Errorf("%s on %s costs %v (%s), want %g", tt.model, tt.kind, got.USD, got.Reason, tt.want)
		}
	}
	if got := cost(t, c, "plain", Standard, Usage{Input: 1e6}); got.USD == nil || *got.USD != 9 {
		t.Errorf("plain costs %v", got.USD)
	}
	window, output := lookup(t, c, "my-model").Limits("")
	if *window != 1000 || *output != 10 {
		t.Errorf("my-model has %d and %d", *window, *output)
	}
	if got := c.PTUs(lookup(t, c, "gpt-4o"), Usage{Input: 10}, 1)[0]; got.USDPerHr == nil || *got.USDPerHr != 7.5 {
		t.Errorf("PTUs cost %v an hour, want 7.5", got.USDPerHr)
	}
	if got := cost(t, Embedded(), "gpt-4o", GlobalStandard, million); *got.USD != 12.5 {
		t.Error("an override has changed the embedded catalog")
	}
	if _, err := Embedded().Lookup("my-model"); err == nil {
		t.Error("an override has added to the embedded catalog")
	}
}

// An entry that is wrong is left out, and takes nothing with it: neither other entries nor what the catalog has.
func TestWrongOverridesAreLeftOut(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	c, err := Embedded().With(Overrides{
		Models: json.RawMessage(`{"good":{"like":"gpt-4o"}, "gpt-4o":{"like":"gpt-4o-mini","context":0}, "typo":{"like":"` + key + `"}, "text":"` + key + `"}`),
		Prices: json.RawMessage(`{"good":{"GlobalStandard":{"input":3,"output":4}}, "gpt-4.1":{"Batch":{"input":1},"GlobalStandard":{"input":5,"output":6}},
			"my-batch":{"GlobalBatch":{"input":7,"output":8}}, "none":{"GlobalBatch":{"input":-1}}, "key":"` + key + `"}`),
	})
	if err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("got %v, want errors without the key", err)
	}
	for _, member := range []string{"models.gpt-4o.context", "models.typo.like", "models.text", "prices.gpt-4.1.Batch", "prices.none.GlobalBatch.input", "prices.key"} {
		if !strings.Contains(err.Error(), member+":") {
			t.Errorf("%s is not named in %v", member, err)
		}
	}
	million := Usage{Input: 1e6, Output: 1e6}
	for _, tt := range []struct {
		model string
		kind  DeploymentType
		want  float64
	}{{"good", GlobalStandard, 7}, {"gpt-4.1", GlobalStandard, 11}, {"gpt-4.1", GlobalBatch, 5.5}, {"gpt-4o", GlobalStandard, 12.5}, {"my-batch", GlobalBatch, 15}} {
		if got := cost(t, c, tt.model, tt.kind, million); got.USD == nil || *got.USD != tt.want {
			t.Errorf("%s on %s costs %v (%s), want %g", tt.model, tt.kind, got.USD, got.Reason, tt.want)
		}
	}
	for _, name := range []string{"typo", "text", "none", "key"} {
		if _, err := c.Lookup(name); err == nil {
			t.Errorf("%s is a model", name)
		}
	}
	if n := lookup(t, c, "My-Batch"); n.Encoding != nil || n.Kind != "" || n.Context != nil {
		t.Errorf("of my-batch more is known than its price: %+v", n.Model)
	}
}

func TestOverridesAreChecked(t *testing.T) {
	for _, tt := range []struct{ name, prices, models, want string }{
		{"not an object", `[]`, ``, "prices: is a array, want an object"},
		{"an unknown model", `{"gpt-x":{}}`, ``, "prices.gpt-x: has no price"},
		{"an unknown type", `{"gpt-4o":{"Batch":{}}}`, ``, "prices.gpt-4o.Batch: not a deployment type"},
		{"a misspelt member", `{"gpt-4o":{"Standard":{"inptu":1}}}`, ``, `prices.gpt-4o.Standard: unknown field "inptu"`},
		{"a string for a price", `{"gpt-4o":{"Standard":{"input":"2"}}}`, ``, "prices.gpt-4o.Standard.input: is a string, want a number"},
		{"a negative price", `{"gpt-4o":{"Standard":{"input":-2}}}`, ``, "prices.gpt-4o.Standard.input: -2 is negative"},
		{"a price without end", `{"gpt-4o":{"Standard":{"input":1e308}}}`, ``, "prices.gpt-4o.Standard.input: 1e+308 is above 1e+15"},
		{"a price of PTUs without end", `{"gpt-4o":{"ProvisionedManaged":{"ptu_hour":1e300}}}`, ``, "prices.gpt-4o.ProvisionedManaged.ptu_hour: 1e+300 is above 1e+15"},
		{"a price that no number is", `{"gpt-4o":{"Standard":{"input":1e400}}}`, ``, "prices.gpt-4o.Standard.input: 1e400 is no number that can stand here"},
		{"patches without end", ``, `{"m":{"like":"gpt-4o","images":{"kind":"patch","auto":"high","multiplier":1e300,"detail":{"high":{"max_dim":2048}}}}}`, "models.m.images: want for example"},
		{"a PTU that carries next to nothing", ``, `{"m":{"like":"gpt-4o","ptu":{"input_tpm":1e-300,"global_min":1,"global_increment":1,"regional_min":1,"regional_increment":1}}}`, "models.m.ptu: input_tpm"},
		{"a ratio without end", ``, `{"m":{"like":"gpt-4o","ptu":{"input_tpm":1,"output_ratio":1e300,"global_min":1,"global_increment":1,"regional_min":1,"regional_increment":1}}}`, "models.m.ptu: 1e+300 is no number"},
		{"a weight without end", ``, `{"m":{"like":"gpt-4o","ptu":{"input_tpm":1,"weights":{"long":{"output":1e300}},"global_min":1,"global_increment":1,"regional_min":1,"regional_increment":1}}}`, "models.m.ptu: 1e+300 is no number"},
		{"no price", `{"gpt-4o":{"Standard":{}}}`, ``, "prices.gpt-4o.Standard: neither input nor ptu_hour"},
		{"like nothing", ``, `{"m":{"like":"x"}}`, "models.m.like: the catalog has no such model"},
		{"nothing to count by", ``, `{"m":{}}`, "models.m: give like or encoding"},
		{"an unknown encoding", ``, `{"m":{"encoding":"utf8"}}`, "models.m.encoding: not an encoding"},
		{"an unknown kind", ``, `{"m":{"like":"gpt-4o","kind":"image"}}`, "models.m.kind: want"},
		{"no context", ``, `{"m":{"like":"gpt-4o","context":0}}`, "models.m.context: 0 is not a number of tokens"},
		{"not a date", ``, `{"m":{"like":"gpt-4o","retirement":"soon"}}`, "models.m.retirement: not a date"},
		{"half a rule for images", ``, `{"m":{"like":"gpt-4o","images":{"kind":"tile"}}}`, "models.m.images: want for example"},
		{"half a row of PTUs", ``, `{"m":{"like":"gpt-4o","ptu":{"input_tpm":1}}}`, "models.m.ptu: input_tpm"},
		{"a misspelt member of a model", ``, `{"m":{"like":"gpt-4o","max":1}}`, `models.m: unknown field "max"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Embedded().With(Overrides{Prices: json.RawMessage(tt.prices), Models: json.RawMessage(tt.models)})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestParseOverrides(t *testing.T) {
	o, err := ParseOverrides([]byte(`{"prices":{"gpt-4o":{"Standard":{"input":1,"output":1}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Embedded().With(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := cost(t, c, "gpt-4o", Standard, Usage{Input: 2e6}); got.USD == nil || *got.USD != 2 {
		t.Errorf("got %+v", got)
	}
	if _, err := ParseOverrides([]byte(`{"price":{}}`)); err == nil {
		t.Error("a misspelt member of the file is accepted")
	}
}
