package workflows_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

// summary is what a job reports, as far as tests look.
type summary struct {
	Job, Status, Source, Results string
	Lines                        struct{ Total, Succeeded, Failed, Invalid, Online int }
	Parts                        int
	Error                        *struct{ Code, Message string }
	TriedAgain                   struct {
		Lines   int
		Reasons map[string]int
	} `json:"tried_again"`
}

// result is a line of a results file.
type result struct {
	CustomID *string `json:"custom_id"`
	Response *struct {
		Status int `json:"status_code"`
		Body   struct {
			Choices []struct{ Message struct{ Content string } }
			Data    []any
		}
	}
	Error *struct {
		Code string
		Line int
	}
}

func chat(id, model, says string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"Say %s"}]}}`, id, model, says)
}

func (w *world) run(input string) summary {
	w.t.Helper()
	end := w.execute("aoai-bridge-batch", input)
	if end.Status != "SUCCEEDED" {
		w.t.Fatalf("the execution %s: %s %s\n%s", end.Status, end.Error, end.Cause, w.logs.String())
	}
	return w.summary(end.Output)
}

func (w *world) summary(output string) (s summary) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(output), &s); err != nil {
		w.t.Fatalf("%v in %s", err, output)
	}
	return s
}

func (w *world) results(s summary) []result {
	w.t.Helper()
	var all []result
	for line := range strings.Lines(w.get(strings.TrimPrefix(s.Results, "s3://"+bucket+"/"))) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("%v in %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

func TestBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.put("a.jsonl", chat("a", "gpt-4o-mini", "one")+"\n"+chat("b", "gpt-4o", "two")+"\nnonsense\n"+
		`{"custom_id":"d","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"four"}}`)
	s := w.run(input("a.jsonl"))
	if s.Status != "completed" || s.Lines.Succeeded != 3 || s.Lines.Failed != 1 || s.Lines.Online != 1 || s.Parts != 3 {
		t.Errorf("the summary is %+v", s)
	}
	r := w.results(s)
	if len(r) != 4 || r[0].Response.Body.Choices[0].Message.Content != "one" || r[1].Response.Body.Choices[0].Message.Content != "two" ||
		r[2].Error.Code != "invalid_json_line" || len(r[3].Response.Body.Data) != 1 {
		t.Errorf("the results are %+v", r)
	}
	var announced []string
	for _, e := range w.stack.Bus.Events() {
		if e.DetailType == "Batch Job Ended" {
			announced = append(announced, string(e.Detail))
		}
	}
	if len(announced) != 1 || !strings.Contains(announced[0], s.Job) {
		t.Errorf("announced: %v", announced)
	}
}

