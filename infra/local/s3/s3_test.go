package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/s3"
)

const bucket = "aoai-bridge-batch"

// A world is a store with a bucket, served by the AWS endpoint, and what it reported.
type world struct {
	*s3.Store
	dir    string
	url    string
	client *awss3.Client

	mu      sync.Mutex
	created []s3.Created
}

// onDisk has open keep objects on a disk.
var onDisk bool

func open(t *testing.T, versioned bool) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	options := s3.Options{Dir: w.dir, OnCreated: func(c s3.Created) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.created = append(w.created, c)
	}}
	w.Store = s3.New(options)
	if onDisk {
		var err error
		if w.Store, err = s3.Open(t.TempDir(), options); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.MakeBucket(bucket, versioned); err != nil {
		t.Fatal(err)
	}
	w.serve(t)
	return w
}

// serve serves a store.
func serve(t *testing.T, store *s3.Store) *world {
	t.Helper()
	w := &world{Store: store}
	w.serve(t)
	return w
}

func (w *world) serve(t *testing.T) {
	secret := func(id string) (string, bool) { return "local", id == "local" }
	server := httptest.NewServer(awsendpoint.New(secret, map[string]http.Handler{"s3": w.Store}))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = client(server.URL)
}

func client(url string) *awss3.Client {
	return awss3.New(awss3.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(url),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func (w *world) put(t *testing.T, key, body string) *awss3.PutObjectOutput {
	t.Helper()
	out, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) get(t *testing.T, in awss3.GetObjectInput) string {
	t.Helper()
	in.Bucket = aws.String(bucket)
	out, err := w.client.GetObject(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func code(err error) string {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refused.ErrorCode()
	}
	return ""
}

// large is more than is kept in memory.
var large = strings.Repeat("0123456789", 10_000)

func TestKeysAndBodies(t *testing.T) {
	w := open(t, false)
	tests := []struct{ key, body string }{
		{"plain.jsonl", "x"},
		{"inbox/a b.jsonl", "x"},
		{"inbox/a+b.jsonl", large},
		{"100%.jsonl", "x"},
		{"%2F%20.jsonl", "x"},
		{"a=b&c;d?e#f.jsonl", "x"},
		{"Größe/日本語 😀.jsonl", "x"},
		{"a//b", "x"},
		{"empty", ""},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			w.put(t, tt.key, tt.body)
			if got := w.get(t, awss3.GetObjectInput{Key: &tt.key}); got != tt.body {
				t.Errorf("got %.20q, want %.20q", got, tt.body)
			}
			listed, err := w.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &tt.key})
			if err != nil || len(listed.Contents) != 1 || *listed.Contents[0].Key != tt.key || *listed.Contents[0].Size != int64(len(tt.body)) {
				t.Errorf("listed %v, %v", listed, err)
			}
			if event := w.created[len(w.created)-1]; event.Key != tt.key || event.Bucket != bucket || event.Size != int64(len(tt.body)) || event.Reason != "PutObject" {
				t.Errorf("reported %+v", event)
			}
		})
	}
	if !slices.IsSortedFunc(w.created, func(a, b s3.Created) int { return strings.Compare(a.Sequencer, b.Sequencer) }) {
		t.Errorf("sequencers out of order: %+v", w.created)
	}
}

func TestConditionalWrites(t *testing.T) {
	w := open(t, true)
	etag := w.put(t, "there", "1").ETag
	tests := []struct {
		name, key            string
		ifNoneMatch, ifMatch *string
		code                 string
	}{
		{"none yet", "new", aws.String("*"), nil, ""},
		{"one already", "there", aws.String("*"), nil, "PreconditionFailed"},
		{"the one", "there", nil, etag, ""},
		{"another", "there", nil, aws.String(`"0"`), "PreconditionFailed"},
		{"none at all", "missing", nil, etag, "NoSuchKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: &tt.key,
				Body: strings.NewReader("1"), IfNoneMatch: tt.ifNoneMatch, IfMatch: tt.ifMatch})
			if (err != nil) != (tt.code != "") || code(err) != tt.code {
				t.Errorf("got %v, want %q", err, tt.code)
			}
		})
	}
}

