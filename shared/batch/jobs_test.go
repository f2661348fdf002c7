package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/config"
)

func TestSameEventTwice(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(2, "gpt-4o-mini"))
	event := w.event("inbox/n.jsonl")
	first := w.plan(event, "execution-1")
	if again := w.plan(event, "execution-1"); again != first {
		t.Errorf("the same execution got %+v, then %+v", first, again)
	}
	summary := "s3://" + bucket + "/results/n.summary.json"
	if other := w.plan(event, "execution-2"); other.Status != "duplicate" || other.Job != first.Job || other.Summary != summary {
		t.Errorf("another execution got %+v", other)
	}
	byHand := `{"bucket":"` + bucket + `","key":"inbox/n.jsonl"}`
	if other := w.plan(byHand, "execution-3"); other.Status != "duplicate" || other.Job != first.Job {
		t.Errorf("an execution without a version got %+v", other)
	}
	takeOver := `{"bucket":"` + bucket + `","key":"inbox/n.jsonl","take_over":true}`
	if other := w.plan(takeOver, "execution-4"); other != first {
		t.Errorf("an execution that takes over got %+v", other)
	}
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	if later := w.plan(w.event("inbox/n.jsonl"), "execution-5"); later.Status != "planned" || later.Job == first.Job {
		t.Errorf("another file under the key got %+v", later)
	}
}