// Every kind of bad line, everything that Azure and the network may do, and a bootstrap killed at each
// step, for an event that comes twice: every line has exactly one answer, its own, in order, and none is
// executed after it succeeded.
func TestBatchInBadWeather(t *testing.T) {
	t.Parallel()
	const lines = 10_000
	w := newWorld(t, map[string]string{"BatchTries": "6", "MaxRetries": "3"})
	w.stack.Secrets.Put(w.stack.Template.Parameters["AzureSecretId"], `{"resources":[{"name":"one","endpoint":"`+w.stack.AzureURL+`","api_key":"local","deployments":[
		{"model":"gpt-4o-mini","type":"GlobalStandard"},{"model":"text-embedding-3-small","type":"GlobalStandard"},
		{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch","capacity":6},
		{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":12}]}]}`)
	bad := []string{"nonsense", "{", `{"custom_id":"x"}`, chat("x", "gpt-9", "x"), strings.Replace(chat("x", "gpt-4o", "x"), "POST", "GET", 1), "\xff\xfe"}
	var file strings.Builder
	want := make([]string, 0, lines)
	for n := range lines {
		says := fmt.Sprintf("word%d", n)
		switch {
		case n%50 == 49:
			file.WriteString(bad[n/50%len(bad)])
			says = "error"
		case n%50 == 48: // a duplicate custom_id, and a carriage return
			file.WriteString(chat("same", "gpt-4o", says) + "\r")
		case n%10 == 7:
			file.WriteString(strings.Replace(chat(fmt.Sprint(n), "gpt-4o-mini", says), `"method"`, `"mode":"online","method"`, 1))
		case n%3 == 0:
			file.WriteString(chat(fmt.Sprint(n), "gpt-4o", says))
		default:
			file.WriteString(chat(fmt.Sprint(n), "gpt-4o-mini", says))
		}
		want = append(want, says)
		file.WriteByte('\n')
	}
	for _, rule := range []azureopenai.FaultRule{
		{Fault: "500", Percent: 5, Count: 200},
		{Fault: "429", Path: "/batches", Percent: 20, Count: 20},
		{Fault: "429;retry-after-ms=5", Path: "/chat/completions", Percent: 10, Count: 50},
		{Fault: "cut-upload", Method: "POST", Path: "/files", Percent: 20, Count: 3},
		{Fault: "cut", Method: "GET", Path: "/content", Percent: 30, Count: 5},
		{Fault: "lost", Method: "POST", Path: "/files", Percent: 20, Count: 3},
		{Fault: "lost", Method: "POST", Path: "/batches", Percent: 20, Count: 3},
		{Fault: "expire;after=50", Method: "POST", Path: "/batches"},
		{Fault: "torn", Method: "POST", Path: "/batches"},
		{Fault: "drop-lines;percent=5", Method: "POST", Path: "/batches", Count: 2},
		{Fault: "fail-lines;percent=20", Method: "POST", Path: "/batches", Count: 3},
		{Fault: "late-output;times=2", Method: "POST", Path: "/batches"},
	} {
		if err := w.stack.Emulator.AddFault(rule); err != nil {
			t.Fatal(err)
		}
	}
	// Each is the first object of its kind: its writer is killed before it learns that it wrote it.
	var once sync.Map
	killed := map[string]bool{}
	w.created(func(key string) {
		for _, kind := range []string{"/job.json", "/requests.jsonl", "/plan.json", "/items.json", "/state.json", "/batch-00.json", "/run/000003-", "/results.jsonl",
			"/tried.json", "/done.json", "results/b.jsonl", "summary.json"} {
			if _, did := once.LoadOrStore(kind, true); strings.Contains(key, kind) && !did {
				w.mu.Lock()
				killed[kind] = true
				w.mu.Unlock()
				w.kill()
				return
			} else if !did {
				once.Delete(kind)
			}
		}
	})
	w.put("b.jsonl", file.String())
	first, second := w.start("aoai-bridge-batch", input("b.jsonl")), w.start("aoai-bridge-batch", input("b.jsonl"))
	ends := []string{w.end(first).Output, w.end(second).Output}
	if strings.Contains(ends[0], `"status":"duplicate"`) {
		slices.Reverse(ends)
	}
	if !strings.Contains(ends[1], `"status":"duplicate"`) {
		t.Errorf("both executions have the job: %s", ends)
	}
	s := w.summary(ends[0])
	if s.Status != "completed" {
		t.Errorf("the summary is %+v", s)
	}
	results := w.results(s)
	if len(results) != lines {
		t.Fatalf("%d lines came back as %d", lines, len(results))
	}
	for n, r := range results {
		switch {
		case want[n] == "error":
			if r.Error == nil || r.Error.Line != n+1 {
				t.Fatalf("line %d should be an error: %+v", n+1, r)
			}
		case r.Response == nil || len(r.Response.Body.Choices) == 0 || r.Response.Body.Choices[0].Message.Content != want[n]:
			t.Fatalf("line %d should say %s: %+v %+v", n+1, want[n], r.Response, r.Error)
		}
	}
	if e := w.stack.Emulator.Executions(); e.Again > 0 {
		t.Errorf("%d lines were executed again after they had succeeded: %v", e.Again, e.Repeated)
	}
	w.mu.Lock()
	t.Logf("killed at %v; tried again: %+v", slices.Sorted(maps.Keys(killed)), s.TriedAgain)
	if len(killed) != 12 {
		t.Errorf("bootstraps were killed at %v only", killed)
	}
	w.mu.Unlock()
	if largest := w.largestState(); largest > 32<<10 {
		t.Errorf("a state has %d bytes", largest)
	}
}
