package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stepfunctions"
)

// workflow runs the state machine over the world's tasks, by the world's clock.
func (w *world) workflow() *stepfunctions.Service {
	w.t.Helper()
	definition, err := os.ReadFile("../../infra/workflows/batch.asl.json")
	if err != nil {
		w.t.Fatal(err)
	}
	states := stepfunctions.New(stepfunctions.Options{
		Invoke: w.invoke, Objects: w.Objects, Clock: workflowClock{w},
		PutEvents: func(context.Context, []byte) ([]byte, error) { return []byte(`{"FailedEntryCount":0}`), nil },
	})
	w.t.Cleanup(states.Close)
	arn := "arn:aws:lambda:us-east-1:000000000000:function:"
	if _, err := states.Add("batch", definition, map[string]string{"Partition": "aws", "BatchSubmitFunctionArn": arn + "a", "BatchStatusFunctionArn": arn + "b"}); err != nil {
		w.t.Fatal(err)
	}
	return states
}

// invoke answers a task; its errors are of the types that the functions give them.
func (w *world) invoke(ctx context.Context, _ string, payload []byte) ([]byte, error) {
	var p struct{ Task string }
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, err
	}
	if w.before != nil {
		w.before(ctx, p.Task)
	}
	answer, err := task[json.RawMessage](w, p.Task, json.RawMessage(payload))
	if f, ok := errors.AsType[*failure](err); ok {
		name := "UpstreamUnavailable"
		if strings.Contains(f.body, "token_limit_exceeded") {
			name = "TokenLimitExceeded"
		}
		return nil, &stepfunctions.Failure{Name: name, Cause: f.body}
	}
	return answer, err
}

// workflowClock lets waits pass at once.
type workflowClock struct{ *world }

func (c workflowClock) Now() time.Time { return c.clock() }

func (c workflowClock) Sleep(ctx context.Context, d time.Duration) error {
	return errors.Join(c.sleep(ctx, d), ctx.Err())
}

func (c workflowClock) Limit(ctx context.Context, _ time.Duration, _ error) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// release lets batches go on that a fault holds up, and returns once they have ended: days of the workflow's
// clock may be moments of the emulator's.
func (w *world) release() {
	w.t.Helper()
	under := func(b struct{ Status string }) bool {
		return b.Status == "validating" || b.Status == "in_progress" || b.Status == "finalizing"
	}
	w.azure.Reset()
	for slices.ContainsFunc(w.azureList("batches"), under) {
		w.azure.Reset() // a batch may not have been held up yet
	}
}

// A batch that takes a day costs less than 400 state transitions, so does one that waits a day for room.
func TestTransitionsOfADay(t *testing.T) {
	tests := []struct {
		name, fault, path, method string
		most                      int
	}{
		{"a batch of a day", "stall;state=in_progress", "/batches", "POST", 300},
		{"a quota that is full for a day", "token-limit", "/batches", "POST", 250},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.occupy()
			w.fault(azureopenai.FaultRule{Fault: tt.fault, Method: tt.method, Path: tt.path, Count: -1})
			begun := w.clock()
			w.before = func(context.Context, string) {
				if w.clock().Sub(begun) > 24*time.Hour {
					w.release()
				}
			}
			w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
			states := w.workflow()
			arn, err := states.Start("batch", "", []byte(w.event("inbox/n.jsonl")))
			if err != nil {
				t.Fatal(err)
			}
			end, err := states.Wait(t.Context(), arn)
			if err != nil || end.Status != "SUCCEEDED" {
				t.Fatalf("%s %s %s, %v", end.Status, end.Error, end.Cause, err)
			}
			if took := w.clock().Sub(begun); took < 24*time.Hour || took > 30*time.Hour {
				t.Errorf("it took %v", took)
			}
			t.Logf("%d transitions", end.Transitions)
			if end.Transitions > tt.most {
				t.Errorf("%d transitions, want %d at most", end.Transitions, tt.most)
			}
			w.checkNumbers(t, "results/n.jsonl", 3)
		})
	}
}

// A part of one try takes so many requests to S3, of which the most are reads of records, and none to Azure's lists.
func TestRequestsOfAPart(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	requests, lists := map[string]int{}, 0
	w.Refuses = func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		requests[r.Method]++
		return false
	}
	w.asked = func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/batches") || strings.HasSuffix(r.URL.Path, "/files")) {
			lists++
		}
	}
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	clear(requests)
	w.walk(a.Job, 1)
	t.Logf("a part of one try, with %d polls: %v", w.counts["poll"], requests)
	if polls := w.counts["poll"] - 1; requests["GET"] > 18+5*polls || requests["PUT"] > 9+polls || len(requests) > 2 || lists > 0 {
		t.Errorf("%v, and %d lists of Azure's", requests, lists)
	}
}

// An execution that was stopped goes on where it stood.
func TestRedrive(t *testing.T) {
	w := newWorld(t)
	states := w.workflow()
	w.Put("inbox/n.jsonl", manyLines(30, "gpt-4o-mini"))
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	started := make(chan string, 1)
	polls := 0 // of one part
	w.before = func(ctx context.Context, task string) {
		if task != "poll" {
			return
		}
		if polls++; polls == 3 {
			stop := httptest.NewRequest("POST", "/", strings.NewReader(`{"executionArn":"`+<-started+`"}`))
			stop.Header.Set("X-Amz-Target", "AWSStepFunctions.StopExecution")
			go states.ServeHTTP(httptest.NewRecorder(), stop)
			<-ctx.Done() // or days go by before it is heard
		}
	}
	arn, err := states.Start("batch", "", []byte(w.event("inbox/n.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	started <- arn
	if end, err := states.Wait(t.Context(), arn); err != nil || end.Status != "ABORTED" {
		t.Fatalf("%s, %v", end.Status, err)
	}
	w.release()
	if err := states.Redrive(arn); err != nil {
		t.Fatal(err)
	}
	if end, err := states.Wait(t.Context(), arn); err != nil || end.Status != "SUCCEEDED" {
		t.Fatalf("%s %s %s, %v", end.Status, end.Error, end.Cause, err)
	}
	w.checkNumbers(t, "results/n.jsonl", 30)
	if w.counts["plan"] != 1 {
		t.Errorf("it was planned %d times", w.counts["plan"])
	}
}
