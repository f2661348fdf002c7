// Package bucket keeps objects in S3: small records of JSON, which can be claimed, and files of lines of any
// size, read and written as they stream. It does not know what is in them.
package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bucket is a bucket of S3. Its methods may be called concurrently.
type Bucket struct {
	s3   *s3.Client
	name string
}

// New makes a Bucket.
func New(cfg aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // a custom endpoint has no host name for each bucket
		// Of two claims at once S3 may refuse both with this 409, which asks to try again; the SDK does not.
		o.Retryer = retry.AddWithErrorCodes(o.Retryer, "ConditionalRequestConflict")
	})
	return &Bucket{client, name}
}

// ValidName reports whether a name can be a bucket's: 3 to 63 lower-case letters, digits, dots and hyphens ("General
// purpose bucket naming rules", S3 User Guide). S3 may still accept other names, since it decodes a
// slash and takes ARNs: such a name reaches objects past a check of bucket and key. So may an alias of an access point,
// which looks like a bucket's name except for its ending.
func ValidName(name string) bool {
	return nameForm().MatchString(name) && !strings.Contains(name, "..") && !aliasForm().MatchString(name)
}

var (
	nameForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })
	aliasForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$`) })
)

// Name is the bucket's.
func (b *Bucket) Name() string { return b.name }

// Other returns another bucket, reached with the same client.
func (b *Bucket) Other(name string) *Bucket { return &Bucket{b.s3, name} }

// JSONL is the content type of a file of lines.
const JSONL = "application/jsonl"

const recordType = "application/json"

// Get reads a record; found is false where there is none.
func (b *Bucket) Get(ctx context.Context, key string, into any) (found bool, err error) {
	etag, err := b.GetTagged(ctx, key, into)
	return etag != "", err
}

// GetTagged reads a record and returns its ETag, "" where there is none: what Replace takes.
func (b *Bucket) GetTagged(ctx context.Context, key string, into any) (etag string, err error) {
	body := b.Open(ctx, key)
	defer body.Close()
	raw, err := io.ReadAll(body)
	if Status(err) == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return body.etag, nil
}

// Put writes a record.
func (b *Bucket) Put(ctx context.Context, key string, record any) error {
	return b.PutBytes(ctx, key, recordType, encode(record))
}

// Claim writes a record unless there is one. won is false where there is, which may be our own if an
// earlier answer was lost: the claimant has to read it to find out.
func (b *Bucket) Claim(ctx context.Context, key string, record any) (won bool, err error) {
	return b.Replace(ctx, key, record, "")
}

// Replace writes a record in place of the one that has an ETag, or of none where that is "". won is false where
// there is another by now, which may be our own, as with Claim.
func (b *Bucket) Replace(ctx context.Context, key string, record any, etag string) (won bool, err error) {
	in := b.putInput(key, recordType, encode(record))
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	_, err = b.s3.PutObject(ctx, in)
	status := Status(err)
	if status == http.StatusPreconditionFailed || status == http.StatusNotFound && etag != "" { // which was deleted
		return false, nil
	}
	return err == nil, err
}

func encode(record any) []byte {
	raw, err := json.MarshalIndent(record, "", " ") // people read them, too
	if err != nil {
		panic("bucket: " + err.Error()) // records have nothing that does not marshal
	}
	return raw
}

// PutBytes writes an object.
func (b *Bucket) PutBytes(ctx context.Context, key, contentType string, content []byte) error {
	_, err := b.s3.PutObject(ctx, b.putInput(key, contentType, content))
	return err
}

func (b *Bucket) putInput(key, contentType string, content []byte) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(content), ContentType: &contentType}
}

// Delete removes an object, if there is one.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	return err
}

// Object describes an object.
type Object struct {
	Key      string
	Size     int64 // bytes
	ETag     string
	Modified time.Time

	// Left empty by List.
	Version  string // "null" or "" in a bucket without versions
	Metadata map[string]string
}

// Head describes an object; it returns nil if there is none. An empty version is the newest.
func (b *Bucket) Head(ctx context.Context, key, version string) (*Object, error) {
	in := &s3.HeadObjectInput{Bucket: &b.name, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := b.s3.HeadObject(ctx, in)
	switch status := Status(err); {
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return nil, nil
	case status == http.StatusBadRequest && version != "": // a version that never was is a 400, not a 404
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Object{
		Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified),
		Version: aws.ToString(out.VersionId), Metadata: out.Metadata,
	}, nil
}

// List calls visit with each object below prefix whose key comes after a key, in the keys' order, until
// visit returns false.
func (b *Bucket) List(ctx context.Context, prefix, after string, visit func(Object) (more bool)) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(b.s3, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if !visit(Object{Key: *o.Key, Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified)}) {
				return nil
			}
		}
	}
	return nil
}

// Keys returns the keys of all objects below prefix, in order.
func (b *Bucket) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	err = b.List(ctx, prefix, "", func(o Object) bool {
		keys = append(keys, o.Key)
		return true
	})
	return keys, err
}

// Link returns a presigned URL that reads an object, with a Content-Disposition, and is valid for life.
func (b *Bucket) Link(ctx context.Context, key, disposition string, life time.Duration) (string, error) {
	request, err := s3.NewPresignClient(b.s3).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, ResponseContentDisposition: &disposition,
	}, s3.WithPresignExpires(life))
	if err != nil {
		return "", err
	}
	return request.URL, nil
}

// Status returns the HTTP status that S3 answered with, and 0 if err is not an answer of S3.
func Status(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}
