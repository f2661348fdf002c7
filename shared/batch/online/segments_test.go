package online

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

func TestSegmentsCannotBeWritten(t *testing.T) {
	refuse := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) })
	server := httptest.NewServer(refuse)
	defer server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
	told := make(chan error, 1)
	w := newSegmentWriter(t.Context(), bucket.New(cfg, "b"), job.Try{Job: "job_1"}, 0, func(err error) { told <- err })
	w.add(1, []byte("{}"))
	if err := <-told; bucket.Status(err) != http.StatusForbidden {
		t.Errorf("told: %v", err)
	}
	if err := w.close(); bucket.Status(err) != http.StatusForbidden {
		t.Errorf("close: %v", err)
	}
}