// One of many that claim the same key wins.
func TestOneClaimWins(t *testing.T) {
	w := open(t, false)
	var group sync.WaitGroup
	results := make(chan error, 16)
	for range cap(results) {
		group.Go(func() {
			_, err := w.client.PutObject(context.Background(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("claim"),
				Body: strings.NewReader("mine"), IfNoneMatch: aws.String("*")})
			results <- err
		})
	}
	group.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if code(err) != "PreconditionFailed" {
			t.Error(err)
		}
	}
	if won != 1 || len(w.created) != 1 {
		t.Errorf("%d won, told of %d", won, len(w.created))
	}
}

func TestRanges(t *testing.T) {
	w := open(t, false)
	w.put(t, "large", large)
	for _, tt := range []struct{ header, want string }{
		{"bytes=0-4", "01234"},
		{"bytes=16380-16390", large[16380:16391]},
		{"bytes=99998-", "89"},
		{"bytes=-3", "789"},
		{"bytes=99999-200000", "9"},
	} {
		if got := w.get(t, awss3.GetObjectInput{Key: aws.String("large"), Range: &tt.header}); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.header, got, tt.want)
		}
	}
	_, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("large"), Range: aws.String("bytes=100000-")})
	if code(err) != "InvalidRange" {
		t.Errorf("got %v", err)
	}
}

func TestMetadataAndCopy(t *testing.T) {
	w := open(t, true)
	first, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("a+b c"), Body: strings.NewReader(large),
		ContentType: aws.String("application/jsonl"), Metadata: map[string]string{"ceiling": "5"}})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "a+b c", "newer")
	source := bucket + "/a%2Bb%20c?versionId=" + *first.VersionId
	out, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: &source})
	if err != nil {
		t.Fatal(err)
	}
	head, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy")})
	if err != nil {
		t.Fatal(err)
	}
	if *head.ContentType != "application/jsonl" || head.Metadata["ceiling"] != "5" || *head.ContentLength != int64(len(large)) || *head.VersionId != *out.VersionId {
		t.Errorf("head %+v, copy %+v", head, out)
	}
	if got := w.get(t, awss3.GetObjectInput{Key: aws.String("copy")}); got != large {
		t.Errorf("got %d bytes", len(got))
	}
	if event := w.created[2]; event.Reason != "CopyObject" || event.VersionID != *out.VersionId || `"`+event.ETag+`"` != *head.ETag {
		t.Errorf("reported %+v", event)
	}
	if head, err = w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("a+b c")}); err != nil || *head.ContentType != "application/octet-stream" && *head.ContentType != "binary/octet-stream" {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestVersions(t *testing.T) {
	w := open(t, true)
	first, key := w.put(t, "k", "one"), aws.String("k")
	w.put(t, "k", "second")
	head, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: first.VersionId})
	if err != nil || *head.ContentLength != 3 {
		t.Errorf("head of the first: %+v, %v", head, err)
	}
	deleted, err := w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key})
	if err != nil || !*deleted.DeleteMarker {
		t.Fatalf("%+v, %v", deleted, err)
	}
	if _, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: key}); code(err) != "NoSuchKey" {
		t.Errorf("after the deletion: %v", err)
	}
	if got := w.get(t, awss3.GetObjectInput{Key: key, VersionId: first.VersionId}); got != "one" {
		t.Errorf("the first version is %q", got)
	}
	if listed, err := w.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String(bucket)}); err != nil || len(listed.Contents) != 0 {
		t.Errorf("%+v, %v", listed, err)
	}
	var sizes []int64
	var marker, versionMarker *string
	for page := 0; page < 5; page++ { // one version a page
		listed, err := w.client.ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: aws.String(bucket), MaxKeys: aws.Int32(1), KeyMarker: marker, VersionIdMarker: versionMarker})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range listed.Versions {
			sizes = append(sizes, *v.Size)
		}
		if marker, versionMarker = listed.NextKeyMarker, listed.NextVersionIdMarker; !*listed.IsTruncated {
			break
		}
	}
	if !slices.Equal(sizes, []int64{6, 3}) {
		t.Errorf("versions of %v bytes", sizes)
	}
	if _, err := w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: deleted.VersionId}); err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, awss3.GetObjectInput{Key: key}); got != "second" {
		t.Errorf("without the marker %q", got)
	}
}

