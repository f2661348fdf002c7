package batch

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"aoai-bridge/shared/bucket"
)

func TestRecorderTellsOfItsFailure(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	server := httptest.NewServer(refuse)
	defer server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
	told := make(chan error, 1)
	r := newRecorder(t.Context(), &work{Service: &Service{store: bucket.New(cfg, "b")}}, 0, func(err error) { told <- err })
	r.add(1, []byte("{}"))
	if err := <-told; bucket.Status(err) != http.StatusForbidden {
		t.Errorf("told: %v", err)
	}
	if err := r.close(); bucket.Status(err) != http.StatusForbidden {
		t.Errorf("close: %v", err)
	}
}
