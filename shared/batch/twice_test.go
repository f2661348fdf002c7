package batch_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch"
)

// A task that runs twice at the same time leaves one batch, though both runs have made one.
func TestSubmitTwiceAtOnce(t *testing.T) {
	for _, begun := range []string{"/files", "/batches"} { // how far both get before either goes on
		t.Run(strings.TrimPrefix(begun, "/"), func(t *testing.T) {
			w := newWorld(t)
			w.put("inbox/n.jsonl", manyLines(20, "gpt-4o-mini"))
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			w.fault(azureopenai.FaultRule{Fault: "stall;state=validating", Method: "POST", Path: "/batches", Count: 2})
			var both sync.WaitGroup
			both.Add(2)
			w.asked = func(r *http.Request) {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, begun) {
					both.Done()
					both.Wait()
				}
			}
			step := batch.Step{Job: a.Job, Part: 1}
			var runs sync.WaitGroup
			for range 2 {
				runs.Go(func() {
					if next, err := w.service().Submit(t.Context(), step); err != nil || next.Status != "submitted" {
						t.Errorf("%+v, %v", next, err)
					}
				})
			}
			runs.Wait()
			under := 0
			for _, b := range w.azureList("batches") {
				if b.Status == "validating" {
					under++
				}
			}
			if n := len(w.azureList("batches")); under != 1 || begun == "/batches" && n != 2 {
				t.Errorf("there are %d batches, and %d of them under way", n, under)
			}
			w.release()
			w.walk(a.Job, 1)
			patiently[batch.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
			w.checkNumbers(t, "results/n.jsonl", 20)
			if e := w.azure.Executions(); e.Executed > 20 {
				t.Errorf("%d lines were executed", e.Executed)
			}
			if files := w.azureList("files"); len(files) > 0 {
				t.Errorf("%d files are left in Azure", len(files))
			}
		})
	}
}
