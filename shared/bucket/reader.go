package bucket

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// rereads is how often a download goes on after it broke off without having brought a byte.
const rereads = 5

// Reader reads an object, and goes on where a download breaks off.
type Reader struct {
	ctx     context.Context
	bucket  *Bucket
	key     string
	version string // "" is the newest
	etag    string // of what was read first, so that no two objects are mixed
	offset  int64
	body    io.ReadCloser
	failed  int
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
			r.failed = 0
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		r.Close()
		if r.failed++; r.failed > rereads || r.ctx.Err() != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Begin asks S3 for the object, unless that has been done. Whether there is one is known then.
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
		r.body = io.NopCloser(bytes.NewReader(nil)) // the offset is the object's end
		return nil
	}
	if err != nil {
		return err
	}
	r.body, r.etag = out.Body, aws.ToString(out.ETag)
	return nil
}

// Close ends the download; a later Read begins another.
func (r *Reader) Close() error {
	if r.body != nil {
		_ = r.body.Close() // what was read is all that counts
		r.body = nil
	}
	return nil
}
