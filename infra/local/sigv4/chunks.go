package sigv4

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// decodeChunks makes r what it would be, had its body not been sent in aws-chunked encoding: the body's
// bytes, their length, and the trailers in r.Trailer once the last byte is read. The format is
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and, with trailers,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html.
func decodeChunks(r *http.Request, sig signature, secret, payload string) error {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return incomplete("You must provide the x-amz-decoded-content-length HTTP header.")
	}
	body := &chunkedBody{from: bufio.NewReader(r.Body), closer: r.Body, request: r, left: length, hash: sha256.New()}
	switch payload {
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		body.signer = &chunkSigner{key: signingKey(secret, sig.scope), time: sig.time, scope: sig.scope.String(), previous: sig.hex}
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
	default:
		return incomplete("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a known STREAMING value or a valid sha256 value.")
	}
	body.trailers = strings.HasSuffix(payload, "-TRAILER")
	r.Body, r.ContentLength = body, length
	r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
	r.Header.Del("X-Amz-Decoded-Content-Length")
	encodings := strings.Split(strings.ReplaceAll(r.Header.Get("Content-Encoding"), " ", ""), ",")
	encodings = slices.DeleteFunc(encodings, func(name string) bool { return name == "" || name == "aws-chunked" })
	if r.Header.Del("Content-Encoding"); len(encodings) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	if length == 0 { // it might never be read
		return body.finish()
	}
	return nil
}

func incomplete(message string) error { return &Error{IncompleteBody, message} }

// A chunkedBody decodes and checks. The end is checked together with the last byte, as in hashedBody.
type chunkedBody struct {
	from     *bufio.Reader
	closer   io.Closer
	request  *http.Request
	signer   *chunkSigner // nil: chunks have no signatures
	trailers bool

	left      int64     // bytes of the whole
	chunk     int64     // bytes left of the current chunk
	hash      hash.Hash // of the current chunk
	signature string    // of the current chunk
	err       error
}

func (b *chunkedBody) Close() error { return b.closer.Close() }

func (b *chunkedBody) Read(p []byte) (int, error) {
	if b.err == nil && b.left == 0 {
		b.err = io.EOF
	}
	if b.err == nil && b.chunk == 0 {
		if b.err = b.header(); b.err == nil && (b.chunk == 0 || b.chunk > b.left) {
			b.err = incomplete("The body's length is not the one of x-amz-decoded-content-length.")
		}
	}
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.chunk)])
	b.hash.Write(p[:n])
	b.chunk -= int64(n)
	b.left -= int64(n)
	switch {
	case b.chunk == 0:
		b.err = b.endChunk()
	case err != nil:
		b.err = cutOff(err)
	}
	if b.err == nil && b.left == 0 {
		b.err = b.finish()
	}
	return n, b.err
}

// header reads SIZE;chunk-signature=SIGNATURE, the size in hexadecimal.
func (b *chunkedBody) header() error {
	line, err := b.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	if b.chunk, err = strconv.ParseInt(size, 16, 64); err != nil || b.chunk < 0 {
		return incomplete("A chunk's size is not a hexadecimal number.")
	}
	b.signature = strings.TrimPrefix(extension, "chunk-signature=")
	b.hash.Reset()
	return nil
}

// endChunk reads the end of a chunk's line and checks its signature.
func (b *chunkedBody) endChunk() error {
	if line, err := b.line(); err != nil || line != "" {
		return errors.Join(err, incomplete("A chunk is longer than it says."))
	}
	return b.check()
}

func (b *chunkedBody) check() error {
	if b.signer == nil {
		return nil
	}
	return b.signer.check("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+hex.EncodeToString(b.hash.Sum(nil)), b.signature)
}

// finish reads the chunk of size 0, and the trailers.
func (b *chunkedBody) finish() error {
	if err := b.header(); err != nil {
		return err
	}
	if b.chunk != 0 {
		return incomplete("The body is longer than x-amz-decoded-content-length.")
	}
	if err := b.check(); err != nil || !b.trailers {
		return err
	}
	b.request.Trailer = make(http.Header)
	var signed strings.Builder
	for {
		line, err := b.line()
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok { // the empty line that ends it
			return b.checkTrailers(signed.String(), "")
		}
		if strings.EqualFold(name, "x-amz-trailer-signature") {
			return b.checkTrailers(signed.String(), value)
		}
		signed.WriteString(strings.ToLower(name) + ":" + strings.TrimSpace(value) + "\n")
		b.request.Trailer.Set(name, strings.TrimSpace(value))
	}
}

func (b *chunkedBody) checkTrailers(trailers, signature string) error {
	if b.signer == nil {
		return nil
	}
	digest := sha256.Sum256([]byte(trailers))
	return b.signer.check("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(digest[:]), signature)
}

// line reads a line, without its end. Some clients leave a bare newline between trailers.
func (b *chunkedBody) line() (string, error) {
	line, err := b.from.ReadSlice('\n')
	if err != nil {
		return "", cutOff(err)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

func cutOff(err error) error {
	if err == io.EOF || err == bufio.ErrBufferFull {
		return incomplete("You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	return err
}

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// A chunkSigner knows the signatures of a body's chunks, each of which covers the one before.
type chunkSigner struct {
	key         []byte
	time, scope string
	previous    string
}

func (s *chunkSigner) check(kind, rest, signature string) error {
	toSign := strings.Join([]string{kind, s.time, s.scope, s.previous, rest}, "\n")
	s.previous = hex.EncodeToString(hmacSHA256(s.key, toSign))
	if subtle.ConstantTimeCompare([]byte(s.previous), []byte(signature)) != 1 {
		return &Error{SignatureDoesNotMatch, "The signature of a chunk of the body does not match. The String-to-Sign should have been\n'" + toSign + "'\n"}
	}
	return nil
}
