package online

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

// segmentsTo makes a writer to a bucket that a handler serves. failed gets its error.
func segmentsTo(t *testing.T, h http.HandlerFunc) (w *segmentWriter, failed chan error) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
	failed = make(chan error, 1)
	return newSegmentWriter(t.Context(), bucket.New(cfg, "b"), job.Try{Job: "job_1"}, 0, func(err error) { failed <- err }), failed
}

func TestSegmentsCannotBeWritten(t *testing.T) {
	w, failed := segmentsTo(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) })
	for n := range 3 { // the callers whose calls are under way then
		w.add(n+1, []byte("{}"))
	}
	if err := <-failed; bucket.Status(err) != http.StatusForbidden || bucket.Status(w.err) != http.StatusForbidden {
		t.Errorf("failed with %v, and has %v", err, w.err)
	}
}

// Answers that come while a segment is written are written together, and no caller goes on before its own is.
func TestSegmentsAreShared(t *testing.T) {
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	var lines []int // of each segment
	var first sync.Once
	w, _ := segmentsTo(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		first.Do(func() {
			begun <- struct{}{}
			<-goOn
		})
		lines = append(lines, bytes.Count(body, []byte("custom_id")))
	})
	var callers sync.WaitGroup
	callers.Go(func() { w.add(1, []byte("{}")) })
	<-begun
	for n := range 4 {
		callers.Go(func() { w.add(n+2, []byte("{}")) })
	}
	for added := 0; added < 5; runtime.Gosched() {
		w.mu.Lock()
		added = w.added
		w.mu.Unlock()
	}
	if len(lines) != 0 {
		t.Errorf("written too soon: %v", lines)
	}
	close(goOn)
	callers.Wait()
	if len(lines) != 2 || lines[0] != 1 || lines[1] != 4 {
		t.Errorf("the segments have %v lines", lines)
	}
}