func TestDeleteObjects(t *testing.T) {
	w := open(t, true)
	first := w.put(t, "k", "one")
	w.put(t, "k", "second")
	w.put(t, "gone", "x")
	out, err := w.client.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: first.VersionId}, {Key: aws.String("gone")}, {Key: aws.String("never")}}}})
	if err != nil || len(out.Deleted) != 3 || len(out.Errors) != 0 || *out.Deleted[0].VersionId != *first.VersionId {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := w.get(t, awss3.GetObjectInput{Key: aws.String("k")}); got != "second" {
		t.Errorf("the current version is %q", got)
	}
	for key, version := range map[string]*string{"k": first.VersionId, "gone": nil} {
		_, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: &key, VersionId: version})
		if code(err) != "NoSuchKey" && code(err) != "NoSuchVersion" {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestMultipart(t *testing.T) {
	w := open(t, false)
	part := bytes.Repeat([]byte("0123456789abcdef"), 5<<16)
	upload := func(t *testing.T, parts ...[]byte) (*awss3.CompleteMultipartUploadInput, error) {
		begun, err := w.client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("m"), Metadata: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		in := &awss3.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("m"), UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{}}
		for i, body := range parts {
			number := aws.Int32(int32(i + 1))
			out, err := w.client.UploadPart(t.Context(), &awss3.UploadPartInput{Bucket: aws.String(bucket), Key: aws.String("m"), UploadId: begun.UploadId, PartNumber: number, Body: bytes.NewReader(body)})
			if err != nil {
				t.Fatal(err)
			}
			in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
		}
		_, err = w.client.CompleteMultipartUpload(t.Context(), in)
		return in, err
	}
	in, err := upload(t, part, part, []byte("end"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(part) + string(part) + "end"
	if got := w.get(t, awss3.GetObjectInput{Key: in.Key}); got != whole {
		t.Errorf("got %d bytes, want %d", len(got), len(whole))
	}
	at := len(part) - 3
	if got := w.get(t, awss3.GetObjectInput{Key: in.Key, Range: aws.String("bytes=5242877-10485761")}); got != whole[at:10485762] {
		t.Errorf("across parts: %d bytes", len(got))
	}
	if got := w.get(t, awss3.GetObjectInput{Key: in.Key, PartNumber: aws.Int32(3)}); got != "end" {
		t.Errorf("part 3 is %q", got)
	}
	if len(w.created) != 1 || w.created[0].Reason != "CompleteMultipartUpload" || w.created[0].Size != int64(len(whole)) {
		t.Errorf("told of %+v", w.created)
	}
	if _, err := w.client.CompleteMultipartUpload(t.Context(), in); err != nil || len(w.created) != 1 {
		t.Errorf("again: %v, told of %d", err, len(w.created))
	}
	if _, err := upload(t, []byte("short"), part); code(err) != "InvalidRequest" {
		t.Errorf("a short part: %v", err)
	}
	if _, err := upload(t); code(err) != "MalformedXML" {
		t.Errorf("no part: %v", err)
	}
}

func TestListing(t *testing.T) {
	w := open(t, false)
	for _, key := range []string{"a", "in/1", "in/2", "in/deep/3", "out/4", "z"} {
		w.put(t, key, "x")
	}
	tests := []struct{ name, prefix, delimiter, want string }{
		{"all", "", "", "a in/1 in/2 in/deep/3 out/4 z"},
		{"folders", "", "/", "a in/ out/ z"},
		{"a folder", "in/", "/", "in/1 in/2 in/deep/"},
		{"part of a name", "in", "/", "in/"},
		{"another delimiter", "", "e", "a in/1 in/2 in/de out/4 z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			pages := awss3.NewListObjectsV2Paginator(w.client, &awss3.ListObjectsV2Input{Bucket: aws.String(bucket), MaxKeys: aws.Int32(2),
				Prefix: &tt.prefix, Delimiter: aws.String(tt.delimiter)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range page.Contents {
					got = append(got, *object.Key)
				}
				for _, prefix := range page.CommonPrefixes {
					got = append(got, *prefix.Prefix)
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}
