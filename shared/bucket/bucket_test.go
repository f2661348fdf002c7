package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// newTestBucket returns a bucket whose S3 is a handler, and which retries at once.
func newTestBucket(t *testing.T, s3 http.Handler) *Bucket {
	server := httptest.NewServer(s3)
	t.Cleanup(server.Close)
	return New(aws.Config{
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, "b")
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
		_ = http.NewResponseController(w).Flush() // or the client gets no answer at all
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, rest)
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"aoai-bridge-batch": true, "abc": true, "a.b-c.9": true, strings.Repeat("a", 63): true,
		"": false, "ab": false, strings.Repeat("a", 64): false, "A-bucket": false, "a_b": false, "-ab": false, "ab-": false, "a..b": false, ".ab": false,
		"bucket/api": false, "bucket%2Fapi": false, "bucket/": false, "bucket\\api": false, "bucket?x": false, "bucket#x": false, "bucket\n": false, "..": false,
		"arn:aws:s3:::bucket": false, "point-abcdefgh-s3alias": false, "point--ol-s3": false, "zone--use1-az4--x-s3": false, "abcd.mrap": false,
	} {
		if bucket := ValidName(name); bucket != want {
			t.Errorf("%q: got %t", name, bucket)
		}
	}
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
		{"from beyond the end", 0, 0, 100_001, true},
		{"never a byte", 0, 100, 0, true},
	}
	content := strings.Repeat("0123456789", 10_000)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &cutting{content: content, after: tt.after, cuts: tt.cuts}
			o := newTestBucket(t, c).OpenVersion(t.Context(), "k", "", "", tt.offset)
			defer o.Close()
			got, err := io.ReadAll(o)
			if (err != nil) != tt.fails {
				t.Fatalf("after %v: %v", c.ranges, err)
			}
			if beyond := tt.offset > int64(len(content)); errors.Is(err, ErrBeyondEnd) != beyond {
				t.Errorf("from %d: %v", tt.offset, err)
			}
			if !tt.fails && !bytes.Equal(got, []byte(content[tt.offset:])) {
				t.Errorf("got %d bytes, want %d, after %v", len(got), len(content)-int(tt.offset), c.ranges)
			}
		})
	}
}

// A body that has come whole and does not have its checksum is an error, not a download to go on with.
func TestDownloadOfWrongBytes(t *testing.T) {
	asked := 0
	o := newTestBucket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Length", "7")
		if asked++; r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		_, _ = io.WriteString(w, "corrupt")
	})).Open(t.Context(), "k")
	defer o.Close()
	if got, err := io.ReadAll(o); err == nil || !strings.Contains(err.Error(), "checksum") || asked != 1 {
		t.Errorf("%q, %v, after %d requests", got, err, asked)
	}
}

// Only a 412 says that another has won; a 409 asks to try again.
func TestClaimInConflict(t *testing.T) {
	tests := []struct {
		name      string
		conflicts int // answers of 409 before the last one
		last      int
		won       bool
		status    int // of the error
	}{
		{"then won", 2, http.StatusOK, true, 0},
		{"then lost", 1, http.StatusPreconditionFailed, false, 0},
		{"for ever", 100, http.StatusOK, false, http.StatusConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			b := newTestBucket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if asked++; asked <= tt.conflicts {
					w.WriteHeader(http.StatusConflict)
					_, _ = io.WriteString(w, "<Error><Code>ConditionalRequestConflict</Code></Error>")
					return
				}
				w.WriteHeader(tt.last)
			}))
			won, err := b.Claim(t.Context(), "k", 1)
			if won != tt.won || Status(err) != tt.status || (err != nil) != (tt.status != 0) {
				t.Errorf("won %t, %v, after %d requests", won, err, asked)
			}
		})
	}
}

// An object that lacks a chunk must not appear, even if its writer goes on after the error.
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
	w := newTestBucket(t, s3).Create(t.Context(), "k", nil)
	for range 3 {
		_, _ = w.Write(make([]byte, chunkSize)) // the error is what this is about
	}
	if err := w.Commit(); Status(err) != http.StatusForbidden || completed {
		t.Errorf("commit: %v, completed: %t", err, completed)
	}
	w.Abandon()
}

// Writers of one spool send as many chunks at once as it allows, and have no file open for what they have sent.
func TestSpoolSendsAFewAtOnce(t *testing.T) {
	const atOnce, writers = 3, 8
	var under, most atomic.Int64
	full, once := make(chan struct{}), sync.Once{}
	b := newTestBucket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.URL.Query().Has("uploads"):
			_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
		case r.URL.Query().Has("partNumber"):
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			if under.Load() == atOnce {
				once.Do(func() { close(full) })
			}
			<-full
			under.Add(-1)
			w.Header().Set("ETag", `"e"`)
		default:
			_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
		}
	}))
	spool := b.NewSpool(t.TempDir(), atOnce)
	line := bytes.Repeat([]byte("x"), 1<<20)
	var all []*Writer
	for i := range writers {
		w := spool.Create(t.Context(), fmt.Sprint(i))
		for range chunkSize / len(line) {
			if _, err := w.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, w)
	}
	for _, w := range all {
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		for _, p := range []pending{w.pending, w.sending} {
			if p.(*inFile).file != nil {
				t.Error("a file is open")
			}
		}
	}
	if most.Load() != atOnce {
		t.Errorf("%d chunks were sent at once, want %d", most.Load(), atOnce)
	}
}
