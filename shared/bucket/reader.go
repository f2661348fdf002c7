package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxRereads is how often a download that broke off is continued without having got a byte.
const maxRereads = 5

// ErrBeyondEnd is the error of a Reader whose offset is beyond the end of the object, which has become shorter.
var ErrBeyondEnd = errors.New("the object ends before the offset")

// Reader reads an object, and continues where a download breaks off.
type Reader struct {
	ctx      context.Context
	bucket   *Bucket
	key      string
	version  string // "" is the newest
	etag     string // of what was read first, so that no two objects are mixed
	offset   int64
	end      int64 // of the object, as the download announces it; -1 if it does not
	body     io.ReadCloser
	failures int
}

// Open reads the newest version of an object. S3 is not asked before the first Read, or Begin.
func (b *Bucket) Open(ctx context.Context, key string) *Reader {
	return &Reader{ctx: ctx, bucket: b, key: key}
}

// OpenVersion reads an object from an offset on. "" is any version, the newest first, and any ETag.
func (b *Bucket) OpenVersion(ctx context.Context, key, version, etag string, offset int64) *Reader {
	return &Reader{ctx: ctx, bucket: b, key: key, version: version, etag: etag, offset: offset}
}

func (r *Reader) Read(p []byte) (int, error) {
	for {
		if err := r.Begin(); err != nil {
			return 0, err
		}
		n, err := r.body.Read(p)
		r.offset += int64(n)
		if n > 0 {
			r.failures = 0
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		r.Close()
		if r.offset == r.end {
			return n, err // nothing is left to read: the checksum of the whole is wrong
		}
		if r.failures++; r.failures > maxRereads || r.ctx.Err() != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// From has the next Read begin at an offset of the same object.
func (r *Reader) From(offset int64) {
	r.Close()
	r.offset = offset
}

// Begin asks S3 for the object, unless that has been done. It fails if there is no such object.
func (r *Reader) Begin() error {
	if r.body != nil {
		return nil
	}
	in := &s3.GetObjectInput{Bucket: &r.bucket.name, Key: &r.key}
	if r.version != "" {
		in.VersionId = &r.version
	}
	if r.etag != "" {
		in.IfMatch = &r.etag
	}
	if r.offset > 0 {
		in.Range = aws.String("bytes=" + strconv.FormatInt(r.offset, 10) + "-")
	}
	out, err := r.bucket.s3.GetObject(r.ctx, in)
	if Status(err) == http.StatusRequestedRangeNotSatisfiable {
		return r.beginAtEnd()
	}
	if err != nil {
		return err
	}
	r.body, r.etag, r.end = out.Body, aws.ToString(out.ETag), -1
	if out.ContentLength != nil {
		r.end = r.offset + *out.ContentLength
	}
	return nil
}

// beginAtEnd begins a read of nothing if the offset is the object's end. Beyond the end it fails.
func (r *Reader) beginAtEnd() error {
	o, err := r.bucket.Head(r.ctx, r.key, r.version)
	if err != nil {
		return err
	}
	if o == nil || o.Size != r.offset {
		return fmt.Errorf("%s at byte %d: %w", r.key, r.offset, ErrBeyondEnd)
	}
	r.body, r.end = io.NopCloser(bytes.NewReader(nil)), r.offset
	return nil
}

// Close ends the download; a later Read begins another.
func (r *Reader) Close() error {
	if r.body != nil {
		_ = r.body.Close() // only what was read counts
		r.body = nil
	}
	return nil
}
