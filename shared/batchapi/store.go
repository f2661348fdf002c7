package batchapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// store is the bucket.
type store struct {
	s3     *s3.Client
	bucket string
}

// get reads a record; found is false where there is none.
func (s *store) get(ctx context.Context, key string, into any) (found bool, err error) {
	body, err := s.read(ctx, key, "")
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	raw, err := io.ReadAll(body)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	return true, nil
}

// read opens an object, or the part of it that a Range header names.
func (s *store) read(ctx context.Context, key, span string) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	if span != "" {
		in.Range = &span
	}
	out, err := s.s3.GetObject(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

func (s *store) put(ctx context.Context, key, contentType string, content []byte) error {
	_, err := s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(content), ContentType: &contentType,
	})
	return err
}

func (s *store) putRecord(ctx context.Context, key string, record any) error {
	return s.put(ctx, key, "application/json", encode(record))
}

// claim writes a record unless there is one.
func (s *store) claim(ctx context.Context, key string, record any) (won bool, err error) {
	_, err = s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(encode(record)),
		ContentType: aws.String("application/json"), IfNoneMatch: aws.String("*"),
	})
	if isStatus(err, http.StatusPreconditionFailed) || isStatus(err, http.StatusConflict) {
		return false, nil
	}
	return err == nil, err
}

func encode(record any) []byte {
	raw, err := json.Marshal(record)
	if err != nil {
		panic("batchapi: " + err.Error()) // records have nothing that does not marshal
	}
	return raw
}

func (s *store) delete(ctx context.Context, key string) error {
	_, err := s.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	return err
}

// object is what a list tells of one.
type object struct {
	key      string
	size     int64
	modified time.Time
}

// list calls visit with each object below prefix that comes after a key, in the keys' order, until
// visit says that it is enough.
func (s *store) list(ctx context.Context, prefix, after string, visit func(object) (more bool)) error {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(s.s3, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if !visit(object{*o.Key, aws.ToInt64(o.Size), aws.ToTime(o.LastModified)}) {
				return nil
			}
		}
	}
	return nil
}

// link is a URL that reads an object for some minutes, under another name.
func (s *store) link(ctx context.Context, key, name string) (string, error) {
	request, err := s3.NewPresignClient(s.s3).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: &key, ResponseContentDisposition: aws.String(attachment(name)),
	}, s3.WithPresignExpires(linkLife))
	if err != nil {
		return "", err
	}
	return request.URL, nil
}

func isStatus(err error, status int) bool {
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() == status
}
