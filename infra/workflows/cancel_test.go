package workflows_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

// jobStatus is a job's status as far as tests look.
type jobStatus struct {
	Job, Status, Note, Summary string
	Error                      *struct{ Code string }
}

// news is sent to after each event of S3 and of Step Functions.
func (w *world) news() <-chan struct{} {
	w.t.Helper()
	pattern, err := eventbridge.ParsePattern([]byte(`{"source":["aws.s3","aws.states"]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	news := make(chan struct{}, 1)
	w.stack.Bus.Add(eventbridge.Rule{Name: "news", Pattern: pattern, Target: func(context.Context, []byte) error {
		select {
		case news <- struct{}{}:
		default:
		}
		return nil
	}})
	return news
}

// eventually returns what read returns once it is as wanted, which it has to be soon.
func eventually[T any](w *world, read func() (T, bool)) T {
	w.t.Helper()
	late, news := time.After(20*time.Second), w.news()
	for {
		got, ok := read()
		if ok {
			return got
		}
		select {
		case <-news:
		case <-late:
			w.t.Fatalf("it never came: %+v\n%s", got, w.logs.String())
		}
	}
}

// jobStatus waits until an object says that a job has a status.
func (w *world) jobStatus(key, status string) jobStatus {
	w.t.Helper()
	return eventually(w, func() (s jobStatus, ok bool) {
		out, err := w.s3.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
		if err != nil {
			return s, false
		}
		defer out.Body.Close()
		return s, json.NewDecoder(out.Body).Decode(&s) == nil && s.Status == status
	})
}

// executionOf waits for the execution that an object has started, which is still running or not.
func (w *world) executionOf(key string, n int) stepfunctions.Snapshot {
	w.t.Helper()
	return eventually(w, func() (stepfunctions.Snapshot, bool) {
		var found []stepfunctions.Snapshot
		for _, e := range w.stack.States.Executions() {
			if strings.Contains(e.Input, `"`+key+`"`) {
				found = append(found, e)
			}
		}
		if len(found) < n {
			return stepfunctions.Snapshot{}, false
		}
		return found[len(found)-n], true
	})
}

func (w *world) stop(arn string) {
	w.t.Helper()
	client := sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: &w.stack.AWSURL, Credentials: credentials.NewStaticCredentialsProvider(stack.AccessKey, stack.AccessKey, ""),
	})
	if _, err := client.StopExecution(context.Background(), &sfn.StopExecutionInput{ExecutionArn: &arn}); err != nil {
		w.t.Fatal(err)
	}
}

// stalled has a job whose first batch is answered in part and does not end by itself, and returns its execution.
func (w *world) stalled(key, file string) stepfunctions.Snapshot {
	w.t.Helper()
	if err := w.stack.Emulator.AddFault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches", Count: 1}); err != nil {
		w.t.Fatal(err)
	}
	w.put(key, file)
	e := w.executionOf(key, 1)
	eventually(w, func() (string, bool) {
		for _, q := range w.stack.Emulator.Requests() {
			if q.Method == "GET" && strings.Contains(q.Path, "/batches/") {
				return q.Path, true
			}
		}
		return "", false
	})
	return e
}

func recording(o *stack.Options) { o.Azure.Emulator.DisableRecording = false }

var cancelled = chat("a", "gpt-4o-mini", "one") + "\n" + chat("b", "gpt-4o-mini", "two") + "\nnonsense\n"

// An object named after another ends the job of that: its batch is cancelled, and the summary is written.
func TestCancelByAnObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, recording)
	e := w.stalled("inbox/n.jsonl", cancelled)
	w.put("inbox/n.jsonl.cancel", "")
	end := w.end(e.ARN)
	s := w.summary(end.Output)
	if s.Status != "cancelled" || s.Lines.Total != 3 || s.Lines.Invalid != 1 {
		t.Errorf("the summary is %s", end.Output)
	}
	for i, r := range w.results(s) {
		if code := "batch_cancelled"; i < 2 && (r.Error == nil || r.Error.Code != code) && r.Response == nil {
			t.Errorf("line %d is %+v", i+1, r)
		}
	}
	if st := w.jobStatus("results/n.status.json", "cancelled"); st.Job != s.Job || !strings.HasSuffix(st.Summary, "/results/n.summary.json") {
		t.Errorf("the status is %+v", st)
	}
	var answer struct {
		Status, Source string
		Jobs           []string
	}
	by := w.end(w.executionOf("inbox/n.jsonl.cancel", 1).ARN)
	if err := json.Unmarshal([]byte(by.Output), &answer); err != nil || answer.Status != "cancelling" || len(answer.Jobs) != 1 || answer.Jobs[0] != s.Job ||
		answer.Source != "s3://"+bucket+"/inbox/n.jsonl" {
		t.Errorf("the execution that cancels ends with %s", by.Output)
	}
	w.checkBatchesEnded()

	// Once more there is nothing to cancel, and what is put there after that has its job, and the name.
	w.put("inbox/n.jsonl.cancel", "again")
	if by := w.end(w.executionOf("inbox/n.jsonl.cancel", 2).ARN); !strings.Contains(by.Output, "nothing_to_cancel") {
		t.Errorf("the second one ends with %s", by.Output)
	}
	w.put("inbox/n.jsonl", cancelled+chat("d", "gpt-4o-mini", "four"))
	if s := w.summary(w.end(w.executionOf("inbox/n.jsonl", 2).ARN).Output); s.Status != "completed" || s.Lines.Succeeded != 3 {
		t.Errorf("the file that comes later is %+v", s)
	}
}

// checkBatchesEnded looks for batches that nothing waits for.
func (w *world) checkBatchesEnded() {
	w.t.Helper()
	for _, q := range w.stack.Emulator.Requests() {
		if q.Method == "POST" && strings.HasSuffix(q.Path, "/cancel") {
			return
		}
	}
	w.t.Error("no batch was cancelled in Azure")
}

// The status of a job whose execution is stopped says that its batches go on. Then it is cancelled, taken over by the
// same file, or redriven, and ends.
func TestStoppedExecution(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, status string
		goOn         func(w *world, e stepfunctions.Snapshot) (arn string)
	}{
		{"cancelled", "cancelled", func(w *world, e stepfunctions.Snapshot) string {
			w.put("inbox/n.jsonl.cancel", "")
			return w.executionOf(`inbox/n.jsonl`, 2).ARN // that of the object does not have the key in quotes
		}},
		{"put there again", "completed", func(w *world, e stepfunctions.Snapshot) string {
			w.stack.Emulator.Reset()
			w.put("inbox/n.jsonl", cancelled)
			return w.executionOf("inbox/n.jsonl", 2).ARN
		}},
		{"redriven", "completed", func(w *world, e stepfunctions.Snapshot) string {
			w.stack.Emulator.Reset()
			if err := w.stack.States.Redrive(e.ARN); err != nil {
				w.t.Fatal(err)
			}
			return e.ARN
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil, recording)
			e := w.stalled("inbox/n.jsonl", cancelled)
			running := w.jobStatus("results/n.status.json", "running")
			w.stop(e.ARN)
			st := w.jobStatus("results/n.status.json", "stopped")
			if st.Job != running.Job || !strings.Contains(st.Note, "go on at Azure") || !strings.Contains(st.Note, "take_over") ||
				!strings.Contains(st.Note, "inbox/n.jsonl.cancel") || !strings.Contains(st.Note, "ABORTED") {
				t.Errorf("the status is %+v", st)
			}
			s := w.summary(w.end(tt.goOn(w, e)).Output)
			if s.Job != running.Job || s.Status != tt.status || s.Results != "s3://"+bucket+"/results/n.jsonl" || s.Lines.Total != 3 {
				t.Errorf("the summary is %+v", s)
			}
			if st := w.jobStatus("results/n.status.json", tt.status); st.Job != s.Job || st.Note != "" {
				t.Errorf("at the end the status is %+v", st)
			}
			if executed := w.stack.Emulator.Executions(); executed.Again > 0 {
				t.Errorf("%d lines were executed again", executed.Again)
			}
		})
	}
}

// Jobs that another version has begun, and whose executions are gone, are cancelled like any other.
func TestCancelOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"planning", "planned", "uploaded", "create-lost", "submitted", "running", "second-try"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := readFixture(upgrades + "/4a9c825/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			r := newReplay(t, f)
			r.loadAzure()
			r.loadS3()
			r.put("inbox/"+name+".jsonl.cancel", "")
			st := r.jobStatus("results/"+name+".status.json", "cancelled")
			s := r.world.summary(r.get("results/" + name + ".summary.json"))
			if s.Job != st.Job || s.Status != "cancelled" || s.Lines.Total != 4 || s.Lines.Failed == 0 {
				t.Errorf("the summary is %+v", s)
			}
			lines := 0
			for range strings.Lines(r.content(s.Results)) {
				lines++
			}
			if lines != 4 {
				t.Errorf("%d lines came back", lines)
			}
			for _, b := range r.batches() {
				if b.Status != "cancelled" && b.Status != "completed" && b.Status != "failed" {
					t.Errorf("a batch is %s", b.Status)
				}
			}
		})
	}
}
