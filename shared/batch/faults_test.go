package batch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

// manyLines are n requests that ask for their own numbers.
func manyLines(n int, model string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(chat(fmt.Sprintf("id-%d", i+1), model, fmt.Sprintf("number%d", i+1)) + "\n")
	}
	return b.String()
}

// checkNumbers checks that each line has its own answer, in order.
func (w *world) checkNumbers(t *testing.T, key string, n int) {
	t.Helper()
	results := w.results(key)
	if len(results) != n {
		t.Fatalf("%d lines came back as %d", n, len(results))
	}
	for i := range results {
		r := &results[i]
		if want := fmt.Sprintf("number%d", i+1); r.says() != want || r.CustomID != fmt.Sprintf("id-%d", i+1) {
			t.Fatalf("line %d says %q and has custom_id %v", i+1, r.says(), r.CustomID)
		}
	}
	if again := w.azure.Executions().Again; again > 0 {
		t.Errorf("%d lines were executed again after they had succeeded", again)
	}
}

// azureList is what Azure has of files or batches.
func (w *world) azureList(of string) []struct{ Status string } {
	w.t.Helper()
	r, _ := http.NewRequest(http.MethodGet, w.url+"/openai/v1/"+of, nil)
	r.Header.Set("Api-Key", "local")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Data []struct{ Status string } }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		w.t.Fatal(err)
	}
	return list.Data
}

func TestMisbehaviour(t *testing.T) {
	const lines = 40
	tests := []struct {
		name  string
		rules []azureopenai.FaultRule
		again map[string]int // reasons in the summary; nil for any
		kept  int            // files in Azure at the end
	}{
		{"none", nil, nil, 0},
		{"lost answer to an upload", []azureopenai.FaultRule{{Fault: "lost", Method: "POST", Path: "/files"}}, nil, 0},
		{"lost answer to a create", []azureopenai.FaultRule{{Fault: "lost", Method: "POST", Path: "/batches"}}, nil, 0},
		{"cut upload", []azureopenai.FaultRule{{Fault: "cut-upload", Method: "POST", Path: "/files", Count: 2}}, nil, 0},
		{"cut download", []azureopenai.FaultRule{{Fault: "cut", Method: "GET", Path: "/content", Count: 2}}, nil, 0},
		{"errors of everything, lines too", []azureopenai.FaultRule{{Fault: "503", Percent: 20, Count: 60}}, nil, 0},
		{"throttling", []azureopenai.FaultRule{{Fault: "429", Percent: 20, Count: 60}}, nil, 0},
		{"garbage", []azureopenai.FaultRule{{Fault: "garbage", Path: "/batches", Count: 2}}, nil, 0},
		{"lines fail with 429", []azureopenai.FaultRule{{Fault: "fail-lines;percent=20", Method: "POST", Path: "/batches"}}, map[string]int{"http_429": 8}, 0},
		{"lines fail with 500", []azureopenai.FaultRule{{Fault: "fail-lines;percent=20;status=500", Method: "POST", Path: "/batches"}}, map[string]int{"http_500": 8}, 0},
		{"lines are missing", []azureopenai.FaultRule{{Fault: "drop-lines;percent=30", Method: "POST", Path: "/batches"}}, nil, 2},
		{"torn last line", []azureopenai.FaultRule{{Fault: "torn", Method: "POST", Path: "/batches"}}, map[string]int{"no_answer": 1}, 2},
		{"batch expires", []azureopenai.FaultRule{{Fault: "expire;after=16", Method: "POST", Path: "/batches"}}, map[string]int{"batch_expired": 24}, 0},
		{"batch expires, no rows", []azureopenai.FaultRule{{Fault: "expire;after=16", Method: "POST", Path: "/batches"}, {Fault: "no-rows", Method: "POST", Path: "/batches"}}, nil, 0},
		{"late output", []azureopenai.FaultRule{{Fault: "late-output;times=3", Method: "POST", Path: "/batches"}}, nil, 0},
		{"no error file", []azureopenai.FaultRule{{Fault: "no-error-file", Method: "POST", Path: "/batches"}}, nil, 0},
		{"empty error file", []azureopenai.FaultRule{{Fault: "empty-error-file", Method: "POST", Path: "/batches"}}, nil, 0},
		{"batch fails", []azureopenai.FaultRule{{Fault: "fail;code=too_many_tasks", Method: "POST", Path: "/batches"}}, map[string]int{"too_many_tasks": lines}, 0},
		{"no room at creation", []azureopenai.FaultRule{{Fault: "token-limit", Method: "POST", Path: "/batches", Count: 4}}, nil, 0},
	}
	for _, tt := range tests {
		for _, version := range []string{"", "2025-04-01-preview"} {
			t.Run(tt.name+" "+version, func(t *testing.T) {
				w := newWorld(t, func(env *config.Batch) { env.APIVersion, env.Tries = version, 10 })
				for _, rule := range tt.rules {
					w.fault(rule)
				}
				w.Put("inbox/n.jsonl", manyLines(lines, "gpt-4o-mini"))
				sum := w.run(w.event("inbox/n.jsonl"))
				w.checkNumbers(t, "results/n.jsonl", lines)
				if sum.Status != "completed" || sum.Lines.Succeeded != lines {
					t.Errorf("the summary is %+v", sum)
				}
				for reason, n := range tt.again {
					if sum.TriedAgain.Reasons[reason] == 0 {
						t.Errorf("tried again: %v, want about %d of %s", sum.TriedAgain, n, reason)
					}
				}
				if files := w.azureList("files"); len(files) != tt.kept {
					t.Errorf("%d files are left in Azure, want %d", len(files), tt.kept)
				}
				if paid := w.azure.Executions(); paid.PaidAgain > 0 && (sum.Twice == nil || sum.Twice.AtMost < paid.PaidAgain) {
					t.Errorf("%d lines were paid for twice, and the summary says %+v", paid.PaidAgain, sum.Twice)
				}
			})
		}
	}
}

