package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streaming       = "STREAMING-"
)

// claimedHash returns what the request says about its body's hash, "" if nothing.
func claimedHash(r *http.Request, sig signature) string {
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if claimed == "" && sig.presigned {
		claimed = r.URL.Query().Get("X-Amz-Content-Sha256")
	}
	if claimed == "" && sig.presigned && sig.scope.Service == "s3" {
		claimed = unsignedPayload
	}
	return claimed
}

// payloadHash returns the last line of the canonical request. For S3, whose bodies are as large as
// they like, that is the hash the client claims, and the body is checked against it as it is read.
// For others it is the body's own hash, whatever the client claims.
func payloadHash(r *http.Request, sig signature) (string, error) {
	claimed := claimedHash(r, sig)
	if claimed == unsignedPayload || strings.HasPrefix(claimed, streaming) || sig.scope.Service == "s3" && claimed != "" {
		return claimed, nil
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return "", fmt.Errorf("reading the signed body: %w", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:]), nil
}

// checkBody makes r.Body check itself while it is read, and decode itself where it comes in chunks.
func checkBody(r *http.Request, sig signature, secret string) error {
	claimed := claimedHash(r, sig)
	switch {
	case claimed == "" || claimed == unsignedPayload || r.Body == nil:
		return nil
	case strings.HasPrefix(claimed, streaming):
		return decodeChunks(r, sig, secret, claimed)
	case sig.scope.Service == "s3":
		body := &hashedBody{from: r.Body, hash: sha256.New(), left: r.ContentLength, want: claimed}
		r.Body = body
		if r.ContentLength == 0 { // it might never be read
			return body.check()
		}
	}
	return nil
}

// A hashedBody is a body whose hash is known beforehand. It is checked together with the last byte,
// so that a reader who knows the length and stops there learns of a mismatch too.
type hashedBody struct {
	from io.ReadCloser
	hash hash.Hash
	left int64 // negative: unknown
	want string
}

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.hash.Write(p[:n])
	atEnd := err == io.EOF
	if b.left > 0 {
		b.left -= int64(n)
		atEnd = atEnd || b.left == 0
	}
	if atEnd {
		if mismatch := b.check(); mismatch != nil {
			return n, mismatch
		}
	}
	return n, err
}

func (b *hashedBody) Close() error { return b.from.Close() }

func (b *hashedBody) check() error {
	if hex.EncodeToString(b.hash.Sum(nil)) != b.want {
		return &Error{PayloadMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed."}
	}
	return nil
}
