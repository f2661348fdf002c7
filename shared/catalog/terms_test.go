package catalog

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTerms(t *testing.T) {
	million := Usage{Input: 1e6, Output: 1e6}
	short := Usage{Input: 1e5, Output: 1e5} // below the step of long prompts
	on := func(zone string, tier Tier, day string) Terms { return Terms{zone, tier, day} }
	for _, tt := range []struct {
		name, model string
		kind        DeploymentType
		terms       Terms
		usage       Usage
		want        float64 // below 0: not known
		reason      string
	}{
		{"a long prompt", "gpt-5.5", GlobalStandard, on("", "", today), Usage{Input: 300_000, Output: 1000}, 3.045, ""},
		{"a long prompt in a batch", "gpt-5.5", GlobalBatch, on("", "", today), Usage{Input: 300_000, Output: 1000}, 1.5225, ""},
		{"a long prompt in a data zone", "gpt-5.5", DataZoneStandard, on("us", "", today), Usage{Input: 300_000, Output: 1000}, 3.3495, ""},
		{"the longest of the short", "gpt-5.5", GlobalStandard, on("", "", today), Usage{Input: 272_000}, 1.36, ""},
		{"the shortest of the long", "gpt-5.5", GlobalStandard, on("", "", today), Usage{Input: 272_001}, 2.72001, ""},
		{"the cache in a long prompt", "gpt-6.1-terra", GlobalStandard, on("", "", today), Usage{Input: 400_000, CachedInput: 100_000, CacheWrite: 200_000}, 0.71, ""},
		{"a model without steps", "gpt-4.1", GlobalStandard, on("", "", today), million, 10, ""},
		{"many calls, none of them long", "gpt-5.5", GlobalStandard, on("", "", today), Usage{Calls: 100, Input: 1e6}, 5, ""},
		{"many calls, long in the mean", "gpt-5.5", GlobalStandard, on("", "", today), Usage{Calls: 3, Input: 1e6}, 10, ""},

		{"written to the cache", "gpt-5.6-sol", GlobalStandard, on("", "", today), Usage{Input: 100_000, CacheWrite: 80_000, Output: 10}, 0.4802, ""},
		{"read and written", "gpt-6-sol", GlobalStandard, on("", "", today), Usage{Input: 10_000, CachedInput: 4000, CacheWrite: 5000}, 0.0153, ""},
		{"written where that has no price", "gpt-5", GlobalStandard, on("", "", today), Usage{Input: 10_000, CacheWrite: 5000}, 0.0125, ""},
		{"written in a data zone of a model that bills none", "gpt-4o", DataZoneStandard, on("us", "", today), Usage{Input: 1e6, CacheWrite: 1e6}, 2.75, ""},

		{"the last day of a promotion", "gpt-5.6-sol", GlobalStandard, on("", "", "2026-11-30"), short, 2.4, ""},
		{"the day after", "gpt-5.6-sol", GlobalStandard, on("", "", "2026-12-01"), short, 3.5, ""},
		{"on no day", "gpt-5.6-sol", GlobalStandard, Terms{}, short, 3.5, ""},
		{"a promotion in a data zone", "gpt-5.6-sol", DataZoneStandard, on("eu", "", "2026-12-01"), short, 3.85, ""},
		{"the same model by its other name", "gpt-5.6", GlobalStandard, on("", "", "2026-12-01"), short, 3.5, ""},
		{"a long prompt after a promotion", "gpt-5.6-sol", GlobalStandard, on("", "", "2026-12-01"), Usage{Input: 300_000, Output: 1000}, 3.045, ""},
		{"no promotion", "gpt-5.6-luna", GlobalStandard, on("", "", "2026-12-01"), short, 0.14, ""},

		{"the US zone", "gpt-6-sol", DataZoneStandard, on("us", "", today), short, 1.32, ""},
		{"the EU zone", "gpt-6-sol", DataZoneStandard, on("eu", "", today), short, 1.44, ""},
		{"the APAC zone", "gpt-6.1-sol", DataZoneStandard, on("apac", "", today), short, 1.44, ""},
		{"any zone is the most expensive", "gpt-6-sol", DataZoneStandard, on("", "", today), short, 1.44, ""},
		{"a zone without a price", "gpt-4o", DataZoneStandard, on("apac", "", today), short, -1, "the data zone apac"},
		{"a zone does not touch the others", "gpt-4o", GlobalStandard, on("apac", "", today), short, 1.25, ""},
		{"a small model in a zone", "gpt-5.4-mini", DataZoneStandard, on("eu", "", today), Usage{Input: 2e6, CachedInput: 1e6, Output: 1e6}, 5.8575, ""},
		{"its batch", "gpt-5.4-mini", DataZoneBatch, on("us", "", today), Usage{Input: 2e6, CachedInput: 1e6, Output: 1e6}, 2.92875, ""},

		{"priority", "gpt-5.5", GlobalStandard, on("", Priority, today), Usage{Input: 7, Output: 1000}, 0.0750875, ""},
		{"priority in a data zone", "gpt-5.1", DataZoneStandard, on("us", Priority, today), short, 2.475, ""},
		{"flex is half", "gpt-5.6-terra", GlobalStandard, on("", Flex, today), short, 0.7, ""},
		{"flex, its output by the rule", "gpt-5.5", GlobalStandard, on("", Flex, today), Usage{Input: 7, Output: 1000}, 0.0150175, ""},
		{"no flex", "gpt-4o", GlobalStandard, on("", Flex, today), short, -1, "the tier flex"},
		{"no priority", "gpt-5.2-pro", GlobalStandard, on("", Priority, today), short, -1, "the tier priority"},

		{"no batch of realtime", "gpt-realtime", GlobalBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"no batch of codex", "gpt-5.1-codex-max", GlobalBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"no batch of chat", "gpt-5.3-chat", GlobalBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"no batch of the newest", "gpt-6-astra", GlobalBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"no batch in a data zone", "gpt-6.1-terra", DataZoneBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"no batch of the oldest", "gpt-4", GlobalBatch, on("", "", today), short, -1, "Azure has no batch"},
		{"a batch that only a version states", "o1", GlobalBatch, on("", "", today), short, 3.75, ""},

		{"a model of this autumn", "gpt-6.1-terra", GlobalStandard, on("", "", today), Usage{Input: 2e5, CachedInput: 1e5, Output: 1e5}, 0.605, ""},
		{"by the name of its family", "gpt-terra-latest", GlobalStandard, on("", "", today), short, 0.6, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, reason := Embedded().Price(lookup(t, Embedded(), tt.model), tt.kind, tt.terms)
			if p == nil {
				if tt.want >= 0 || !strings.Contains(reason, tt.reason) {
					t.Errorf("there is no price: %s; want %g, %q", reason, tt.want, tt.reason)
				}
				return
			}
			if usd, ok := p.Cost(tt.usage); !ok || usd != Rounded(tt.want) {
				t.Errorf("got %g (%t), want %g", usd, ok, tt.want)
			}
		})
	}
}

