package batch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
)

// Progress adds up the parts that are settled, by their tries, and those under way, by what Azure said last.
func TestProgressOfManyParts(t *testing.T) {
	w := newWorld(t)
	const parts = 40
	plan := job.Plan{Done: true, Lines: 10 + 5*parts, Rejected: 10}
	for i := range parts {
		plan.Parts = append(plan.Parts, job.Part{Number: i + 1, Lines: 5})
		try := job.Try{Job: "job_1", Part: i + 1}
		if i%2 == 1 {
			w.Put(try.StateKey(), `{"request_counts":{"total":5,"completed":2,"failed":1}}`)
			continue
		}
		w.Put(try.TriedKey(), `{"lines":5,"succeeded":3,"failed":1,"again":1}`)
		try.Try = 1
		w.Put(try.TriedKey(), fmt.Sprintf(`{"lines":1,"succeeded":%d,"failed":%d}`, i/2%2, 1-i/2%2))
	}
	raw, _ := json.Marshal(plan)
	w.Put(job.PlanKey("job_1"), string(raw))
	w.Put(job.Key("job_1"), `{"job":"job_1","summary":"results/n.summary.json"}`)
	p, found, err := w.service().Progress(t.Context(), "job_1")
	if err != nil || !found {
		t.Fatalf("%t, %v", found, err)
	}
	if want := (azurebatch.Counts{Total: 210, Completed: 20*3 + 10 + 20*2, Failed: 10 + 20 + 10}); p.Counts != want || p.Status != "in_progress" {
		t.Errorf("%s, %+v, want %+v", p.Status, p.Counts, want)
	}
	w.Refuses = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/00007/try-01/tried.json") }
	if p, _, err := w.service().Progress(t.Context(), "job_1"); err == nil {
		t.Errorf("without a part's record: %+v", p.Counts)
	}
}
