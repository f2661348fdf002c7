// Package testaws is the AWS that a test's code calls: a bucket and a vault of secrets behind the endpoint that checks
// signatures, and a client of S3 for the test itself.
package testaws

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/secretsmanager"
)

// AWS is an account with one bucket, whose events are kept.
type AWS struct {
	Config  aws.Config
	S3      *awss3.Client
	Objects *s3.Store
	Secrets *secretsmanager.Store
	// Refuses, where it is set, reports whether a request is denied. It may be asked from several goroutines.
	Refuses func(*http.Request) bool

	t        testing.TB
	bucket   string
	services map[string]http.Handler

	mu      sync.Mutex
	created []s3.Created
}

// New returns an account that serves until the test ends.
func New(t testing.TB, bucket string) *AWS {
	t.Helper()
	a := &AWS{t: t, bucket: bucket, Secrets: secretsmanager.New()}
	a.Objects = s3.New(s3.Options{Dir: t.TempDir(), OnCreated: func(c s3.Created) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.created = append(a.created, c)
	}})
	if err := a.Objects.MakeBucket(bucket, true); err != nil {
		t.Fatal(err)
	}
	a.services = map[string]http.Handler{"s3": a.Objects, "secretsmanager": a.Secrets}
	key := func(id string) (string, bool) { return "local", id == "local" }
	endpoint := awsendpoint.New(key, a.services)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Refuses != nil && a.Refuses(r) {
			http.Error(w, `<Error><Code>AccessDenied</Code></Error>`, http.StatusForbidden)
			return
		}
		endpoint.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.Config = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	a.S3 = awss3.NewFromConfig(a.Config, func(o *awss3.Options) { o.UsePathStyle = true })
	return a
}

// Serve adds a service by its signing name. It must come before the first request.
func (a *AWS) Serve(name string, service http.Handler) { a.services[name] = service }

// Put writes an object with metadata, which is names and values in turn.
func (a *AWS) Put(key, content string, metadata ...string) {
	a.t.Helper()
	in := &awss3.PutObjectInput{Bucket: &a.bucket, Key: &key, Body: strings.NewReader(content), Metadata: map[string]string{}}
	for i := 0; i < len(metadata); i += 2 {
		in.Metadata[metadata[i]] = metadata[i+1]
	}
	if _, err := a.S3.PutObject(context.Background(), in); err != nil {
		a.t.Fatal(err)
	}
}

// Get reads an object. found is false if it cannot be had.
func (a *AWS) Get(key string) (content string, found bool) {
	a.t.Helper()
	out, err := a.S3.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: &a.bucket, Key: &key})
	if err != nil {
		return "", false
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(raw), true
}

// Created returns the newest event about a key.
func (a *AWS) Created(key string) s3.Created {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range slices.Backward(a.created) {
		if c.Key == key {
			return c
		}
	}
	a.t.Fatalf("no event about %s", key)
	return s3.Created{}
}