// A price that ends says so, and one that zones disagree on is there for each.
func TestCostsSayOnWhatTheyDepend(t *testing.T) {
	list := func(model string, terms Terms, u Usage) (lines []string) {
		for _, c := range Embedded().Costs(lookup(t, Embedded(), model), u, terms) {
			line, err := json.Marshal(struct {
				Type  DeploymentType
				Zones []string
				Tier  Tier
				Above int
				Until string
				Input *float64
			}{c.Type, c.Zones, c.Tier, c.Above, c.Until, c.Input})
			if err != nil {
				t.Fatal(err)
			}
			if c.USD == nil && c.Reason == "" {
				t.Errorf("%s has neither a price nor a reason", line)
			}
			lines = append(lines, string(line))
		}
		return lines
	}
	for _, tt := range []struct {
		name, model string
		terms       Terms
		usage       Usage
		want        string
	}{
		{"zones that agree", "gpt-4.1", Terms{Day: today}, Usage{Input: 1},
			`{"Type":"DataZoneStandard","Zones":["us","eu"],"Tier":"","Above":0,"Until":"","Input":2.2}`},
		{"the cheap zone", "gpt-6.1-sol", Terms{Day: today}, Usage{Input: 1},
			`{"Type":"DataZoneStandard","Zones":["us"],"Tier":"","Above":0,"Until":"","Input":2.2}`},
		{"the expensive zones", "gpt-6.1-sol", Terms{Day: today}, Usage{Input: 1},
			`{"Type":"DataZoneStandard","Zones":["eu","apac"],"Tier":"","Above":0,"Until":"","Input":2.4}`},
		{"a tier", "gpt-5.5", Terms{Day: today, Tier: Priority}, Usage{Input: 1},
			`{"Type":"GlobalStandard","Zones":null,"Tier":"priority","Above":0,"Until":"","Input":12.5}`},
		{"a batch has none", "gpt-5.5", Terms{Day: today, Tier: Priority}, Usage{Input: 1},
			`{"Type":"GlobalBatch","Zones":null,"Tier":"","Above":0,"Until":"","Input":2.5}`},
		{"a promotion", "gpt-5.6-sol", Terms{Day: today}, Usage{Input: 1},
			`{"Type":"GlobalStandard","Zones":null,"Tier":"","Above":0,"Until":"2026-11-30","Input":4}`},
		{"after it", "gpt-5.6-sol", Terms{Day: "2026-12-01"}, Usage{Input: 1},
			`{"Type":"GlobalStandard","Zones":null,"Tier":"","Above":0,"Until":"","Input":5}`},
		{"a long prompt", "gpt-5.4", Terms{Day: today}, Usage{Input: 272_001},
			`{"Type":"GlobalStandard","Zones":null,"Tier":"","Above":272000,"Until":"","Input":5}`},
		{"a batch that there is none of", "gpt-6-sol", Terms{Day: today}, Usage{Input: 1},
			`{"Type":"GlobalBatch","Zones":null,"Tier":"","Above":0,"Until":"","Input":null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := list(tt.model, tt.terms, tt.usage)
			if !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got\n%s\nwant among them\n%s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

func TestRetirement(t *testing.T) {
	own, err := Embedded().With(Overrides{Models: json.RawMessage(`{"gpt-5.5":{"retirement":"2026-10-01"},"gpt-4o":{"retirement":"2026-12-24"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		catalog *Catalog
		model   string
		now     string
		day     string
		passed  bool
	}{
		{"put off by the newest schedule", Embedded(), "gpt-4o", "2026-11-28", "2027-04-14", false},
		{"likewise", Embedded(), "gpt-4.1-mini", "2026-11-28", "2027-04-14", false},
		{"likewise", Embedded(), "gpt-5.2", "2026-12-13", "2027-06-08", false},
		{"a version of its own day", Embedded(), "gpt-4o-2024-05-13", "2026-11-28", "2027-01-14", false},
		{"passed before the source's date", Embedded(), "gpt-5-chat", "2026-11-28", "2026-06-29", true},
		{"likewise", Embedded(), "gpt-5.3-chat", "2026-11-28", "2026-06-29", true},
		{"passed the day before", Embedded(), "o3", "2026-11-28", "2026-11-19", true},
		{"not yet passed on a clock that is behind", Embedded(), "o3", "2026-11-18", "2026-11-19", false},
		{"reached after the source's date", Embedded(), "gpt-4o", "2027-04-14", "2027-04-14", false},
		{"long after", Embedded(), "gpt-5-codex", "2030-01-01", "2027-03-17", false},
		{"the user's own word", own, "gpt-5.5", "2026-11-28", "2026-10-01", true},
		{"the user's own word, not yet", own, "gpt-5.5", "2026-09-30", "2026-10-01", false},
		{"the user's own word, of all versions", own, "gpt-4o-2024-05-13", "2026-12-25", "2026-12-24", true},
		{"and not of others' catalogs", Embedded(), "gpt-4o-2024-05-13", "2026-12-25", "2027-01-14", false},
		{"none", Embedded(), "gpt-6.1-terra", "2026-11-28", "", false},
	} {
		t.Run(tt.name+": "+tt.model, func(t *testing.T) {
			now, err := time.Parse(time.DateOnly, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			day, source := lookup(t, tt.catalog, tt.model).Retires()
			if passed := tt.catalog.Passed(day, source, now); day != tt.day || passed != tt.passed {
				t.Errorf("got %q, passed %t; want %q, %t", day, passed, tt.day, tt.passed)
			}
		})
	}
}

func TestPassedByAMonth(t *testing.T) {
	c := &Catalog{sources: map[string]Source{"page": {Date: new("2026-11")}, "undated": {}}}
	now := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		source, day string
		want        bool
	}{
		{"page", "2026-10-31", true},
		{"page", "2026-11-01", false}, // the page may have been read on that day, or before
		{"page", "2026-11-30", false},
		{"undated", "2026-01-01", false},
		{"unknown", "2026-01-01", false},
	} {
		if got := c.Passed(tt.day, tt.source, now); got != tt.want {
			t.Errorf("%s of %s: got %t, want %t", tt.day, tt.source, got, tt.want)
		}
	}
}

func TestOwnPricesReplaceAllTerms(t *testing.T) {
	c, err := Embedded().With(Overrides{Prices: json.RawMessage(`{
		"gpt-6-sol": {"DataZoneStandard": {"input": 1, "output": 2}, "GlobalStandard": {"input": 3, "cached_input": 0, "output": 4}},
		"gpt-4o-2024-08-06": {"GlobalStandard": {"input": 7, "output": 8}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, model string
		kind        DeploymentType
		terms       Terms
		usage       Usage
		want        float64
		reason      string
	}{
		{"in any zone", "gpt-6-sol", DataZoneStandard, Terms{Zone: "eu", Day: today}, Usage{Input: 1e6}, 1, ""},
		{"long prompts too", "gpt-6-sol", GlobalStandard, Terms{Day: today}, Usage{Input: 1e6}, 3, ""},
		{"zero is a price", "gpt-6-sol", GlobalStandard, Terms{Day: today}, Usage{Input: 1e6, CachedInput: 1e6}, 0, ""},
		{"of the standard tier", "gpt-6-sol", GlobalStandard, Terms{Tier: Priority, Day: today}, Usage{Input: 1e6}, -1, "of the standard tier"},
		{"no batch where Azure has none", "gpt-6-sol", GlobalBatch, Terms{Day: today}, Usage{Input: 1e6}, -1, "Azure has no batch"},
		{"of a version, not its other types", "gpt-4o-2024-08-06", DataZoneStandard, Terms{Day: today}, Usage{Input: 1e6}, -1, "version 2024-08-06"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, reason := c.Price(lookup(t, c, tt.model), tt.kind, tt.terms)
			if p == nil {
				if tt.want >= 0 || !strings.Contains(reason, tt.reason) {
					t.Errorf("there is no price: %s; want %g, %q", reason, tt.want, tt.reason)
				}
				return
			}
			if usd, ok := p.Cost(tt.usage); !ok || usd != tt.want {
				t.Errorf("got %g (%t), want %g", usd, ok, tt.want)
			}
		})
	}
	for _, cost := range c.Costs(lookup(t, c, "gpt-6-sol"), Usage{Input: 300_000}, Terms{Day: today}) {
		if cost.Type == GlobalStandard && !strings.Contains(cost.Note, "more than 272000 tokens") {
			t.Errorf("a price without the step of long prompts does not say so: %+v", cost)
		}
	}
}

func TestTierOf(t *testing.T) {
	for name, want := range map[string]Tier{"": "", "auto": "", "default": "", "standard": "", "flex": Flex, "priority": Priority, "Priority": ""} {
		if got := TierOf(name); got != want {
			t.Errorf("%q is the tier %q, want %q", name, got, want)
		}
	}
}
