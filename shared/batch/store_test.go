package batch

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// storeOf is a store whose S3 is a handler.
func storeOf(t *testing.T, s http.Handler) *store {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &store{bucket: "b", s3: s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})}
}

// cutting is an object whose downloads break off after so many bytes, cuts times.
type cutting struct {
	content string
	after   int
	cuts    int
	ranges  []string
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.ranges = append(c.ranges, r.Header.Get("Range"))
	from := 0
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from) // no range is 0
	w.Header().Set("ETag", `"e"`)
	if from >= len(c.content) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	rest := c.content[from:]
	w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
	if c.cuts > 0 {
		c.cuts--
		_, _ = io.WriteString(w, rest[:min(c.after, len(rest))])
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, rest)
}

func TestDownloadGoesOn(t *testing.T) {
	tests := []struct {
		name        string
		after, cuts int
		offset      int64
		fails       bool
	}{
		{"in one piece", 0, 0, 0, false},
		{"from an offset", 0, 0, 1000, false},
		{"from the end", 0, 0, 100_000, false},
		{"cut often", 10_000, 8, 0, false},
		{"cut often, from an offset", 10_000, 8, 1000, false},
		{"never a byte", 0, 100, 0, true},
	}
	content := strings.Repeat("0123456789", 10_000)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &cutting{content: content, after: tt.after, cuts: tt.cuts}
			o := storeOf(t, c).open(t.Context(), "k", "", tt.offset)
			defer o.Close()
			got, err := io.ReadAll(o)
			if (err != nil) != tt.fails {
				t.Fatalf("after %v: %v", c.ranges, err)
			}
			if !tt.fails && !bytes.Equal(got, []byte(content[tt.offset:])) {
				t.Errorf("got %d bytes, want %d, after %v", len(got), len(content)-int(tt.offset), c.ranges)
			}
		})
	}
}

// An object that lacks a chunk must not appear, even if whoever writes it goes on after the error.
func TestUploadOfALostChunk(t *testing.T) {
	completed, puts := false, 0 // one request at a time
	s3 := http.NewServeMux()
	s3.HandleFunc("POST /b/k", func(w http.ResponseWriter, r *http.Request) {
		completed = completed || r.URL.Query().Has("uploadId")
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
	})
	s3.HandleFunc("PUT /b/k", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"e"`)
		if puts++; puts == 1 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	s3.HandleFunc("DELETE /b/k", func(http.ResponseWriter, *http.Request) {})
	w := storeOf(t, s3).create(t.Context(), "k", nil)
	for range 3 {
		_, _ = w.Write(make([]byte, chunk)) // the error is what this is about
	}
	if err := w.commit(); !isStatus(err, http.StatusForbidden) || completed {
		t.Errorf("commit: %v, completed: %t", err, completed)
	}
	w.abandon()
}

func TestRecorderTellsOfItsFailure(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	told := make(chan error, 1)
	r := newRecorder(t.Context(), &work{Service: &Service{store: storeOf(t, refuse)}}, 0, func(err error) { told <- err })
	r.add(1, []byte("{}"))
	if err := <-told; !isStatus(err, http.StatusForbidden) {
		t.Errorf("told: %v", err)
	}
	if err := r.close(); !isStatus(err, http.StatusForbidden) {
		t.Errorf("close: %v", err)
	}
}
