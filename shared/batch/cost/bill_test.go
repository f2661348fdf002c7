package cost

import (
	"math"
	"testing"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

func TestBill(t *testing.T) {
	million := usage.Usage{Input: 1e6, Output: 1e6}
	online := job.Part{Mode: jsonl.Online, Serves: "gpt-5.5", Type: catalog.GlobalStandard}
	batch := job.Part{Mode: jsonl.Batch, Serves: "gpt-5.5", Type: catalog.GlobalBatch}
	charge := func(p job.Part, tier catalog.Tier, u usage.Usage, lines int) float64 {
		t.Helper()
		b := newPrices(catalog.Embedded()).NewBill()
		b.Charge(&p, job.Tallies{{Price: job.Price{Tier: tier}, Lines: lines, Usage: u}})
		usd := b.USD()
		if usd == nil {
			t.Fatalf("%s %s %q has no price", p.Serves, p.Type, tier)
		}
		return *usd
	}
	standard := charge(online, catalog.StandardTier, million, 1000)
	tests := []struct {
		name       string
		usd, times float64
	}{
		{"flex", charge(online, catalog.Flex, million, 1000), 0.5},
		{"priority", charge(online, catalog.Priority, million, 1000), 2.5},
		{"batch", charge(batch, catalog.StandardTier, million, 1000), 0.5},
		{"a batch has no tiers", charge(batch, catalog.Priority, million, 1000), 0.5},
		{"no line", charge(online, catalog.StandardTier, million, 0), 0},
	}
	for _, test := range tests {
		if math.Abs(test.usd-standard*test.times) > 1e-9 {
			t.Errorf("%s: %v USD, want %v times %v", test.name, test.usd, test.times, standard)
		}
	}
	// What is written to the cache costs 1.25 times the input.
	writing := online
	writing.Serves = "gpt-5.6-sol"
	plain := charge(writing, catalog.StandardTier, usage.Usage{Input: 1e6}, 1000)
	if written := charge(writing, catalog.StandardTier, usage.Usage{Input: 1e6, CacheWrite: 1e6}, 1000); math.Abs(written-1.25*plain) > 1e-9 {
		t.Errorf("written to the cache: %v USD, want 1.25 times %v", written, plain)
	}
}