func TestResultsAreNeverOverwritten(t *testing.T) {
	w := newWorld(t)
	var summaries []*job.Summary
	for i := range 3 {
		w.Put("inbox/n.jsonl", chat("x", "gpt-4o-mini", fmt.Sprintf("drop%d", i)))
		summaries = append(summaries, w.run(w.event("inbox/n.jsonl")))
	}
	for i, sum := range summaries {
		want := "results/n.jsonl"
		if i > 0 {
			want = "results/n." + sum.Job + ".jsonl"
		}
		if sum.Results != "s3://"+bucket+"/"+want {
			t.Errorf("the results of drop %d are %s, want %s", i, sum.Results, want)
			continue
		}
		if r := w.results(want); r[0].says() != fmt.Sprintf("drop%d", i) {
			t.Errorf("%s says %s", want, r[0].says())
		}
		summary := strings.TrimSuffix(want, ".jsonl") + ".summary.json"
		if raw, found := w.Get(summary); !found || !strings.Contains(raw, sum.Job) {
			t.Errorf("%s is %q", summary, raw)
		}
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{
		"inbox/with space.jsonl", "inbox/ünïcödé-日本.jsonl", "inbox/a+b.jsonl", "inbox/50%.jsonl", "inbox/a=b&c.jsonl", "inbox/deep/er/x.jsonl",
		"inbox/no-extension", "elsewhere/x.jsonl", `inbox/q"uote'.jsonl`,
	} {
		t.Run(key, func(t *testing.T) {
			w.Put(key, chat("x", "gpt-4o-mini", "yes"))
			w.run(w.event(key))
			name := strings.TrimSuffix(strings.TrimPrefix(key, "inbox/"), ".jsonl")
			if r := w.results("results/" + name + ".jsonl"); len(r) != 1 || r[0].says() != "yes" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestOddFiles(t *testing.T) {
	tests := []struct {
		name, content string
		code, says    string
		lines         int
	}{
		{"empty", "", "empty_file", "has no line that is not blank", 0},
		{"blank lines only", "\n\n  \r\n", "empty_file", "has no line that is not blank", 0},
		{"no valid line", "a\nb\n", "no_valid_line", "The first error: Line 1: The line is not a JSON object", 2},
		{"no line for a model", "\n" + chat("x", "gpt-9", "hi"), "no_valid_line", `The first error: Line 2: The Azure secret has no deployment of the model "gpt-9"`, 1},
		{"pretty JSON", "{\n  \"custom_id\": 1\n}", "no_valid_line", "Write each request on one line of its own", 3},
		{"broken gzip", "\x1f\x8b\x08\x00\x00\xff\xfe", "invalid_gzip", "Nothing was sent. The gzip file is damaged or incomplete", 0},
		{"CSV", "a,b\nc,d\n", "invalid_file_format", "Nothing was sent. The file is CSV by its first line", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/odd.jsonl", tt.content)
			sum := w.run(w.event("inbox/odd.jsonl"))
			if sum.Status != "failed" || sum.Failure == nil || sum.Failure.Code != tt.code || !strings.Contains(sum.Failure.Message, tt.says) {
				t.Errorf("the summary is %+v, %+v", sum, sum.Failure)
			}
			if sum.Lines.Total != tt.lines || sum.Lines.Failed != tt.lines {
				t.Errorf("the lines are %+v", sum.Lines)
			}
			if tt.lines == 0 {
				if _, found := w.Get("results/odd.jsonl"); found || sum.Results != "" {
					t.Error("there are results")
				}
				return
			}
			if got := len(w.results("results/odd.jsonl")); got != tt.lines {
				t.Errorf("%d results, want %d", got, tt.lines)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name     string
		metadata []string
		ceiling  float64
		model    string
		status   string
		code     string
	}{
		{"below the ceiling", nil, 1, "gpt-4o-mini", "completed", ""},
		{"above the ceiling", nil, 0.000001, "gpt-4o-mini", "refused", "cost_ceiling_exceeded"},
		{"let through", []string{"cost-ceiling", "none"}, 0.000001, "gpt-4o-mini", "completed", ""},
		{"a ceiling of its own", []string{"cost-ceiling", "0.000001"}, 100, "gpt-4o-mini", "refused", "cost_ceiling_exceeded"},
		{"no known price, by the dearest below the ceiling", nil, 100, "gpt-4.1", "completed", ""},
		{"no known price, by the dearest above the ceiling", nil, 0.1, "gpt-4.1", "refused", "cost_unknown"},
		{"no known price, no ceiling", nil, 0, "gpt-4.1", "completed", ""},
		{"metadata that is no amount", []string{"cost-ceiling", "much"}, 0, "gpt-4o-mini", "failed", "invalid_value"},
		{"metadata that is no mode", []string{"mode", "fast"}, 0, "gpt-4o-mini", "failed", "invalid_mode"},
		{"too many tries", []string{"tries", "11"}, 0, "gpt-4o-mini", "failed", "invalid_value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(env *config.Batch) { env.CostCeiling = tt.ceiling })
			w.secret(strings.Replace(w.azureSecret(), `{"model":"gpt-4.1"`, `{"name":"gpt-4.1","model":"house-model"`, 1))
			w.Put("inbox/n.jsonl", manyLines(10, tt.model), tt.metadata...)
			sum := w.run(w.event("inbox/n.jsonl"))
			code := ""
			if sum.Failure != nil {
				code = sum.Failure.Code
			}
			if sum.Status != tt.status || code != tt.code {
				t.Errorf("got %s %+v, want %s %s", sum.Status, sum.Failure, tt.status, tt.code)
			}
			if _, found := w.Get("results/n.jsonl"); found != (tt.status == "completed") {
				t.Errorf("there are results: %v", found)
			}
			if tt.status == "refused" && (w.counts["submit"] > 0 || !strings.Contains(sum.Failure.Message, "cost-ceiling=")) {
				t.Errorf("%d parts were sent, and the message is %s", w.counts["submit"], sum.Failure.Message)
			}
		})
	}
}

// A refused job goes on if it is taken over with another ceiling, or once there is a price.
func TestRefusedAndTakenOver(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 0.000001 })
	unpriced := strings.Replace(w.azureSecret(), `{"model":"gpt-4.1"`, `{"name":"gpt-4.1","model":"house-model"`, 1)
	w.secret(unpriced)
	w.Put("inbox/n.jsonl", manyLines(10, "gpt-4.1"))
	event := w.event("inbox/n.jsonl")
	if sum := w.run(event); sum.Status != "refused" || sum.Failure.Code != "cost_unknown" {
		t.Fatalf("the summary is %+v", sum)
	}
	takeOver := func(more string) plan.Answer {
		return w.plan(strings.TrimSuffix(event, "}")+`,"take_over":true`+more+"}", "execution-2")
	}
	if a := takeOver(`,"options":{"cost_ceiling":0.1}`); a.Status != "report" {
		t.Errorf("without a price: %+v", a)
	}
	w.secret(strings.Replace(unpriced, `"prices":`, `"models":{"house-model":{"like":"gpt-4o"}},"prices":`, 1))
	w.mu.Lock()
	w.now = w.now.Add(time.Hour) // by which the secret is read again
	w.mu.Unlock()
	if a := takeOver(`,"options":{"cost_ceiling":0.000001}`); a.Status != "report" {
		t.Errorf("above the ceiling: %+v", a)
	}
	a := takeOver(`,"options":{"cost_ceiling":0.1}`)
	if a.Status != "planned" || a.Parts != 1 {
		t.Fatalf("below the ceiling: %+v", a)
	}
	w.walk(a.Job, 1)
	sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	if sum.Status != "completed" || sum.Failure != nil || sum.Cost.Estimated == nil {
		t.Errorf("the summary is %+v", sum)
	}
	w.checkNumbers(t, "results/n.jsonl", 10)
}

// A job keeps its ceiling where the stack's is raised, and the refusal promises nothing else.
func TestRefusedBeforeTheCeilingWasRaised(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 0.000001 })
	w.Put("inbox/n.jsonl", manyLines(10, "gpt-4o-mini"))
	event := w.event("inbox/n.jsonl")
	sum := w.run(event)
	if sum.Status != "refused" || !strings.Contains(sum.Failure.Message, "BatchCostCeiling is the ceiling of new jobs") {
		t.Fatalf("the summary is %+v", sum)
	}
	w.env.CostCeiling = 100
	w.restart()
	if a := w.plan(strings.TrimSuffix(event, "}")+`,"take_over":true}`, "execution-2"); a.Status != "report" {
		t.Errorf("the same job: %+v", a)
	}
	w.Put("inbox/n.jsonl", manyLines(10, "gpt-4o-mini"))
	if a := w.plan(w.event("inbox/n.jsonl"), "execution-3"); a.Status != "planned" {
		t.Errorf("a new job: %+v", a)
	}
}

func TestCost(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(10, "gpt-4o-mini"))
	sum := w.run(w.event("inbox/n.jsonl"))
	tokens := float64(sum.Usage.Input + sum.Usage.Output)
	if tokens == 0 || sum.Cost.USD == nil || sum.Cost.Saving == nil {
		t.Fatalf("the summary is %+v", sum)
	}
	near := func(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }
	if !near(*sum.Cost.USD, tokens/2e6) || !near(*sum.Cost.Standard, tokens/1e6) || !near(*sum.Cost.Saving, tokens/2e6) {
		t.Errorf("%v tokens cost %v, %v by Global Standard, and %v are saved", tokens, *sum.Cost.USD, *sum.Cost.Standard, *sum.Cost.Saving)
	}
}

func TestSourceDeleted(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	event := w.event("inbox/n.jsonl")
	remove := func(version string) {
		in := &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("inbox/n.jsonl")}
		if version != "" {
			in.VersionId = &version
		}
		if _, err := w.S3.DeleteObject(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	}
	remove("")
	sum := w.run(event) // the version that the event names is still there
	if sum.Lines.Succeeded != 3 {
		t.Errorf("the summary is %+v", sum)
	}

	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	event = w.event("inbox/n.jsonl")
	var detail struct {
		Object struct {
			Version string `json:"version-id"`
		}
	}
	if err := json.Unmarshal([]byte(event), &detail); err != nil {
		t.Fatal(err)
	}
	remove(detail.Object.Version)
	sum = w.run(event)
	if sum.Status != "failed" || sum.Failure == nil || sum.Failure.Code != "source_gone" {
		t.Errorf("the summary is %+v", sum)
	}
}

func TestInputsThatAreNoJob(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ name, input, code string }{
		{"another bucket", `{"bucket":"other","key":"x.jsonl"}`, "invalid_bucket"},
		{"no key", `{"bucket":"` + bucket + `"}`, "missing_required_parameter"},
		{"our own results", `{"bucket":"` + bucket + `","key":"results/x.jsonl"}`, "invalid_key"},
		{"our own records by a path", `{"bucket":"` + bucket + `","key":"./jobs/x.jsonl"}`, "invalid_key"},
		{"a folder in the bucket's name", `{"bucket":"` + bucket + `/api","key":"files/x.jsonl"}`, "invalid_bucket"},
		{"a key without room", `{"bucket":"` + bucket + `","key":"` + strings.Repeat("x", 1025) + `"}`, "invalid_key"},
		{"a wrong option", `{"bucket":"` + bucket + `","key":"x.jsonl","options":{"tries":0}}`, "invalid_value"},
		{"a ceiling without end", `{"bucket":"` + bucket + `","key":"x.jsonl","options":{"cost_ceiling":1e308}}`, "invalid_value"},
		{"a ceiling that no number is", `{"bucket":"` + bucket + `","key":"x.jsonl","options":{"cost_ceiling":1e400}}`, "invalid_payload"},
		{"an option of another type", `{"bucket":"` + bucket + `","key":"x.jsonl","options":{"cost_ceiling":"x"}}`, "'options.cost_ceiling' cannot be a string"},
		{"an unknown option", `{"bucket":"` + bucket + `","key":"x.jsonl","options":{"cost-cieling":1}}`, "write it as 'cost_ceiling'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, payload := range map[string]object{
				"plan":   {"task": "plan", "input": json.RawMessage(tt.input), "execution": "execution-1"},
				"report": {"task": "report", "state": json.RawMessage(tt.input), "execution": "execution-1"},
			} {
				_, err := task[object](w, name, payload)
				if f, ok := err.(*failure); !ok || f.status != 400 || !strings.Contains(f.body, tt.code) {
					t.Errorf("%s: got %v, want %s", name, err, tt.code)
				}
			}
		})
	}
	if a := w.plan(`{"bucket":"`+bucket+`","key":"inbox/folder/"}`, "execution-1"); a.Status != "ignored" {
		t.Errorf("a folder's marker is %+v", a)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	service := w.service()
	w.Put("inbox/n.jsonl", manyLines(4, "gpt-4o-mini")+manyLines(2, "gpt-4o"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.walk(a.Job, 1)
	follow := func() *progress.Progress {
		t.Helper()
		p, found, err := service.Progress(context.Background(), a.Job)
		if err != nil || !found {
			t.Fatalf("found %v, %v", found, err)
		}
		return p
	}
	if p := follow(); p.Status != "in_progress" || p.Counts.Total != 6 || p.Counts.Completed == 0 || p.Counts.Completed == 6 {
		t.Errorf("got %+v", p)
	}
	if err := service.Cancel(context.Background(), a.Job); err != nil {
		t.Fatal(err)
	}
	if p := follow(); p.Status != "cancelling" {
		t.Errorf("got %+v", p)
	}
	w.walk(a.Job, 2)
	sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	if p := follow(); p.Status != "cancelled" || p.Counts.Completed != sum.Lines.Succeeded || p.Summary == nil {
		t.Errorf("got %+v", p)
	}
	says := map[string]int{}
	for _, r := range w.results("results/n.jsonl") {
		says[strings.TrimRight(r.says(), "0123456789")]++
	}
	if says["number"]+says["error batch_cancelled"] != 6 || says["number"] == 0 || says["error batch_cancelled"] == 0 {
		t.Errorf("the results say %v", says)
	}
}

// A job of the files API has what succeeded in one file and everything else in another.
func TestOriginAPI(t *testing.T) {
	w := newWorld(t)
	w.Put("files/file-1", chat("a", "gpt-4o-mini", "yes")+"\nnonsense\n"+chat("b", "gpt-4o-mini", "no"))
	sum := w.run(`{"bucket":"` + bucket + `","key":"files/file-1","job":"batch_1","origin":"api"}`)
	if sum.Job != "batch_1" || sum.Errors == "" {
		t.Fatalf("the summary is %+v", sum)
	}
	output := w.results(strings.TrimPrefix(sum.Results, "s3://"+bucket+"/"))
	errors := w.results(strings.TrimPrefix(sum.Errors, "s3://"+bucket+"/"))
	if len(output) != 2 || output[1].says() != "no" || len(errors) != 1 || errors[0].says() != "error invalid_json_line" {
		t.Errorf("got %+v and %+v", output, errors)
	}
}

// A batch whose making was not heard of is cancelled all the same, and what it answered is kept.
func TestCancelWhileCreating(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(4, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	w.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/batches"})
	step := object{"task": "submit", "step": object{"job": a.Job, "part": 1}}
	if _, err := task[job.Step](w, "submit", step); err == nil {
		t.Fatal("the answer was not lost")
	}
	if err := w.service().Cancel(context.Background(), a.Job); err != nil {
		t.Fatal(err)
	}
	if got := patiently[job.Step](w, "submit", step); got.Status != "submitted" {
		t.Errorf("got %+v", got)
	}
	w.walk(a.Job, 1)
	sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	if sum.Status != "cancelled" || sum.Lines.Failed != 4 || w.azure.Executions().Executed > 0 {
		t.Errorf("the summary is %+v", sum)
	}
}

// What Azure says at length does not swell the workflow's state.
func TestErrorsAreShort(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(1, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.azure.QueueAnswer(azureopenai.Answer{
		Path: "/files", Status: 400, Body: `{"error":{"code":"long","message":"` + strings.Repeat("ü", 100_000) + `"}}`,
	})
	_, err := task[job.Step](w, "submit", object{"task": "submit", "step": object{"job": a.Job, "part": 1}})
	f, ok := err.(*failure)
	if !ok || f.status != 400 || len(f.body) > 5000 || !strings.Contains(f.body, `"code":"long"`) || !json.Valid([]byte(f.body)) {
		t.Errorf("got %.300v", err)
	}
}

// A number in metadata that is none, or without end, fails the job with a summary that says which.
func TestNumbersInMetadata(t *testing.T) {
	for _, name := range []string{"cost-ceiling", "tries"} {
		for _, value := range []string{"Inf", "+inf", "infinity", "NaN", "1e400", "0x1p4", "1_000", "1e308", "-1", ""} {
			t.Run(name+" "+value, func(t *testing.T) {
				w := newWorld(t)
				w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"), name, value)
				sum := w.run(w.event("inbox/n.jsonl"))
				if f := sum.Failure; sum.Status != "failed" || f == nil || f.Code != "invalid_value" || !strings.Contains(strings.ReplaceAll(f.Message, "_", "-"), name) {
					t.Errorf("got %s, %+v", sum.Status, sum.Failure)
				}
				if _, found := w.Get("results/n.summary.json"); !found {
					t.Error("there is no summary")
				}
			})
		}
	}
}

// The most that lines and answers may say does not overflow what a job is expected to cost.
func TestCeilingHoldsAgainstHugeLimits(t *testing.T) {
	for _, limit := range []string{`"max_tokens":9223372036854775807`, `"max_tokens":4611686018427387904,"n":4`, `"max_tokens":99999999999999999999`, `"max_tokens":1e9`, `"max_tokens":10000000.0`, `"max_completion_tokens":3,"n":9223372036854775807`} {
		t.Run(limit, func(t *testing.T) {
			w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 1 })
			w.Put("inbox/n.jsonl", strings.ReplaceAll(manyLines(3, "gpt-4o-mini"), `"messages"`, limit+`,"messages"`))
			if sum := w.run(w.event("inbox/n.jsonl")); sum.Status != "refused" || sum.Failure.Code != "cost_ceiling_exceeded" {
				t.Errorf("got %s, %+v", sum.Status, sum.Failure)
			}
		})
	}
}
