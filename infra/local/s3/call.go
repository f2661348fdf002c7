package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/rclone/gofakes3"

	"aoai-bridge/infra/local/sigv4"
)

// A call is what the protocol does not pass on to where objects are kept: it travels in the context.
type call struct {
	answer          http.Header
	body            *checkedBody
	version         gofakes3.VersionID // that HEAD or a copy asks for; "" for the current one
	versionedObject string             // BUCKET/KEY
	deletions       []deletion         // that DeleteObjects asks for
}

// A deletion is an object, or a version of one, in a DeleteObjects request.
type deletion struct {
	Key       string
	VersionID gofakes3.VersionID `xml:"VersionId"`
}

type callKey struct{}

// callOf returns a request's call, or an empty one outside of a request.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{answer: make(http.Header), body: &checkedBody{}}
}

// askedVersion returns the version that a HEAD, or the source of a copy, is about. gofakes3 looks at
// neither.
func askedVersion(r *http.Request) (version gofakes3.VersionID, of string) {
	query := r.URL.Query()
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
		path, rest, _ := strings.Cut(source, "?")
		query, _ = url.ParseQuery(rest)
		of, _ = url.QueryUnescape(strings.TrimPrefix(path, "/"))
	}
	return gofakes3.VersionID(query.Get("versionId")), of
}

// readDeletions reads what DeleteObjects is to delete, since gofakes3 drops the versions, and puts the
// body back. A body that is no such request is left to gofakes3 to refuse.
func (c *call) readDeletions(r *http.Request) {
	if r.Method != http.MethodPost || !r.URL.Query().Has("delete") {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, gofakes3.MaxXMLBodySize+1))
	var request struct {
		Objects []deletion `xml:"Object"`
	}
	if err == nil && xml.Unmarshal(body, &request) == nil {
		c.deletions = request.Objects
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), errorReader{err}))
}

// errorReader is a reader's end.
type errorReader struct{ err error }

func (f errorReader) Read([]byte) (int, error) { return 0, cmp.Or(f.err, io.EOF) }

// versionFor returns the version of an object that c is about.
func (c *call) versionFor(bucket, key string) gofakes3.VersionID {
	if c.versionedObject != "" && c.versionedObject != bucket+"/"+key {
		return ""
	}
	return c.version
}

// checksums are the algorithms of x-amz-checksum-NAME.
var checksums = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

const checksumHeader = "X-Amz-Checksum-"

// A checkedBody checks a request's body against the checksum that came with it, in the header or
// after the body, and reports what is wrong with a body as gofakes3 does.
type checkedBody struct {
	from    io.ReadCloser
	request *http.Request
	left    int64 // negative: unknown
	hash    hash.Hash
	name    string // of the header or trailer: X-Amz-Checksum-Crc32
}

// newCheckedBody takes r's body. The checksum that comes with the completion of an upload is not
// that of the request's body.
func newCheckedBody(r *http.Request) *checkedBody {
	b := &checkedBody{from: r.Body, request: r, left: r.ContentLength}
	if r.Method != http.MethodPut {
		return b
	}
	trailer := http.CanonicalHeaderKey(r.Header.Get("X-Amz-Trailer"))
	for algorithm, new := range checksums {
		if name := checksumHeader + algorithm; trailer == name || r.Header.Get(name) != "" {
			b.name, b.hash = name, new()
		}
	}
	return b
}

func (b *checkedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	atEnd := err == io.EOF
	if b.left > 0 {
		b.left -= int64(n)
		atEnd = atEnd || b.left == 0
	}
	if refusal, ok := errors.AsType[*sigv4.Error](err); ok {
		return n, gofakes3.ErrorMessage(gofakes3.ErrBadDigest, refusal.Error())
	}
	if atEnd && (err == nil || err == io.EOF) {
		if wrong := b.check(); wrong != nil {
			return n, wrong
		}
	}
	return n, err
}

func (b *checkedBody) Close() error { return b.from.Close() }

func (b *checkedBody) check() error {
	if b.hash == nil {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(b.claimedChecksum())
	if err != nil || !bytes.Equal(want, b.hash.Sum(nil)) {
		return gofakes3.ErrorMessagef(gofakes3.ErrBadDigest, "The %s you specified did not match the calculated checksum.",
			strings.ToUpper(strings.TrimPrefix(b.name, checksumHeader)))
	}
	return nil
}

func (b *checkedBody) claimedChecksum() string {
	if value := b.request.Header.Get(b.name); value != "" {
		return value
	}
	return b.request.Trailer.Get(b.name)
}

// recordChecksum adds the checksum to an object's metadata, where gofakes3 puts those of the header only,
// and to the answer.
func (b *checkedBody) recordChecksum(metadata map[string]string, answer http.Header) {
	if b.hash != nil {
		metadata[b.name] = b.claimedChecksum()
		answer.Set(b.name, b.claimedChecksum())
	}
}
