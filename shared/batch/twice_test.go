package batch_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

// Of two runs that have each uploaded the part's file, one makes the batch and the other finds it: no file stays.
func TestSubmitFindsAnothersBatch(t *testing.T) {
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(20, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	step := object{"task": "submit", "step": object{"job": a.Job, "part": 1}}
	w.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/batches"})
	if _, err := task[job.Step](w, "submit", step); err == nil {
		t.Fatal("the answer was not lost")
	}
	key := "jobs/" + a.Job + "/parts/00001/try-00/state.json"
	raw, _ := w.Get(key)
	var state object
	if err := json.Unmarshal([]byte(raw), &state); err != nil {
		t.Fatal(err)
	}
	state["file_id"] = w.upload() // the other run's state is lost
	changed, _ := json.Marshal(state)
	w.Put(key, string(changed))
	w.walk(a.Job, 1)
	patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
	w.checkNumbers(t, "results/n.jsonl", 20)
	if files := w.azureList("files"); len(files) > 0 {
		t.Errorf("%d files are left in Azure", len(files))
	}
}

// upload puts a file of one line into Azure.
func (w *world) upload() (id string) {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("purpose", "batch") // a buffer takes everything
	file, _ := form.CreateFormFile("file", "n.jsonl")
	_, _ = file.Write([]byte(chat("1", "gpt-4o-mini-batch", "other")))
	_ = form.Close()
	r, _ := http.NewRequest(http.MethodPost, w.url+"/openai/v1/files", &body)
	r.Header.Set("Api-Key", "local")
	r.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil || made.ID == "" {
		w.t.Fatalf("%s: %v", answer.Status, err)
	}
	return made.ID
}

// occupy makes a batch that is not the bridge's and does not end before a release.
func (w *world) occupy() {
	w.t.Helper()
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	body := `{"input_file_id":"` + w.upload() + `","endpoint":"/chat/completions","completion_window":"24h"}`
	r, _ := http.NewRequest(http.MethodPost, w.url+"/openai/v1/batches", strings.NewReader(body))
	r.Header.Set("Api-Key", "local")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusOK {
		w.t.Fatal(answer.Status)
	}
}

// A task that runs twice at the same time leaves one batch, though both runs have made one.
func TestSubmitTwiceAtOnce(t *testing.T) {
	for _, begun := range []string{"/files", "/batches"} { // how far both get before either goes on; to the files in any case
		t.Run(strings.TrimPrefix(begun, "/"), func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/n.jsonl", manyLines(20, "gpt-4o-mini"))
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			w.fault(azureopenai.FaultRule{Fault: "stall;state=validating", Method: "POST", Path: "/batches", Count: 2})
			both := map[string]*sync.WaitGroup{"/files": {}, begun: {}}
			for _, barrier := range both {
				barrier.Add(2)
			}
			w.asked = func(r *http.Request) {
				if barrier := both[r.URL.Path[strings.LastIndex(r.URL.Path, "/"):]]; r.Method == http.MethodPost && barrier != nil {
					barrier.Done()
					barrier.Wait()
				}
			}
			step := job.Step{Job: a.Job, Part: 1}
			var runs sync.WaitGroup
			for range 2 {
				runs.Go(func() {
					if next, err := task[*job.Step](w, "submit", object{"task": "submit", "step": step}); err != nil || next.Status != "submitted" {
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
			patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
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
