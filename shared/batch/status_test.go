package batch_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

// The status is there from the plan on, and says at each moment what there is to know.
func TestStatus(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(20, "gpt-4o-mini")+"nonsense\n"+manyLines(20, "gpt-4o"))
	began := w.clock()
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	st := w.status(statusKey)
	if st.Job != a.Job || st.Status != "running" || st.Lines != 41 || st.Parts != 2 || st.Counts != (job.StatusCount{Total: 41, Failed: 1, Invalid: 1}) ||
		st.Source != "s3://"+bucket+"/inbox/n.jsonl" || st.Results != "s3://"+bucket+"/results/n.jsonl" || st.Summary != "s3://"+bucket+"/results/n.summary.json" ||
		st.Error != nil || st.Cost.Estimated == nil || st.PlannedAt == nil || !st.CreatedAt.Equal(began) || st.EndsAt != nil {
		t.Errorf("after the plan: %+v", st)
	}
	w.walk(a.Job, 2)
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches", Count: 1})
	step := patiently[*job.Step](w, "submit", object{"task": "submit", "step": job.Step{Job: a.Job, Part: 1}})
	w.later(10 * time.Minute)
	step = patiently[*job.Step](w, "poll", object{"task": "poll", "step": step})
	now := w.clock()
	st = w.status(statusKey)
	if st.Status != "running" || st.Counts.Completed < 20 || st.Counts.Failed != 1 || st.Error != nil || !st.UpdatedAt.Equal(now) ||
		st.NextLookBy == nil || !st.NextLookBy.Equal(now.Add(time.Duration(step.Wait)*time.Second)) {
		t.Errorf("while a part runs: %+v", st)
	}
	if st.EndsAt == nil || st.EndsAt.Before(now) || st.EndsAt.After(now.Add(11*time.Minute)) {
		t.Errorf("half of the lines took ten minutes, and the end is expected at %v, which is %v", st.EndsAt, now)
	}
	w.later(time.Minute)
	patiently[*job.Step](w, "poll", object{"task": "poll", "step": step})
	if again := w.status(statusKey); !again.UpdatedAt.Equal(now) {
		t.Errorf("it was written again after a minute: %+v", again)
	}
	w.release()
	w.walk(a.Job, 1)
	sum := patiently[*job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	st = w.status(statusKey)
	if st.Status != "completed" || st.Counts != (job.StatusCount{Total: 41, Completed: 40, Failed: 1, Invalid: 1}) || st.Results != sum.Results ||
		st.Cost.USD == nil || *st.Cost.USD != *sum.Cost.USD || st.NextLookBy != nil || st.EndsAt != nil || st.Error != nil || !strings.HasSuffix(st.Summary, "results/n.summary.json") {
		t.Errorf("at the end: %+v", st)
	}
	ended, _ := w.Get(statusKey)
	w.later(time.Hour)
	patiently[*job.Step](w, "poll", object{"task": "poll", "step": step}) // of a run that comes late
	if now, _ := w.Get(statusKey); now != ended {
		t.Errorf("a task after the end wrote %s", now)
	}
}

