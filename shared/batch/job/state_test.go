package job_test

import (
	"encoding/json"
	"testing"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// What service tiers other than the standard one answered is kept apart, since it has other prices.
func TestTiersOfATry(t *testing.T) {
	var tried job.Tried
	tried.AddSuccess(catalog.StandardTier, usage.Usage{Input: 10, Output: 1})
	if raw, err := json.Marshal(&tried); err != nil || string(raw) != `{"mode":"","lines":0,"succeeded":1,"failed":0,"again":0,"usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":1,"reasoning_tokens":0}}` {
		t.Errorf("without tiers the record is %s, %v", raw, err)
	}
	tried.AddSuccess(catalog.Flex, usage.Usage{Input: 100, CacheWrite: 50, Output: 10})
	tried.AddSuccess(catalog.Flex, usage.Usage{Input: 200, Output: 20})
	tried.AddSuccess(catalog.Priority, usage.Usage{Input: 1000, Output: 100})
	if want := (job.Tally{Lines: 1, Usage: usage.Usage{Input: 10, Output: 1}}); tried.Standard() != want {
		t.Errorf("standard: got %+v, want %+v", tried.Standard(), want)
	}
	if want := (job.Tally{Lines: 2, Usage: usage.Usage{Input: 300, CacheWrite: 50, Output: 30}}); *tried.Tiers[catalog.Flex] != want {
		t.Errorf("flex: got %+v, want %+v", *tried.Tiers[catalog.Flex], want)
	}
	if tried.Succeeded != 4 || tried.Usage.Input != 1310 {
		t.Errorf("all: got %d lines, %+v", tried.Succeeded, tried.Usage)
	}
}
