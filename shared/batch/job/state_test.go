package job_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// What has another price is kept apart.
func TestPricesOfATry(t *testing.T) {
	var tried job.Tried
	tried.AddSuccess(job.Price{}, usage.Usage{Input: 10, Output: 1})
	if raw, err := json.Marshal(&tried); err != nil || string(raw) != `{"mode":"","lines":0,"succeeded":1,"failed":0,"again":0,"usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":1,"reasoning_tokens":0}}` {
		t.Errorf("of one price the record is %s, %v", raw, err)
	}
	flex, long := job.Price{Tier: catalog.Flex}, job.Price{Model: "gpt-5.4-2026-03-05", Long: true}
	tried.AddSuccess(flex, usage.Usage{Input: 100, CacheWrite: 50, Output: 10})
	tried.AddSuccess(flex, usage.Usage{Input: 200, Output: 20})
	tried.AddSuccess(long, usage.Usage{Input: 300_000, Output: 100})
	raw, err := json.Marshal(&tried)
	if err != nil {
		t.Fatal(err)
	}
	var read job.Tried
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	want := job.Tallies{
		{flex, 2, usage.Usage{Input: 300, CacheWrite: 50, Output: 30}}, {long, 1, usage.Usage{Input: 300_000, Output: 100}}, {job.Price{}, 1, usage.Usage{Input: 10, Output: 1}},
	}
	if got := read.Answered(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A record of an earlier version has service tiers only.
func TestPricesOfAnEarlierTry(t *testing.T) {
	var tried job.Tried
	const record = `{"mode":"online","lines":3,"succeeded":3,"usage":{"input_tokens":310,"output_tokens":31},"service_tiers":{"flex":{"lines":2,"usage":{"input_tokens":300,"output_tokens":30}}}}`
	if err := json.Unmarshal([]byte(record), &tried); err != nil {
		t.Fatal(err)
	}
	want := job.Tallies{{job.Price{Tier: catalog.Flex}, 2, usage.Usage{Input: 300, Output: 30}}, {job.Price{}, 1, usage.Usage{Input: 10, Output: 1}}}
	if got := tried.Answered(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// However many models answers name, a record stays small and has all lines.
func TestPricesAreBounded(t *testing.T) {
	var tried job.Tried
	for i := range 1000 {
		tried.AddSuccess(job.Price{Model: fmt.Sprint("m", i)}, usage.Usage{Input: 1})
	}
	if all := tried.Answered(); len(all) > 60 || all.Sum().Lines != 1000 || all.Sum().Usage.Input != 1000 {
		t.Errorf("%d prices of %+v", len(all), all.Sum())
	}
}