// In a region that looks at the quota later, the batch itself says that there is no room.
func TestNoRoomLater(t *testing.T) {
	w := newWorldIn(t, "West Europe")
	w.fault(azureopenai.FaultRule{Fault: "token-limit", Method: "POST", Path: "/batches", Count: 2})
	w.Put("inbox/n.jsonl", manyLines(10, "gpt-4o-mini"))
	w.run(w.event("inbox/n.jsonl"))
	w.checkNumbers(t, "results/n.jsonl", 10)
}

// Lines that fail for ever end with what Azure said last.
func TestTriesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.fault(azureopenai.FaultRule{Fault: "fail-lines;percent=100", Method: "POST", Path: "/batches", Count: -1})
	w.Put("inbox/n.jsonl", manyLines(5, "gpt-4o-mini"))
	sum := w.run(w.event("inbox/n.jsonl"))
	for _, r := range w.results("results/n.jsonl") {
		if r.says() != "status 429" {
			t.Errorf("got %s", r.says())
		}
	}
	if sum.Lines.Failed != 5 || sum.TriedAgain.Lines != 5 || sum.TriedAgain.Reasons["http_429"] != 10 {
		t.Errorf("the summary is %+v", sum)
	}
}

// A part that cannot go on keeps what it has and tells the rest why.
func TestGiveUp(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.azure.SetAPIKeys("another")
	step := object{"job": a.Job, "part": 1}
	_, err := task[job.Step](w, "submit", object{"task": "submit", "step": step})
	f, ok := err.(*failure)
	if !ok || f.status != http.StatusBadGateway {
		t.Fatalf("got %v", err)
	}
	cause, _ := json.Marshal(object{"errorType": "Unauthorized", "errorMessage": f.body})
	step["failure"] = object{"Error": "Unauthorized", "Cause": string(cause)}
	if got := patiently[job.Step](w, "give-up", object{"task": "give-up", "step": step}); got.Status != "done" {
		t.Errorf("got %+v", got)
	}
	sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	for _, r := range w.results("results/n.jsonl") {
		if r.Error == nil || r.Error.Code != "401" || !strings.Contains(r.Error.Message, "refused the bridge's own credential") {
			t.Errorf("got %+v", r.Error)
		}
	}
	if sum.Lines.Failed != 3 {
		t.Errorf("the summary is %+v", sum)
	}
}

// A part is given up with the batch whose creation nobody heard of: what it has answered stays, and it is
// cancelled where it is under way.
func TestGiveUpLostBatch(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		ended      bool
	}{{"under way", "error task_failed", false}, {"ended", "number1", true}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			if !tt.ended {
				w.fault(azureopenai.FaultRule{Fault: "stall;state=validating", Method: "POST", Path: "/batches"})
			}
			w.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/batches"})
			step := object{"job": a.Job, "part": 1}
			if _, err := task[job.Step](w, "submit", object{"task": "submit", "step": step}); err == nil {
				t.Fatal("the answer was not lost")
			}
			if tt.ended {
				w.release()
			}
			step["failure"] = object{"Error": "Lambda.Unknown", "Cause": "killed"}
			patiently[job.Step](w, "give-up", object{"task": "give-up", "step": step})
			w.release()
			patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
			if got := w.results("results/n.jsonl"); got[0].says() != tt.says {
				t.Errorf("the first line says %q", got[0].says())
			}
			if b := w.azureList("batches"); len(b) != 1 || (b[0].Status == "completed") != tt.ended {
				t.Errorf("Azure has %+v", b)
			}
		})
	}
}

// A part that nobody could even give up is told of in the report.
func TestReportWithoutParts(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini")+chat("o", "gpt-4o", "other"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.walk(a.Job, 2)
	failure := object{"Error": "States.DataLimitExceeded", "Cause": "the state is too large"}
	patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a, "failure": failure}})
	var says []string
	for _, r := range w.results("results/n.jsonl") {
		says = append(says, r.says())
	}
	if got := strings.Join(says, ","); got != "error task_failed,error task_failed,error task_failed,other" && got != "number1,number2,number3,error task_failed" {
		t.Errorf("got %s", got)
	}
}
