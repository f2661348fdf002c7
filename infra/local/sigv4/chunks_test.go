package sigv4_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/sigv4"
)

// documented verifies as the access key of AWS's documentation, on the day of its examples.
func documented() *sigv4.Verifier {
	return &sigv4.Verifier{
		Secret: func(string) (string, bool) { return "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", true },
		Now:    func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) },
	}
}

// chunkedUpload is the upload of 65 KiB of "a" in AWS's documentation of chunked bodies.
func chunkedUpload(body string, header map[string]string) *http.Request {
	r := httptest.NewRequest("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(body))
	for name, value := range map[string]string{
		"X-Amz-Date":                   "20130524T000000Z",
		"X-Amz-Storage-Class":          "REDUCED_REDUNDANCY",
		"Content-Encoding":             "aws-chunked",
		"X-Amz-Decoded-Content-Length": "66560",
	} {
		r.Header.Set(name, value)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

const (
	kib64 = 65536
	kib1  = 1024
)

var (
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
	signedHeader = map[string]string{
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"Content-Length":       "66824",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	}
	signedBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", kib64) +
		"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", kib1) +
		"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"

	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
	trailerHeader = map[string]string{
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"X-Amz-Trailer":        "x-amz-checksum-crc32c",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer," +
			"Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
	}
	trailerBody = "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" + strings.Repeat("a", kib64) +
		"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" + strings.Repeat("a", kib1) +
		"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)

func TestVerifyChunks(t *testing.T) {
	tests := []struct {
		name   string
		header map[string]string
		body   string
		code   string // "" if the body is in order
	}{
		{"signed", signedHeader, signedBody, ""},
		{"signed, with a trailer", trailerHeader, trailerBody, ""},
		{"another byte", signedHeader, strings.Replace(signedBody, "aaa", "aba", 1), sigv4.SignatureDoesNotMatch},
		{"another byte in the last chunk", signedHeader, strings.Replace(signedBody, "a\r\n0", "b\r\n0", 1), sigv4.SignatureDoesNotMatch},
		{"another last signature", signedHeader, strings.Replace(signedBody, "b6c6", "b6c7", 1), sigv4.SignatureDoesNotMatch},
		{"another trailer", trailerHeader, strings.Replace(trailerBody, "sOO8", "sOO9", 1), sigv4.SignatureDoesNotMatch},
		{"cut off in a chunk", signedHeader, signedBody[:kib64], sigv4.IncompleteBody},
		{"cut off before the end", signedHeader, signedBody[:len(signedBody)-90], sigv4.IncompleteBody},
		{"size that is none", signedHeader, "x" + signedBody, sigv4.IncompleteBody},
		{"longer than announced", signedHeader, "20000" + signedBody[5:], sigv4.IncompleteBody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := chunkedUpload(tt.body, tt.header)
			if _, err := documented().Verify(r); err != nil {
				t.Fatal(err)
			}
			// Who knows the length reads no further.
			body, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
			if tt.code != "" {
				if refusal, ok := errors.AsType[*sigv4.Error](err); !ok || refusal.Code != tt.code {
					t.Fatalf("got %v, want %s", err, tt.code)
				}
				return
			}
			if err != nil || !bytes.Equal(body, bytes.Repeat([]byte("a"), kib64+kib1)) {
				t.Fatalf("got %d bytes, %v", len(body), err)
			}
			if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("after the end %d, %v", n, err)
			}
			if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Length") != "66560" {
				t.Errorf("header %v", r.Header)
			}
			if want := tt.header["X-Amz-Trailer"]; want != "" && r.Trailer.Get(want) != "sOO8/Q==" {
				t.Errorf("trailer %v", r.Trailer)
			}
		})
	}
}

func TestVerifyStreamsHashedBody(t *testing.T) {
	tests := []struct {
		name, body, send, code string
	}{
		{name: "as announced", body: "body", send: "body"},
		{name: "another", body: "body", send: "Body", code: sigv4.PayloadMismatch},
		{name: "nothing", body: "", send: ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request{method: "PUT", url: "http://s3.example/bucket/key", body: tt.body, service: "s3", hashHeader: true,
				tamper: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(tt.send)) }}.sign(t)
			var readErr error
			_, body, err := verifyReading(t, r, &readErr)
			if err != nil {
				t.Fatal(err)
			}
			refusal, _ := errors.AsType[*sigv4.Error](readErr)
			if body != tt.send || (refusal != nil) != (tt.code != "") || refusal != nil && refusal.Code != tt.code {
				t.Errorf("got %q, %v, want %q", body, readErr, tt.code)
			}
		})
	}
}
