package batch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
)

// status reads a job's status.
func (w *world) status(key string) (s job.Status) {
	w.t.Helper()
	raw, found := w.Get(key)
	if !found {
		w.t.Fatalf("there is no %s", key)
	}
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// later lets time pass.
func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// The same content under the same key is answered once while its job runs, and for six hours after a job that succeeded
// in every line.
func TestSameContentAgain(t *testing.T) {
	file := manyLines(3, "gpt-4o-mini")
	failing := file + "nonsense\n"
	tests := []struct {
		name      string
		first     string
		metadata  []string
		ended     bool // the first one, before the second
		after     time.Duration
		key       string
		second    string
		again     []string // metadata of the second
		duplicate bool
	}{
		{"while the job runs", file, nil, false, time.Hour, "inbox/n.jsonl", file, nil, true},
		{"while the job runs for days", file, nil, false, 70 * time.Hour, "inbox/n.jsonl", file, nil, true},
		{"soon after the end", file, nil, true, 5*time.Hour + 59*time.Minute, "inbox/n.jsonl", file, nil, true},
		{"long after the end", file, nil, true, 6 * time.Hour, "inbox/n.jsonl", file, nil, false},
		{"of a job with a failed line that runs", failing, nil, false, 0, "inbox/n.jsonl", failing, nil, true},
		{"of a job with a failed line that has ended", failing, nil, true, 0, "inbox/n.jsonl", failing, nil, false},
		{"of a job that was refused", file, []string{"cost-ceiling", "0.000001"}, true, 0, "inbox/n.jsonl", file, []string{"cost-ceiling", "0.000001"}, false},
		{"other content", file, nil, false, 0, "inbox/n.jsonl", manyLines(4, "gpt-4o-mini"), nil, false},
		{"another key", file, nil, false, 0, "inbox/m.jsonl", file, nil, false},
		{"other metadata", file, nil, false, 0, "inbox/n.jsonl", file, []string{"tries", "2"}, false},
		{"the same metadata", file, []string{"mode", "batch", "who", "me"}, false, 0, "inbox/n.jsonl", file, []string{"who", "me", "mode", "batch"}, true},
		{"that insists", file, nil, false, 0, "inbox/n.jsonl", file, []string{"again", "true"}, false},
		{"that does not insist", file, nil, false, 0, "inbox/n.jsonl", file, []string{"again", "false"}, true},
		{"after one that insisted", file, []string{"again", "true"}, false, 0, "inbox/n.jsonl", file, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/n.jsonl", tt.first, tt.metadata...)
			event := w.event("inbox/n.jsonl")
			id := ""
			if tt.ended {
				id = w.run(event).Job
			} else {
				id = w.plan(event, "execution-1").Job
			}
			w.later(tt.after)
			w.Put(tt.key, tt.second, tt.again...)
			a := w.plan(w.event(tt.key), "execution-2")
			if duplicate := a.Status == "duplicate"; duplicate != tt.duplicate || a.Job == id || (a.DuplicateOf == id) != tt.duplicate {
				t.Fatalf("after %s: got %+v", id, a)
			}
			if !tt.duplicate {
				return
			}
			if a.Summary != "s3://"+bucket+"/results/n.summary.json" || a.Source != "s3://"+bucket+"/inbox/n.jsonl" {
				t.Errorf("got %+v", a)
			}
			st := w.status("results/n." + a.Job + ".status.json")
			if st.Status != "duplicate" || st.DuplicateOf != id || st.Summary != a.Summary || !strings.Contains(st.Note, "again=true") || !strings.Contains(st.Note, id) {
				t.Errorf("the status is %+v", st)
			}
			if first := w.status("results/n.status.json"); first.Job != id {
				t.Errorf("the first job's status is %+v", first)
			}
		})
	}
}

// What repeats a job can be used to take that over, as its own input can.
func TestTakeOverByADuplicate(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	first := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	a := w.plan(`{"bucket":"`+bucket+`","key":"inbox/n.jsonl","take_over":true}`, "execution-2")
	if a != first {
		t.Errorf("got %+v, want %+v", a, first)
	}
	// The task is repeated, and the input of an execution that found the job stopped does not say that it takes over.
	if again := w.plan(`{"bucket":"`+bucket+`","key":"inbox/n.jsonl"}`, "execution-2"); again != first {
		t.Errorf("repeated: got %+v, want %+v", again, first)
	}
}

// Of writes of the same content at the same time one has a job, and of writes of other content each, and one the name.
func TestWritesAtOnce(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprint("same content ", same), func(t *testing.T) {
			w := newWorld(t)
			var events []string
			for i := range 8 {
				n := 3
				if !same {
					n += i
				}
				w.Put("inbox/n.jsonl", manyLines(n, "gpt-4o-mini"))
				events = append(events, w.event("inbox/n.jsonl"))
			}
			answers := make([]plan.Answer, len(events))
			var all sync.WaitGroup
			for i, event := range events {
				all.Go(func() { answers[i] = w.plan(event, fmt.Sprint("execution-", i)) })
			}
			all.Wait()
			jobs, plain := 0, 0
			for _, a := range answers {
				if a.Status != "planned" {
					continue
				}
				jobs++
				raw, _ := w.Get(job.Key(a.Job))
				if strings.Contains(raw, `"results/n.jsonl"`) {
					plain++
				}
			}
			want := len(events)
			if same {
				want = 1
			}
			if jobs != want || plain != 1 {
				t.Errorf("%d jobs, and %d of them have the name", jobs, plain)
			}
		})
	}
}
