package workflows_test

import (
	"encoding/json"
	"testing"
)

// What repeats a job ends at once, and its output, its event and its status name that job.
func TestDuplicateIsAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	file := chat("a", "gpt-4o-mini", "one") + "\n"
	w.put("n.jsonl", file)
	first := w.run(input("n.jsonl"))
	w.put("n.jsonl", file)
	end := w.execute("aoai-bridge-batch", input("n.jsonl"))
	type answer struct {
		Job, Status, Summary, Source string
		DuplicateOf                  string `json:"duplicate_of"`
	}
	want := answer{Status: "duplicate", DuplicateOf: first.Job, Summary: "s3://" + bucket + "/results/n.summary.json", Source: "s3://" + bucket + "/n.jsonl"}
	var got answer
	if err := json.Unmarshal([]byte(end.Output), &got); err != nil {
		t.Fatal(err)
	}
	want.Job = got.Job
	if got != want || got.Job == first.Job {
		t.Errorf("the output is %+v, want %+v", got, want)
	}
	announced := 0
	for _, e := range w.stack.Bus.Events() {
		var detail answer
		if json.Unmarshal(e.Detail, &detail) == nil && e.DetailType == "Batch Job Ended" && detail == want {
			announced++
		}
	}
	if announced != 1 {
		t.Errorf("the duplicate is announced %d times", announced)
	}
	var status answer
	if err := json.Unmarshal([]byte(w.get("results/n."+got.Job+".status.json")), &status); err != nil || status != want {
		t.Errorf("the status is %+v, %v", status, err)
	}
	w.put("n.jsonl", file+file)
	if s := w.run(input("n.jsonl")); s.Lines.Succeeded != 2 || s.Results != "s3://"+bucket+"/results/n."+s.Job+".jsonl" {
		t.Errorf("other content is answered by %+v", s)
	}
}