// What holds a job up is in its status at once, in words and with what mends it, and since when. It goes when the job
// goes on.
func TestStatusOfTrouble(t *testing.T) {
	tests := []struct {
		name  string
		begin func(*world)
		end   func(*world)
		code  string
		says  []string
	}{
		{"a wrong key", func(w *world) { w.secret(strings.Replace(w.azureSecret(), `"local"`, `"sk-secret"`, 1)) },
			func(w *world) { w.secret(w.azureSecret()) }, "401", []string{"refused the bridge's own credential", "Put the right key into the Azure secret"}},
		{"a full quota", func(w *world) {
			w.fillQuota()
			w.fault(azureopenai.FaultRule{Fault: "token-limit", Method: "POST", Path: "/batches", Count: -1})
		}, (*world).release, "token_limit_exceeded", []string{"gpt-4o-mini-batch", "raise the deployment's quota"}},
		{"too many files", func(w *world) {
			for range 3 {
				w.azure.QueueAnswer(azureopenai.Answer{Status: 400, Body: `{"error":{"code":"quotaExceeded","message":"The quota for files is reached."}}`})
			}
		}, func(*world) {}, "quotaExceeded", []string{"as many files as it takes", "Delete some"}},
		{"a role or network rule that forbids it", func(w *world) { w.fault(azureopenai.FaultRule{Fault: "403", Count: -1}) },
			(*world).release, "403", []string{"network rules of the resource", "goes on by itself"}},
		{"a connection that is lost", func(w *world) { w.fault(azureopenai.FaultRule{Fault: "close", Count: -1}) },
			(*world).release, "upstream_connection_lost", []string{"before the answer came", "goes on by itself"}},
		{"a resource that the secret has no more", func(w *world) { w.secret(strings.Replace(w.azureSecret(), `"one"`, `"two"`, 1)) },
			func(w *world) { w.secret(w.azureSecret()) }, "configuration_error", []string{`no longer has the resource "one"`}},
		{"an Azure that is not there", func(w *world) { w.secret(strings.Replace(w.azureSecret(), w.url, "http://127.0.0.1:1", 1)) },
			func(w *world) { w.secret(w.azureSecret()) }, "upstream_unreachable", []string{"could not be reached"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			tt.begin(w)
			w.later(time.Hour) // by which the secret is read again
			submit := func() error {
				step, err := task[*job.Step](w, "submit", object{"task": "submit", "step": job.Step{Job: a.Job, Part: 1}})
				if err == nil && step.Status == "no_room" {
					err = errors.New("there is no room")
				}
				return err
			}
			if submit() == nil {
				t.Fatal("it was sent")
			}
			since := w.clock()
			st := w.status(statusKey)
			if st.Error == nil || st.Error.Code != tt.code || st.Error.Part != 1 || !st.Error.Since.Equal(since) || st.NextLookBy == nil || st.EndsAt != nil {
				t.Fatalf("the status is %+v %+v", st, st.Error)
			}
			for _, says := range tt.says {
				if !strings.Contains(st.Error.Message, says) {
					t.Errorf("the message is %q, want %q in it", st.Error.Message, says)
				}
			}
			w.later(11 * time.Minute)
			if submit() == nil {
				t.Fatal("it was sent")
			}
			if st = w.status(statusKey); st.Error == nil || !st.Error.Since.Equal(since) || !st.Error.Seen.Equal(w.clock()) {
				t.Errorf("later the status is %+v %+v", st, st.Error)
			}
			raw, _ := w.Get(statusKey)
			if strings.Contains(raw, "sk-secret") || strings.Contains(raw, w.url) {
				t.Errorf("a secret is in %s", raw)
			}
			tt.end(w)
			w.later(time.Hour)
			for range 3 {
				if submit() == nil {
					break
				}
			}
			if st = w.status(statusKey); st.Error != nil || st.Status != "running" {
				t.Errorf("after it was mended the status is %+v %+v", st, st.Error)
			}
		})
	}
}

// fillQuota has another job's batch be under way, whose end would leave room.
func (w *world) fillQuota() {
	w.t.Helper()
	w.Put("inbox/other.jsonl", manyLines(1, "gpt-4o-mini"))
	other := w.plan(w.event("inbox/other.jsonl"), "execution-other")
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches", Count: 1})
	patiently[*job.Step](w, "submit", object{"task": "submit", "step": job.Step{Job: other.Job, Part: 1}})
}

// A file that cannot be planned yet says so.
func TestStatusOfAPlanThatFails(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	w.secret(`{`)
	event := w.event("inbox/n.jsonl")
	plan := func() error {
		_, err := task[object](w, "plan", object{"task": "plan", "input": json.RawMessage(event), "execution": "execution-1"})
		return err
	}
	for range 2 {
		if plan() == nil {
			t.Fatal("it was planned")
		}
		if st := w.status(statusKey); st.Status != "planning" || st.Error == nil || st.Error.Code != "configuration_error" || !st.Error.Since.Equal(st.CreatedAt) {
			t.Errorf("the status is %+v %+v", st, st.Error)
		}
		w.later(time.Minute)
	}
	w.secret(w.azureSecret())
	w.later(time.Hour)
	if err := plan(); err != nil {
		t.Fatal(err)
	}
	if st := w.status(statusKey); st.Status != "running" || st.Error != nil {
		t.Errorf("the status is %+v %+v", st, st.Error)
	}
}

