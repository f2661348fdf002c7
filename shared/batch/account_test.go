package batch_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

// asking are lines for a model that each have so many words for an answer.
func asking(model string, lines, words int, members string) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, `{"custom_id":"id-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"[[words: %d]] number%d"}]%s}}`+"\n", i+1, model, words, i+1, members)
	}
	return b.String()
}

// accountOf reads a job's account as it stands: what its tries have cost, and what those under way may cost.
func (w *world) accountOf(id string) (spent, open float64) {
	w.t.Helper()
	raw, found := w.Get(job.AccountKey(id))
	if !found {
		return 0, 0
	}
	var a struct {
		Parts map[string]map[string]struct {
			USD  float64
			Open bool
		}
	}
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		w.t.Fatal(err)
	}
	for _, tries := range a.Parts {
		for _, e := range tries {
			if e.Open {
				open += e.USD
			} else {
				spent += e.USD
			}
		}
	}
	return spent, open
}

// codes counts the results of a file by what they say: "ok", or the code of the error.
func (w *world) codes(key string) map[string]int {
	all := map[string]int{}
	for _, r := range w.results(key) {
		if r.Error != nil {
			all[r.Error.Code]++
		} else {
			all["ok"]++
		}
	}
	return all
}

// Answers are ten times as long as was expected. Parts that would begin when the money is spent do not, their lines say
// so, and the summary's money is that of the tokens that were answered.
func TestCeilingDuring(t *testing.T) {
	// A part has 1,000 tokens of input. By half a dollar per million tokens all is expected to cost about 0.023 USD.
	const deployments = `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":1}`
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 0.1 })
	w.secret(`{"resources":[{"name":"one","endpoint":"` + w.url + `","api_key":"local","deployments":[` + deployments + `]}],"prices":` + prices + `}`)
	w.Put("inbox/n.jsonl", asking("gpt-4o-mini", 400, 1000, ""))
	w.env.OutputTokens = 100
	w.restart()
	sum := w.run(w.event("inbox/n.jsonl"))
	codes := w.codes("results/n.jsonl")
	if sum.Parts < 3 || codes["ok"]+codes["cost_ceiling_exceeded"] != 400 || codes["ok"] == 0 || codes["cost_ceiling_exceeded"] == 0 {
		t.Fatalf("of %d parts, results are %v", sum.Parts, codes)
	}
	want := float64(sum.Usage.Input+sum.Usage.Output) / 2 / 1e6
	if sum.Cost.USD == nil || math.Abs(*sum.Cost.USD-want) > 1e-6 {
		t.Errorf("the summary says %v USD, want %g", sum.Cost.USD, want)
	}
	// Parts run one after the other here, so one was at Azure when the ceiling was reached.
	if part := want / float64(codes["ok"]) * 80; *sum.Cost.USD < 0.1-part || *sum.Cost.USD > 0.1+part {
		t.Errorf("%g USD were spent under a ceiling of 0.1, and a part costs %g at most", *sum.Cost.USD, part)
	}
	if spent, open := w.accountOf(sum.Job); math.Abs(spent-want) > 1e-6 || open != 0 {
		t.Errorf("the account says %g and %g under way, want %g", spent, open, want)
	}
	for _, r := range w.results("results/n.jsonl") {
		if r.Error != nil && (!strings.Contains(r.Error.Message, "above the job's ceiling of 0.1 USD") || !strings.Contains(r.Error.Message, "cost-ceiling=")) {
			t.Fatalf("got %s", r.Error.Message)
		}
	}
}

// Online calls stop line by line.
func TestCeilingDuringOnlineCalls(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling, env.OnlineConcurrency = 0.02, 2 })
	w.Put("inbox/n.jsonl", asking("gpt-4o-mini", 100, 1000, ""), "mode", "online")
	sum := w.run(w.event("inbox/n.jsonl"))
	codes := w.codes("results/n.jsonl")
	if codes["ok"] == 0 || codes["ok"]+codes["cost_ceiling_exceeded"] != 100 || codes["cost_ceiling_exceeded"] == 0 {
		t.Fatalf("results are %v", codes)
	}
	want := float64(sum.Usage.Input+sum.Usage.Output) / 1e6
	line := want / float64(codes["ok"])
	if *sum.Cost.USD > 0.02+2*line || *sum.Cost.USD < 0.02-3*line || math.Abs(*sum.Cost.USD-want) > 1e-6 {
		t.Errorf("%g USD were spent under a ceiling of 0.02, want %g; a line costs %g", *sum.Cost.USD, want, line)
	}
	if spent, open := w.accountOf(sum.Job); math.Abs(spent-want) > 1e-6 || open != 0 {
		t.Errorf("the account says %g and %g under way, want %g", spent, open, want)
	}
}

// Where Azure refuses a batch, its lines cost twice as much: the ceiling is asked again before the first call.
func TestCeilingBeforeOnlineInPlaceOfBatch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		ceiling float64
		ok      int
	}{{"too dear", 0.0045, 0}, {"not too dear", 0.02, 50}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(env *config.Batch) { env.CostCeiling = tt.ceiling })
			w.secret(`{"endpoint":"` + w.url + `","api_key":"local","prices":` + prices + `}`)
			w.fault(azureopenai.FaultRule{Fault: "fail;code=invalid_request", Method: "POST", Path: "/batches"})
			w.Put("inbox/n.jsonl", asking("gpt-4o-mini", 50, 10, `,"max_tokens":100`))
			var calls atomic.Int64
			w.asked = func(r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/chat/completions") {
					calls.Add(1)
				}
			}
			sum := w.run(w.event("inbox/n.jsonl"))
			codes := w.codes("results/n.jsonl")
			if codes["ok"] != tt.ok || codes["cost_ceiling_exceeded"] != 50-tt.ok || calls.Load() != int64(tt.ok) {
				t.Errorf("results are %v of %d calls and %+v", codes, calls.Load(), sum)
			}
			if *sum.Cost.EstimatedAtMost > tt.ceiling {
				t.Errorf("the batch was estimated at %g USD", *sum.Cost.EstimatedAtMost)
			}
		})
	}
}

// Parts that run at the same time share one account, whose object is changed by all of them, and what is repeated is
// counted once.
func TestAccountOfPartsAtOnce(t *testing.T) {
	const deployments = `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":1}`
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 1 })
	w.secret(`{"resources":[{"name":"one","endpoint":"` + w.url + `","api_key":"local","deployments":[` + deployments + `]}],"prices":` + prices + `}`)
	w.Put("inbox/n.jsonl", asking("gpt-4o-mini", 500, 20, ""))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	var parts sync.WaitGroup
	for part := 1; part <= a.Parts; part++ {
		parts.Go(func() { w.walk(a.Job, part) })
	}
	parts.Wait()
	spent, open := w.accountOf(a.Job)
	for part := 1; part <= a.Parts; part++ { // each last task again
		patiently[*job.Step](w, "collect", object{"task": "collect", "step": &job.Step{Job: a.Job, Part: part}})
	}
	if again, _ := w.accountOf(a.Job); math.Abs(again-spent) > 1e-12 {
		t.Errorf("repeated tasks have changed the account from %g to %g", spent, again)
	}
	sum := patiently[*job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}, "execution": "execution-1"})
	if a.Parts < 5 || open != 0 || sum.Cost.USD == nil || math.Abs(spent-*sum.Cost.USD) > 1e-5 || sum.Lines.Succeeded != 500 {
		t.Errorf("of %d parts, the account says %g and %g under way, and the summary %+v", a.Parts, spent, open, sum.Cost)
	}
}
