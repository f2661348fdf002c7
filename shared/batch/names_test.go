package batch_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

// The name of the results is the first job's that delivers something.
func TestNamePassesOn(t *testing.T) {
	file := manyLines(3, "gpt-4o-mini")
	tests := []struct {
		name     string
		file     string
		metadata []string
		cancel   bool
		passes   bool
	}{
		{"from a job that was refused", file, []string{"cost-ceiling", "0.000001"}, false, true},
		{"from a job with a typing error", file, []string{"mode", "fast"}, false, true},
		{"from a job without a line that can be sent", "{\n{\n", nil, false, true},
		{"from a job that was cancelled before it was sent", file, nil, true, true},
		{"not from a job that was answered", file, nil, false, false},
		{"not from a job that was answered in part", file + "{\n", nil, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/n.jsonl", tt.file, tt.metadata...)
			event := w.event("inbox/n.jsonl")
			if tt.cancel {
				if err := w.service().Cancel(t.Context(), w.plan(event, "execution-1").Job); err != nil {
					t.Fatal(err)
				}
			}
			first := w.run(event)
			if st := w.status("results/n.status.json"); st.Job != first.Job || st.Status != first.Status {
				t.Errorf("the first status is %+v", st)
			}
			w.later(time.Minute)
			w.Put("inbox/n.jsonl", file+chat("more", "gpt-4o-mini", "more"))
			second := w.run(w.event("inbox/n.jsonl"))
			name := "n"
			if !tt.passes {
				name = "n." + second.Job
			}
			if second.Results != "s3://"+bucket+"/results/"+name+".jsonl" {
				t.Fatalf("the results are %s", second.Results)
			}
			if got := w.results("results/" + name + ".jsonl"); len(got) != 4 || got[3].says() != "more" {
				t.Errorf("the results are %+v", got)
			}
			if raw, _ := w.Get("results/" + name + ".summary.json"); !strings.Contains(raw, second.Job) {
				t.Errorf("the summary is %s", raw)
			}
			if st := w.status("results/" + name + ".status.json"); st.Job != second.Job || st.Status != "completed" {
				t.Errorf("the second status is %+v", st)
			}
		})
	}
}

// A job whose name has passed on writes no more under it: neither by a report that is repeated, nor when it is taken over.
func TestNameHasPassedOn(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"), "cost-ceiling", "0.000001")
	event := w.event("inbox/n.jsonl")
	refused := w.run(event)
	w.later(time.Minute)
	w.Put("inbox/n.jsonl", manyLines(4, "gpt-4o-mini"))
	second := w.run(w.event("inbox/n.jsonl"))
	before := map[string]string{}
	for _, key := range []string{"results/n.jsonl", "results/n.summary.json", "results/n.status.json"} {
		before[key], _ = w.Get(key)
	}
	w.later(time.Minute)
	again := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": object{"job": refused.Job}}})
	if again.Status != "refused" {
		t.Errorf("the report that is repeated says %+v", again)
	}
	a := w.plan(strings.TrimSuffix(event, "}")+`,"take_over":true,"options":{"cost_ceiling":0}}`, "execution-9")
	w.walk(a.Job, 1)
	taken := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	if taken.Job != refused.Job || taken.Lines.Succeeded != 3 || taken.Results != "s3://"+bucket+"/results/n."+refused.Job+".jsonl" {
		t.Errorf("the job that was taken over says %+v", taken)
	}
	for key, was := range before {
		if now, _ := w.Get(key); now != was || was == "" || strings.HasSuffix(key, ".json") && !strings.Contains(was, second.Job) {
			t.Errorf("%s was\n%s\nand is\n%s", key, was, now)
		}
	}
	if st := w.status("results/n." + refused.Job + ".status.json"); st.Status != "completed" || st.Summary != "s3://"+bucket+"/results/n."+refused.Job+".summary.json" {
		t.Errorf("the status is %+v", st)
	}
}

// A job that is taken over keeps its name from the moment on: it runs again.
func TestNameOfAJobTakenOver(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 0.000001 })
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	event := w.event("inbox/n.jsonl")
	w.run(event)
	w.later(time.Minute)
	a := w.plan(strings.TrimSuffix(event, "}")+`,"take_over":true,"options":{"cost_ceiling":0}}`, "execution-2")
	w.later(time.Minute)
	w.Put("inbox/n.jsonl", manyLines(4, "gpt-4o-mini"), "cost-ceiling", "none")
	if sum := w.run(w.event("inbox/n.jsonl")); sum.Results != "s3://"+bucket+"/results/n."+sum.Job+".jsonl" {
		t.Errorf("the results of the other job are %s", sum.Results)
	}
	if repeated := w.plan(event, "execution-3"); repeated.Status != "duplicate" || repeated.Job != a.Job {
		t.Errorf("the event again is %+v", repeated)
	}
	w.walk(a.Job, 1)
	if sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}}); sum.Results != "s3://"+bucket+"/results/n.jsonl" {
		t.Errorf("the results are %s", sum.Results)
	}
}

// A claim of a job that never came to its record is not for ever.
func TestNameOfAJobThatNeverBegan(t *testing.T) {
	for _, tt := range []struct {
		name, at string
		passes   bool
	}{{"a moment ago", "2026-11-25T11:59:00Z", false}, {"long ago", "2026-11-25T10:00:00Z", true}, {"by an earlier version", "", true}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			claim := map[string]string{"job": "job_gone"}
			if tt.at != "" {
				claim["at"] = tt.at
			}
			raw, _ := json.Marshal(claim)
			w.Put("jobs/names/n.json", string(raw))
			w.Put("inbox/n.jsonl", manyLines(1, "gpt-4o-mini"))
			sum := w.run(w.event("inbox/n.jsonl"))
			if plain := sum.Results == "s3://"+bucket+"/results/n.jsonl"; plain != tt.passes {
				t.Errorf("the results are %s", sum.Results)
			}
		})
	}
}

// Every key that S3 takes is answered, and what is written fits into S3.
func TestLongKeys(t *testing.T) {
	for _, size := range []int{899, 900, 901, 1000, 1024} {
		for _, letter := range []string{"x", "ü", "日"} {
			room := size - len("inbox/.jsonl")
			key := "inbox/" + strings.Repeat(letter, room/len(letter)) + strings.Repeat("y", room%len(letter)) + ".jsonl"
			w := newWorld(t)
			var wrote []string
			for range 2 { // the second has the plain name and the job's id
				w.Put(key, chat("x", "gpt-4o-mini", "yes"), "again", "true")
				sum := w.run(w.event(key))
				results := strings.TrimPrefix(sum.Results, "s3://"+bucket+"/")
				if r := w.results(results); sum.Lines.Succeeded != 1 || r[0].says() != "yes" {
					t.Fatalf("a key of %d bytes: %+v", size, sum)
				}
				st := w.status(strings.TrimSuffix(results, ".jsonl") + ".status.json")
				if long := strings.Contains(st.Note, "shortened"); long != (size > 900) || st.Source != sum.Source || st.Results != sum.Results {
					t.Errorf("a key of %d bytes has the status %+v", size, st)
				}
				wrote = append(wrote, results)
			}
			if wrote[0] == wrote[1] {
				t.Errorf("both jobs wrote %s", wrote[0])
			}
		}
	}
}