// A batch that Azure refuses is in the status before the job ends, with what there is to say.
func TestStatusOfABatchThatFails(t *testing.T) {
	for _, tt := range []struct{ name, reason, code, says string }{
		{"a reason with a remedy", `{"code":"model_not_found","message":"The deployment wasn't found."}`, "model_not_found", "wasn't found. Make a batch deployment of that name"},
		{"a code only", `{"code":"quota_exceeded","message":""}`, "quota_exceeded", "no reason except quota_exceeded."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			p.does("submit")
			p.answers("GET batches/ID", 200, `{"id":"b","status":"failed","errors":{"data":[`+tt.reason+`]}}`)
			p.does("poll")
			if st := p.status(statusKey); st.Error == nil || st.Error.Code != tt.code || !strings.Contains(st.Error.Message, tt.says) {
				t.Errorf("the status is %+v %+v", st, st.Error)
			}
		})
	}
}

// Parts that meet the same trouble at once write it once.
func TestStatusOfManyAtOnce(t *testing.T) {
	w := newWorld(t, oneLineParts)
	w.Put("inbox/n.jsonl", manyLines(30, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.fillQuota()
	w.fault(azureopenai.FaultRule{Fault: "token-limit", Method: "POST", Path: "/batches", Count: -1})
	wrote := w.writes(statusKey)
	var all sync.WaitGroup
	for part := 1; part <= a.Parts; part++ {
		all.Go(func() {
			if step, err := task[*job.Step](w, "submit", object{"task": "submit", "step": job.Step{Job: a.Job, Part: part}}); err == nil && step.Status != "no_room" {
				t.Errorf("part %d is %+v", part, step)
			}
		})
	}
	all.Wait()
	if n := w.writes(statusKey) - wrote; n != 1 {
		t.Errorf("the status was written %d times", n)
	}
	if st := w.status(statusKey); st.Error == nil || st.Error.Code != "token_limit_exceeded" {
		t.Errorf("the status is %+v %+v", st, st.Error)
	}
}

// A status that cannot be written does not hold a job up.
func TestStatusCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	w.Refuses = func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "status.json")
	}
	if sum := w.run(w.event("inbox/n.jsonl")); sum.Status != "completed" || sum.Lines.Succeeded != 3 {
		t.Errorf("the summary is %+v", sum)
	}
	if _, found := w.Get(statusKey); found {
		t.Error("it was written")
	}
}

// Parts that have ended are counted once, however many there are.
func TestStatusOfAThousandParts(t *testing.T) {
	w := newWorld(t, oneLineParts)
	const parts, ended = 1000, 960
	w.Put("inbox/n.jsonl", manyLines(parts, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	for part := 1; part <= ended; part++ {
		w.Put(job.Try{Job: a.Job, Part: part}.TriedKey(), `{"lines":1,"succeeded":1}`)
	}
	var asked [2]int64
	for i := range asked {
		w.later(time.Hour)
		n := w.countS3()
		if _, err := task[*job.Step](w, "submit", object{"task": "submit", "step": job.Step{Job: a.Job, Part: ended + 1 + i}}); err != nil {
			t.Fatal(err)
		}
		asked[i] = n.Load()
		if st := w.status(statusKey); st.Counts.Completed != ended || st.Counts.Failed != 0 {
			t.Errorf("%+v", st.Counts)
		}
	}
	if t.Log(asked); asked[0] < ended || asked[1] > 120 {
		t.Errorf("S3 was asked %d times", asked)
	}
	if raw, _ := w.Get(statusKey); len(raw) > 2000 {
		t.Errorf("the status has %d bytes", len(raw))
	}
}
