package stack_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

const batchBucket = "aoai-bridge-batch"

// batchSamples says for each file of requests in events/ how many of its lines succeed and fail.
var batchSamples = map[string]struct{ succeed, fail int }{
	"batch/large-data.jsonl":      {4, 0},
	"batch/content.jsonl":         {3, 0},
	"batch/document-review.jsonl": {2, 0},
	"batch/support.jsonl":         {3, 0},
	"batch/extraction.jsonl":      {3, 0},
	"batch/nlp.jsonl":             {6, 0},
	"batch/marketing.jsonl":       {2, 0},
	"batch.jsonl":                 {5, 2},
}

// batchInputs are the files beside them, and the tests that run them.
var batchInputs = []string{"batch/eventbridge-object-created.json", "batch/workflow-input.json", "batch/review-input.json"}

type summary struct {
	Status, Source, Results string
	Lines                   struct{ Total, Succeeded, Failed int }
	Cost                    struct {
		USD       *float64 `json:"usd"`
		Estimated *float64 `json:"estimated_usd"`
	}
}

// startBatches starts a stack whose waits are short, and returns the ends of its jobs as EventBridge reports them.
func startBatches(t *testing.T, parameters map[string]string) (*stack.Stack, <-chan summary) {
	t.Helper()
	s, _ := start(t, stack.Options{Parameters: parameters, WaitScale: 0.0005})
	ends := make(chan summary, 100)
	pattern, err := eventbridge.ParsePattern([]byte(`{"source":["aoai-bridge"],"detail-type":["Batch Job Ended"]}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Bus.Add(eventbridge.Rule{Name: "ends", Pattern: pattern, Target: func(_ context.Context, event []byte) error {
		var e struct{ Detail summary }
		err := json.Unmarshal(event, &e)
		ends <- e.Detail
		return err
	}})
	return s, ends
}

func readEvent(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "events", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestBatchSamples drops every file of requests in events/, with each event delivered twice.
func TestBatchSamples(t *testing.T) {
	t.Parallel()
	for _, name := range eventFiles(t) {
		if _, known := batchSamples[name]; forBatches(name) && !known && !slices.Contains(batchInputs, name) {
			t.Errorf("events/%s is known to no test: add it to batchSamples", name)
		}
	}
	s, ends := startBatches(t, nil)
	s.Bus.Deliver(2)
	for name := range batchSamples {
		put(t, s, "inbox/"+name, string(readEvent(t, name)))
	}
	for range batchSamples {
		end := next(t, ends)
		name := strings.TrimPrefix(end.Source, "s3://"+batchBucket+"/inbox/")
		want := batchSamples[name]
		if end.Status != "completed" || end.Lines.Succeeded != want.succeed || end.Lines.Failed != want.fail {
			t.Errorf("%s: %+v, want %+v", name, end, want)
		}
		if results := get(t, s, "results/"+name); strings.Count(results, "\n") != want.succeed+want.fail {
			t.Errorf("%s: the results are %s", name, results)
		}
	}
	for _, e := range s.States.Executions() {
		if end, err := s.States.Wait(t.Context(), e.ARN); err != nil || end.Status != "SUCCEEDED" {
			t.Errorf("%s: %s %s, %v", e.Name, end.Status, end.Cause, err)
		}
	}
	if n := len(s.States.Executions()); n != 2*len(batchSamples) {
		t.Errorf("%d executions for %d files", n, len(batchSamples))
	}
}

func TestBatchEvent(t *testing.T) {
	t.Parallel()
	s, ends := startBatches(t, nil)
	put(t, s, "elsewhere.jsonl", "") // no job: it is not below inbox/
	put(t, s, "inbox/batch.jsonl", string(readEvent(t, "batch.jsonl")))
	next(t, ends)

	var event eventbridge.Event
	if err := json.Unmarshal(readEvent(t, "batch/eventbridge-object-created.json"), &event); err != nil {
		t.Fatal(err)
	}
	again := execute(t, s, "aoai-bridge-batch", event.Detail) // what the rule passes on
	if !strings.Contains(again, `"status":"duplicate"`) {     // the event names the file that was answered
		t.Errorf("the event's execution ended with %s", again)
	}
}

// A workflow starts the machine with .sync and gets the summary as its output.
func TestBatchFromAWorkflow(t *testing.T) {
	t.Parallel()
	s, _ := startBatches(t, nil)
	put(t, s, "inputs/batch.jsonl", string(readEvent(t, "batch.jsonl")))
	const caller = `{"StartAt":"Answer","States":{"Answer":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2",
		"Parameters":{"StateMachineArn":"${Batch}","Input.$":"$"},"OutputPath":"$.Output","End":true}}}`
	if _, err := s.States.Add("caller", []byte(caller), map[string]string{"Batch": stepfunctions.MachineARN("aoai-bridge-batch")}); err != nil {
		t.Fatal(err)
	}
	var got summary
	if err := json.Unmarshal([]byte(execute(t, s, "caller", readEvent(t, "batch/workflow-input.json"))), &got); err != nil {
		t.Fatal(err)
	}
	if got.Lines.Succeeded != 5 || got.Results != "s3://"+batchBucket+"/results/inputs/batch.jsonl" {
		t.Errorf("got %+v", got)
	}
}

func TestReviewWorkflow(t *testing.T) {
	t.Parallel()
	s, _ := startBatches(t, map[string]string{"ReviewWorkflow": "true"})
	var got struct {
		Summary   struct{ Text string }
		Embedding struct{ Vector []float64 }
	}
	if err := json.Unmarshal([]byte(execute(t, s, "ReviewExample", readEvent(t, "batch/review-input.json"))), &got); err != nil {
		t.Fatal(err)
	}
	if got.Summary.Text == "" || len(got.Embedding.Vector) != 256 {
		t.Errorf("got %+v", got)
	}
}

func execute(t *testing.T, s *stack.Stack, machine string, input []byte) (output string) {
	t.Helper()
	arn, err := s.States.Start(machine, "", input)
	if err != nil {
		t.Fatal(err)
	}
	end, err := s.States.Wait(t.Context(), arn)
	if err != nil || end.Status != "SUCCEEDED" {
		t.Fatalf("%s: %s %s, %v", end.Status, end.Error, end.Cause, err)
	}
	return end.Output
}

func next(t *testing.T, ends <-chan summary) summary {
	t.Helper()
	select {
	case end := <-ends:
		return end
	case <-t.Context().Done():
		t.Fatal("the job has not ended")
	}
	panic("unreachable")
}

func put(t *testing.T, s *stack.Stack, key, content string) {
	t.Helper()
	if err := s.S3.Write(batchBucket, key, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *stack.Stack, key string) string {
	t.Helper()
	object, err := s.S3.Open(batchBucket, key)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
