package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"aoai-bridge/infra/local/sigv4"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// verify sends r to a server of its own and returns what Verify said there: only a request that
// crossed a wire has the shape that a verifier gets to see.
func verify(t *testing.T, r *http.Request) (scope sigv4.Scope, body string, err error) {
	t.Helper()
	var readErr error
	return verifyReading(t, r, &readErr)
}

// verifyReading is verify, which also says how reading the body ended.
func verifyReading(t *testing.T, r *http.Request, readErr *error) (scope sigv4.Scope, body string, err error) {
	t.Helper()
	verifier := &sigv4.Verifier{
		Secret: func(id string) (string, bool) { return "secret-of-" + id, id == "AKID" },
		Now:    func() time.Time { return noon },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope, err = verifier.Verify(r)
		var read []byte
		read, *readErr = io.ReadAll(r.Body)
		body = string(read)
	}))
	defer server.Close()
	// The signature covers the Host header, not the address that is dialled.
	address, _ := url.Parse(server.URL)
	r.URL.Scheme, r.URL.Host = address.Scheme, address.Host
	response, sendErr := server.Client().Do(r)
	if sendErr != nil {
		t.Fatal(sendErr)
	}
	response.Body.Close()
	return scope, body, err
}

type request struct {
	method, url, body string
	header            http.Header
	service           string
	payloadHash       string // of the body when empty
	hashHeader        bool   // say the body's hash in a header, as for S3
	accessKey         string // AKID when empty
	secret            string // the right one when empty
	signedAt          time.Time
	presign           bool
	expires           string
	tamper            func(*http.Request)
}

func (q request) sign(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequest(q.method, q.url, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.payloadHash == "" {
		digest := sha256.Sum256([]byte(q.body))
		q.payloadHash = hex.EncodeToString(digest[:])
	} else {
		q.hashHeader = true
	}
	if q.hashHeader {
		r.Header.Set("X-Amz-Content-Sha256", q.payloadHash)
	}
	if q.accessKey == "" {
		q.accessKey = "AKID"
	}
	if q.secret == "" {
		q.secret = "secret-of-AKID"
	}
	if q.signedAt.IsZero() {
		q.signedAt = noon
	}
	credentials := aws.Credentials{AccessKeyID: q.accessKey, SecretAccessKey: q.secret}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = q.service == "s3" })
	if q.presign {
		r = presign(t, q, r, signer, credentials)
	} else if err := signer.SignHTTP(context.Background(), credentials, r, q.payloadHash, q.service, "eu-west-1", q.signedAt); err != nil {
		t.Fatal(err)
	}
	r.Host = r.URL.Host
	if q.tamper != nil {
		q.tamper(r)
	}
	return r
}

