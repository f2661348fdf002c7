package batch_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

const statusKey = "results/n.status.json"

// oneLineParts has each line be a part.
func oneLineParts(env *config.Batch) { env.EnqueuedTokens = 1 }

// writes is how often a key has been written.
func (w *world) writes(key string) (n int) {
	w.t.Helper()
	out, err := w.S3.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(out.Versions)
}

// countS3 counts requests to S3 from now on.
func (w *world) countS3() *atomic.Int64 {
	n := &atomic.Int64{}
	w.Refuses = func(*http.Request) bool {
		n.Add(1)
		return false
	}
	return n
}

// A job deletes nothing: the roles of the functions that do its tasks do not allow it.
func TestNothingIsDeleted(t *testing.T) {
	for _, mode := range []string{"batch", "online"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.tick, w.limit = time.Second, 3*time.Minute // which takes some runs
			w.Refuses = func(r *http.Request) bool { return r.Method == http.MethodDelete || r.URL.Query().Has("delete") }
			w.Put("inbox/n.jsonl", manyLines(100, "gpt-4o-mini"), "mode", mode)
			if sum := w.run(w.event("inbox/n.jsonl")); sum.Lines.Succeeded != 100 || sum.Twice != nil {
				t.Errorf("the summary is %+v, %+v", sum, sum.Twice)
			}
		})
	}
}

// What a job asks of S3 stays in proportion to its looks at Azure.
func TestRequestsOfADay(t *testing.T) {
	w := newWorld(t)
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches", Count: -1})
	w.Put("inbox/n.jsonl", manyLines(3, "gpt-4o-mini"))
	event := w.event("inbox/n.jsonl")
	requests := w.countS3()
	begun := w.clock()
	w.before = func(context.Context, string) {
		if w.clock().Sub(begun) > 24*time.Hour {
			w.release()
		}
	}
	states := w.workflow()
	arn, err := states.Start("batch", "", []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	if end, err := states.Wait(t.Context(), arn); err != nil || end.Status != "SUCCEEDED" {
		t.Fatalf("%s %s %s, %v", end.Status, end.Error, end.Cause, err)
	}
	t.Logf("%d requests, %d polls", requests.Load(), w.counts["poll"])
	if most := int64(60 + 9*w.counts["poll"]); requests.Load() > most {
		t.Errorf("%d requests to S3 for %d polls, want %d at most", requests.Load(), w.counts["poll"], most)
	}
}

// Forty parts side by side, each of which looks every twenty minutes, write the status every ten minutes or so.
func TestRequestsOfManyParts(t *testing.T) {
	const parts, rounds = 40, 6
	w := newWorld(t, oneLineParts)
	w.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches", Count: -1})
	w.Put("inbox/n.jsonl", manyLines(parts, "gpt-4o-mini"))
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	if a.Parts != parts {
		t.Fatalf("%d parts", a.Parts)
	}
	steps := make([]*job.Step, parts)
	for i := range steps {
		steps[i] = patiently[*job.Step](w, "submit", object{"task": "submit", "step": &job.Step{Job: a.Job, Part: i + 1}})
	}
	requests, writes := int64(0), -w.writes(statusKey)
	for range rounds {
		for i := range steps {
			w.later(20 * time.Minute / parts)
			n := w.countS3()
			steps[i] = patiently[*job.Step](w, "poll", object{"task": "poll", "step": steps[i]})
			w.Refuses = nil
			requests += n.Load()
		}
	}
	writes += w.writes(statusKey)
	t.Logf("%d requests and %d writes of the status in %d polls over %v", requests, writes, rounds*parts, rounds*20*time.Minute)
	if most, least := rounds*20/5, rounds*20/10-1; writes > most || writes < least {
		t.Errorf("the status was written %d times, want %d to %d", writes, least, most)
	}
	if most := int64(9 * rounds * parts); requests > most {
		t.Errorf("%d requests to S3, want %d at most", requests, most)
	}
}
