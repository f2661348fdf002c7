package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// store is the bucket that has the files and the jobs' records. Records are small JSON objects.
type store struct {
	s3     *s3.Client
	bucket string
	temp   string // a directory for what is too large for memory
}

// get reads a record; found is false where there is none.
func (s *store) get(ctx context.Context, key string, into any) (found bool, err error) {
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	return true, nil
}

// put writes a record.
func (s *store) put(ctx context.Context, key string, record any) error {
	_, err := s.s3.PutObject(ctx, s.record(key, record))
	return err
}

// claim writes a record unless there is one. won is false where there is, which may be our own if an
// earlier answer was lost: the claimant tells by what it reads.
func (s *store) claim(ctx context.Context, key string, record any) (won bool, err error) {
	in := s.record(key, record)
	in.IfNoneMatch = aws.String("*")
	_, err = s.s3.PutObject(ctx, in)
	if isStatus(err, http.StatusPreconditionFailed) || isStatus(err, http.StatusConflict) {
		return false, nil
	}
	return err == nil, err
}

func (s *store) record(key string, record any) *s3.PutObjectInput {
	raw, err := json.MarshalIndent(record, "", " ") // people read them, too
	if err != nil {
		panic("batch: " + err.Error()) // records have nothing that does not marshal
	}
	return &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(raw), ContentType: aws.String("application/json"),
	}
}

// putBytes writes an object of lines.
func (s *store) putBytes(ctx context.Context, key string, lines []byte) error {
	_, err := s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(lines), ContentType: aws.String("application/jsonl"),
	})
	return err
}

// head tells of an object; nil where there is none. An empty version is the newest.
func (s *store) head(ctx context.Context, key, version string) (*s3.HeadObjectOutput, error) {
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := s.s3.HeadObject(ctx, in)
	// A version that never was is a 400, not a 404.
	if isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusMethodNotAllowed) || isStatus(err, http.StatusBadRequest) && version != "" {
		return nil, nil
	}
	return out, err
}

// list calls visit with each key below prefix, in order.
func (s *store) list(ctx context.Context, prefix string, visit func(key string)) error {
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			visit(*object.Key)
		}
	}
	return nil
}

func isStatus(err error, status int) bool {
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() == status
}

// rereads is how often a download goes on after it broke off without having brought a byte.
const rereads = 5

// object reads an object from an offset on, and goes on where a download breaks off.
type object struct {
	ctx     context.Context
	store   *store
	key     string
	version string // "" is the newest
	etag    string // of what was read first, so that no two objects are mixed
	offset  int64
	body    io.ReadCloser
	failed  int
}

func (s *store) open(ctx context.Context, key, version string, offset int64) *object {
	return &object{ctx: ctx, store: s, key: key, version: version, offset: offset}
}

func (o *object) Read(p []byte) (int, error) {
	for {
		if o.body == nil {
			if err := o.request(); err != nil {
				return 0, err
			}
		}
		n, err := o.body.Read(p)
		o.offset += int64(n)
		if n > 0 {
			o.failed = 0
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		o.Close()
		if o.failed++; o.failed > rereads || o.ctx.Err() != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (o *object) request() error {
	in := &s3.GetObjectInput{Bucket: &o.store.bucket, Key: &o.key}
	if o.version != "" {
		in.VersionId = &o.version
	}
	if o.etag != "" {
		in.IfMatch = &o.etag
	}
	if o.offset > 0 {
		in.Range = aws.String("bytes=" + strconv.FormatInt(o.offset, 10) + "-")
	}
	out, err := o.store.s3.GetObject(o.ctx, in)
	if isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		o.body = io.NopCloser(bytes.NewReader(nil)) // the offset is the object's end
		return nil
	}
	if err != nil {
		return err
	}
	o.body, o.etag = out.Body, aws.ToString(out.ETag)
	return nil
}

// Close ends the download; a later Read begins another.
func (o *object) Close() error {
	if o.body != nil {
		_ = o.body.Close() // what was read is all that counts
		o.body = nil
	}
	return nil
}