func presign(t *testing.T, q request, r *http.Request, signer *v4.Signer, credentials aws.Credentials) *http.Request {
	t.Helper()
	query := r.URL.Query()
	query.Set("X-Amz-Expires", q.expires)
	r.URL.RawQuery = query.Encode()
	signed, header, err := signer.PresignHTTP(context.Background(), credentials, r, q.payloadHash, q.service, "eu-west-1", q.signedAt)
	if err != nil {
		t.Fatal(err)
	}
	presigned, err := http.NewRequest(q.method, signed, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	presigned.Header = header
	presigned.Header.Del("Host")
	presigned.Header.Del("Content-Length")
	return presigned
}

func TestVerifyAccepts(t *testing.T) {
	tests := []struct {
		name string
		request
	}{
		{"json", request{method: "POST", url: "http://secretsmanager.example/", body: `{"SecretId":"a"}`, service: "secretsmanager",
			header: http.Header{"X-Amz-Target": {"secretsmanager.GetSecretValue"}, "Content-Type": {"application/x-amz-json-1.1"}}}},
		{"form", request{method: "POST", url: "http://sts.example:8081/", body: "Action=GetCallerIdentity", service: "sts"}},
		{"no body", request{method: "GET", url: "http://lambda.example/2015-03-31/functions", service: "lambda"}},
		{"no path", request{method: "GET", url: "http://lambda.example", service: "lambda"}},
		{"an ARN in the path", request{method: "POST", service: "lambda", body: "{}",
			url: "http://lambda.example/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3AChat/invocations"}},
		{"spaces in a header", request{method: "GET", url: "http://a.example/", service: "sts", header: http.Header{"X-Amz-Meta": {"  a   b  ", "c"}}}},
		{"a query to sort and escape", request{method: "GET", url: "http://a.example/?b=2&a=x%20y&a=a%2Fb&a=a-b&list", service: "sts"}},
		{"a key that needs escaping, S3", request{method: "PUT", url: "http://s3.example/bucket/in%20box/%C3%A4+b.jsonl", body: "x", service: "s3"}},
		{"unsigned payload", request{method: "PUT", url: "http://s3.example/bucket/key", body: "x", service: "s3", payloadHash: "UNSIGNED-PAYLOAD"}},
		{"14 minutes old", request{method: "GET", url: "http://a.example/", service: "sts", signedAt: noon.Add(-14 * time.Minute)}},
		{"14 minutes ahead", request{method: "GET", url: "http://a.example/", service: "sts", signedAt: noon.Add(14 * time.Minute)}},
		{"presigned", request{method: "GET", url: "http://s3.example/bucket/key?versionId=1", service: "s3", presign: true,
			expires: "3600", payloadHash: "UNSIGNED-PAYLOAD", signedAt: noon.Add(-59 * time.Minute)}},
		{"presigned for STS", request{method: "GET", url: "http://sts.example/?Action=GetCallerIdentity", service: "sts", presign: true, expires: "60"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scope, body, err := verify(t, tt.sign(t))
			if err != nil {
				t.Fatal(err)
			}
			if want := (sigv4.Scope{AccessKeyID: "AKID", Date: "20260102", Region: "eu-west-1", Service: tt.service}); scope != want {
				t.Errorf("scope %+v, want %+v", scope, want)
			}
			if body != tt.body {
				t.Errorf("body %q after verification, want %q", body, tt.body)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	post := request{method: "POST", url: "http://a.example/path?q=1", body: "body", service: "sts", header: http.Header{"X-Amz-Target": {"Op"}}}
	get := request{method: "GET", url: "http://s3.example/bucket/key", service: "s3", presign: true, expires: "60", payloadHash: "UNSIGNED-PAYLOAD"}
	tests := []struct {
		name    string
		base    request
		change  func(*request)
		code    string
		message string // a part of it
		service string // of the scope that came back
	}{
		{"no signature", post, tamper(func(r *http.Request) { r.Header.Del("Authorization") }),
			sigv4.MissingAuthenticationToken, "Missing Authentication Token", ""},
		{"another scheme", post, tamper(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }),
			sigv4.MissingAuthenticationToken, "Missing Authentication Token", ""},
		{"no date", post, tamper(func(r *http.Request) { r.Header.Del("X-Amz-Date") }),
			sigv4.IncompleteSignature, "'X-Amz-Date'", "sts"},
		{"half a header", post, tamper(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a") }),
			sigv4.IncompleteSignature, "'Signature' parameter", ""},
		{"short credential", post, tamper(func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=host,Signature=0")
		}), sigv4.IncompleteSignature, "5 slash-delimited", ""},
		{"date that is none", post, tamper(func(r *http.Request) { r.Header.Set("X-Amz-Date", "today") }),
			sigv4.IncompleteSignature, "Got 'today'", "sts"},
		{"another day than the scope's", post, tamper(func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260103T000000Z") }),
			sigv4.SignatureDoesNotMatch, "'20260102' != '20260103'", "sts"},
		{"unknown access key", post, func(q *request) { q.accessKey = "OTHER" },
			sigv4.InvalidClientTokenID, "security token included in the request is invalid", "sts"},
		{"wrong secret", post, func(q *request) { q.secret = "wrong" },
			sigv4.SignatureDoesNotMatch, "The Canonical String for this request should have been\n'POST\n/path\nq=1\n", "sts"},
		{"old", post, func(q *request) { q.signedAt = noon.Add(-16 * time.Minute) }, sigv4.SignatureDoesNotMatch,
			"Signature expired: 20260102T114400Z is now earlier than 20260102T114500Z (20260102T120000Z - 15 min.)", "sts"},
		{"from the future", post, func(q *request) { q.signedAt = noon.Add(16 * time.Minute) }, sigv4.SignatureDoesNotMatch,
			"Signature not yet current: 20260102T121600Z is still later than 20260102T121500Z (20260102T120000Z + 15 min.)", "sts"},
		{"other body", post, tamper(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("Body")) }),
			sigv4.SignatureDoesNotMatch, "does not match", "sts"},
		{"other body under a claimed hash", post, func(q *request) { q.payloadHash = strings.Repeat("0", 64) },
			sigv4.SignatureDoesNotMatch, "does not match", "sts"},
		{"other path", post, tamper(func(r *http.Request) { r.URL.Path = "/other" }), sigv4.SignatureDoesNotMatch, "'POST\n/other\n", "sts"},
		{"other query", post, tamper(func(r *http.Request) { r.URL.RawQuery = "q=2" }), sigv4.SignatureDoesNotMatch, "\nq=2\n", "sts"},
		{"other header", post, tamper(func(r *http.Request) { r.Header.Set("X-Amz-Target", "Other") }),
			sigv4.SignatureDoesNotMatch, "x-amz-target:Other\n", "sts"},
		{"other host", post, tamper(func(r *http.Request) { r.Host = "b.example" }), sigv4.SignatureDoesNotMatch, "host:b.example\n", "sts"},
		{"presigned, expired", get, func(q *request) { q.signedAt = noon.Add(-2 * time.Minute) },
			sigv4.SignatureDoesNotMatch, "Signature expired", "s3"},
		{"presigned, other key", get, tamper(func(r *http.Request) { r.URL.Path = "/bucket/other" }),
			sigv4.SignatureDoesNotMatch, "does not match", "s3"},
		{"presigned, no algorithm", get, tamper(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=0" }),
			sigv4.IncompleteSignature, "X-Amz-Algorithm", ""},
		{"presigned, expiry that is none", get, tamper(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=0&X-Amz-Expires=x" }),
			sigv4.IncompleteSignature, "X-Amz-Expires", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.change(&tt.base)
			scope, _, err := verify(t, tt.base.sign(t))
			var refusal *sigv4.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, want a refusal", err)
			}
			if refusal.Code != tt.code || !strings.Contains(refusal.Message, tt.message) {
				t.Errorf("got %v, want %s: ...%s...", refusal, tt.code, tt.message)
			}
			if scope.Service != tt.service {
				t.Errorf("scope's service %q, want %q", scope.Service, tt.service)
			}
		})
	}
}

func tamper(change func(*http.Request)) func(*request) {
	return func(q *request) { q.tamper = change }
}

func BenchmarkVerify(b *testing.B) {
	verifier := &sigv4.Verifier{
		Secret: func(string) (string, bool) { return "secret", true },
		Now:    func() time.Time { return noon },
	}
	r := httptest.NewRequest("POST", "http://sts.example/", nil)
	digest := sha256.Sum256(nil)
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"},
		r, hex.EncodeToString(digest[:]), "sts", "us-east-1", noon)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := verifier.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}
