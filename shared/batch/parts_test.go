package batch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

// parts reads a job's plan.
func (w *world) parts(id string) []job.Part {
	w.t.Helper()
	raw, _ := w.Get(job.PlanKey(id))
	var plan job.Plan
	if err := json.Unmarshal([]byte(raw), &plan); err != nil {
		w.t.Fatal(err)
	}
	return plan.Parts
}

// A plan that has no time left goes on where it stood.
func TestPlanGoesOn(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", "\ufeff"+strings.ReplaceAll(manyLines(300, "gpt-4o-mini"), `"number7"`, "\xff"))
	w.tick, w.limit = time.Second, 100*time.Second
	sum := w.run(w.event("inbox/n.jsonl"))
	if w.counts["plan"] < 3 {
		t.Errorf("the plan was made in %d passes", w.counts["plan"])
	}
	w.checkNumbers(t, "results/n.jsonl", 300)
	if sum.Parts != w.counts["plan"] {
		t.Errorf("%d passes made %d parts", w.counts["plan"], sum.Parts)
	}
}

// Where the secret lists no deployments, Azure says what a name stands for: lines whose deployment takes
// no batch are answered online.
func TestSecretWithoutDeployments(t *testing.T) {
	w := newWorld(t)
	w.secret(`{"endpoint":"` + w.url + `","api_key":"local"}`)
	w.Put("inbox/n.jsonl", chat("a", "gpt-4o-mini-batch", "batched")+"\n"+chat("b", "gpt-4o-mini", "online")+"\n"+chat("c", "gpt-9", "nothing"))
	sum := w.run(w.event("inbox/n.jsonl"))
	var says []string
	for _, r := range w.results("results/n.jsonl") {
		says = append(says, r.says())
	}
	if got := strings.Join(says, ","); got != "batched,online,error model_not_found" || sum.Lines.Online != 1 {
		t.Errorf("got %s, %+v", got, sum.Lines)
	}
}

// Batches go to all deployments of a model, each its share.
func TestSeveralDeployments(t *testing.T) {
	w := newWorld(t)
	second := azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, DisableRecording: true})
	t.Cleanup(func() { _ = second.Close() })
	server := newServer(t, second)
	of := func(name, url string) string {
		return `{"name":"` + name + `","endpoint":"` + url + `","api_key":"local","deployments":[{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":1}]}`
	}
	w.secret(`{"resources":[` + of("one", w.url) + `,` + of("two", server) + `]}`)
	w.Put("inbox/n.jsonl", manyLines(500, "gpt-4o-mini"))
	w.run(w.event("inbox/n.jsonl"))
	w.checkNumbers(t, "results/n.jsonl", 500)
	one, two := w.azure.Executions().Succeeded, second.Executions().Succeeded
	if one+two != 500 || one < 150 || two < 150 {
		t.Errorf("one executed %d lines, two %d", one, two)
	}
}

func TestOnline(t *testing.T) {
	const lines = 20
	embed := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"custom_id":"id-%d","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":["a","%d"]}}`+"\n", i+1, i)
		}
		return b.String()
	}
	tests := []struct {
		name  string
		rules []azureopenai.FaultRule
		again bool
	}{
		{"none", nil, false},
		{"throttled", []azureopenai.FaultRule{{Fault: "429;retry-after=30", Path: "embeddings", Count: 10}}, false},
		{"for long", []azureopenai.FaultRule{{Fault: "429;retry-after=4000", Path: "embeddings", Count: 3}}, false},
		{"failing", []azureopenai.FaultRule{{Fault: "500", Path: "embeddings", Count: 60}}, true},
		{"losing connections", []azureopenai.FaultRule{{Fault: "close", Path: "embeddings", Count: 5}}, true},
		{"garbage", []azureopenai.FaultRule{{Fault: "garbage", Path: "embeddings", Count: 5}}, true},
	}
	for _, tt := range tests {
		for _, version := range []string{"", "2025-04-01-preview"} {
			t.Run(tt.name+" "+version, func(t *testing.T) {
				w := newWorld(t, func(env *config.Batch) { env.APIVersion, env.Tries = version, 10 })
				for _, rule := range tt.rules {
					w.fault(rule)
				}
				w.limit = 15 * time.Minute
				w.Put("inbox/e.jsonl", embed(lines))
				sum := w.run(w.event("inbox/e.jsonl"))
				results := w.results("results/e.jsonl")
				for i := range results {
					if r := &results[i]; r.says() != "2 vectors" || r.CustomID != fmt.Sprintf("id-%d", i+1) {
						t.Errorf("line %d says %q and has custom_id %v", i+1, r.says(), r.CustomID)
					}
				}
				if len(results) != lines || sum.Lines.Online != lines || (sum.TriedAgain.Lines > 0) != tt.again {
					t.Errorf("%d lines came back: %+v, %+v", len(results), sum.Lines, sum.TriedAgain)
				}
			})
		}
	}
}

// A run that is out of time, or killed, is gone on with and not begun again.
func TestOnlineGoesOn(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.OnlineConcurrency = 1 })
	w.tick, w.limit = time.Second, 3*time.Minute
	w.Put("inbox/n.jsonl", manyLines(100, "gpt-4o-mini"), "mode", "online")
	w.run(w.event("inbox/n.jsonl"))
	w.checkNumbers(t, "results/n.jsonl", 100)
	if w.counts["submit"] < 3 {
		t.Errorf("it took %d runs", w.counts["submit"])
	}
	if calls := w.azure.Counts().Total; calls != 100 {
		t.Errorf("%d calls for 100 lines", calls)
	}
}

// What Azure asks for is kept from run to run, too.
func TestRetryAfterOfARun(t *testing.T) {
	w := newWorld(t)
	w.limit = 15 * time.Minute
	w.fault(azureopenai.FaultRule{Fault: "429;retry-after=4000", Path: "/chat/completions", Count: -1})
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"), "mode", "online")
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	step := patiently[job.Step](w, "submit", object{"task": "submit", "step": object{"job": a.Job, "part": 1}})
	if step.Status != "working" || step.Wait < 3900 || step.Wait > 4001 {
		t.Errorf("got %+v", step)
	}
}
