package catalog

import (
	"encoding/json"
	"testing"
)

// No price of the kind is above the dearest, of short calls and of long ones.
func TestDearest(t *testing.T) {
	c := Embedded()
	for _, batch := range []bool{true, false} {
		dearest := c.Dearest(batch, StandardTier)
		if !dearest.Input.Known || !dearest.Output.Known || dearest.Long == nil {
			t.Fatalf("batch %v: %+v", batch, dearest)
		}
		var input, output float64
		for i := range prices {
			p := &prices[i]
			if p.Type.Batch() != batch || p.Tier != StandardTier || p.Until != "" || c.models[p.Model].Kind == "embeddings" {
				continue
			}
			input, output = max(input, p.Input.USD), max(output, p.Output.USD)
			for _, u := range []Usage{{Input: 1000, Output: 1000}, {Input: 300_000, Output: 1000}, {Input: 300_000, CacheWrite: 300_000}, {Input: 5000, CachedInput: 5000}} {
				usd, ok := p.Cost(u)
				if most, _ := dearest.Cost(u); ok && usd > most {
					t.Errorf("%s on %s costs %g for %+v, and the dearest %g", p.Model, p.Type, usd, u, most)
				}
			}
		}
		if dearest.Input.USD != input || dearest.Output.USD != output {
			t.Errorf("batch %v: the dearest costs %g and %g, and there are %g and %g", batch, dearest.Input.USD, dearest.Output.USD, input, output)
		}
	}
	own, err := c.With(Overrides{Prices: json.RawMessage(`{"mine":{"GlobalBatch":{"input":5000,"output":6000}}}`)})
	if got := own.Dearest(true, ""); err != nil || got.Input.USD != 5000 || got.Output.USD != 6000 {
		t.Errorf("with a dearer one of the owner's: %+v, %v", got, err)
	}
	if tier := c.Dearest(false, Priority); tier.Input.USD == 0 || tier.Input.USD == c.Dearest(false, StandardTier).Input.USD {
		t.Errorf("of the priority tier: %+v", tier)
	}
}

func TestGuess(t *testing.T) {
	for name, want := range map[string]string{
		"my-gpt4o-batch-eus": "gpt-4o", "gpt-5-prod": "gpt-5", "gpt-4o-mini-batch": "gpt-4o-mini", "prod_GPT-4.1-nano_2": "gpt-4.1-nano", "gpt41mini": "gpt-4.1-mini",
		"gpt-4-1": "gpt-4.1", "o3-batch": "o3", "team.o4-mini": "o4-mini", "gpt-4o": "gpt-4o", "gpt-4o-2024-08-06-eu": "gpt-4o", "gpt-5-pro-1": "gpt-5-pro",
		"my-batch": "", "prod": "", "gpt": "", "gpt4omega": "", "foo3": "", "": "", "gpt-4.1-or-gpt-5.1": "",
	} {
		if got := Embedded().Guess(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
