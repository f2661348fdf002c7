package s3_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rclone/gofakes3"

	"aoai-bridge/infra/local/s3"
)

// A store on a disk behaves as one in memory.
func TestOnDisk(t *testing.T) {
	onDisk = true
	defer func() { onDisk = false }()
	for name, test := range map[string]func(*testing.T){
		"keys and bodies": TestKeysAndBodies, "conditional writes": TestConditionalWrites, "one claim wins": TestOneClaimWins, "ranges": TestRanges,
		"metadata and copy": TestMetadataAndCopy, "versions": TestVersions, "delete objects": TestDeleteObjects, "multipart": TestMultipart,
		"listing": TestListing, "bodies are checked": TestBodiesAreChecked, "presigned": TestPresigned, "bucket in host": TestBucketInHost,
	} {
		t.Run(name, test)
	}
}

func openDisk(t *testing.T, dir string) *s3.Store {
	t.Helper()
	store, err := s3.Open(dir, s3.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// dump is all that a store has, with the history of each key.
func dump(t *testing.T, store *s3.Store) string {
	t.Helper()
	var b strings.Builder
	buckets, err := store.ListBuckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(buckets, func(a, b gofakes3.BucketInfo) int { return strings.Compare(a.Name, b.Name) })
	for _, info := range buckets {
		versioning, err := store.VersioningConfiguration(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s\n", info.Name, info.CreationDate.UTC(), versioning.Status)
		list, err := store.ListBucketVersions(info.Name, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Versions {
			switch v := item.(type) {
			case *gofakes3.DeleteMarker:
				fmt.Fprintf(&b, "  %s %s deleted %t %s\n", v.Key, v.VersionID, v.IsLatest, v.LastModified.UTC())
			case *gofakes3.Version:
				object, err := store.GetObjectVersion(info.Name, v.Key, v.VersionID, nil)
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(object.Contents)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "  %s %s %s %t %s %v %v %d %.20q\n", v.Key, v.VersionID, v.ETag, v.IsLatest, v.LastModified.UTC(), object.Metadata, object.PartSizes, len(content), content)
			}
		}
	}
	return b.String()
}

// Whatever a store had is there when the folder is opened again, and what it would have refused is refused.
func TestOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	for _, versioned := range []bool{false, true} {
		t.Run(fmt.Sprintf("versioned %t", versioned), func(t *testing.T) {
			dir := filepath.Join(dir, fmt.Sprint(versioned))
			store := openDisk(t, dir)
			if err := store.MakeBucket(bucket, versioned); err != nil {
				t.Fatal(err)
			}
			w := serve(t, store)
			w.put(t, "a/small", "one")
			w.put(t, "a/small", "two")
			w.put(t, "large", large)
			w.put(t, "gone", "x")
			w.put(t, "gone for good", large)
			if _, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("meta é"), Body: strings.NewReader(""),
				Metadata: map[string]string{"cost-ceiling": "5"}, ContentType: aws.String("text/x"), Tagging: aws.String("a=b")}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/large")}); err != nil {
				t.Fatal(err)
			}
			w.multipart(t, "parts", bytes.Repeat([]byte("p"), 5<<20), []byte("end"))
			for key, version := range map[string]*string{"gone": nil, "gone for good": w.head(t, "gone for good").VersionId} {
				if _, err := w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), VersionId: version}); err != nil {
					t.Fatal(err)
				}
			}
			before := dump(t, store)
			again := openDisk(t, dir)
			if after := dump(t, again); after != before {
				t.Fatalf("before\n%s\nafter\n%s", before, after)
			}
			w = serve(t, again)
			claim := &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("a/small"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")}
			if _, err := w.client.PutObject(t.Context(), claim); code(err) != "PreconditionFailed" {
				t.Errorf("a claim of what is there: %v", err)
			}
			etag := w.head(t, "a/small").ETag
			w.put(t, "a/small", "three")
			if _, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("a/small"), Body: strings.NewReader("x"), IfMatch: etag}); code(err) != "PreconditionFailed" {
				t.Errorf("a write over what has changed: %v", err)
			}
			if got := w.get(t, awss3.GetObjectInput{Key: aws.String("a/small")}); got != "three" {
				t.Errorf("got %q", got)
			}
			claim.Key = aws.String("gone")
			if _, err := w.client.PutObject(t.Context(), claim); err != nil {
				t.Errorf("a claim of what was deleted: %v", err)
			}
			before = dump(t, again)
			if after := dump(t, openDisk(t, dir)); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		})
	}
}

func (w *world) head(t *testing.T, key string) *awss3.HeadObjectOutput {
	t.Helper()
	out, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) multipart(t *testing.T, key string, parts ...[]byte) {
	t.Helper()
	created, err := w.client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	in := &awss3.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: &key, UploadId: created.UploadId, MultipartUpload: &types.CompletedMultipartUpload{}}
	for i, part := range parts {
		out, err := w.client.UploadPart(t.Context(), &awss3.UploadPartInput{Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(part)})
		if err != nil {
			t.Fatal(err)
		}
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(int32(i + 1))})
	}
	if _, err := w.client.CompleteMultipartUpload(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// What was being written when everything ended leaves nothing, and what is damaged afterwards is named.
func TestTornWrites(t *testing.T) {
	dir := t.TempDir()
	store := openDisk(t, dir)
	if err := store.MakeBucket(bucket, true); err != nil {
		t.Fatal(err)
	}
	if err := store.Write(bucket, "kept", []byte(large)); err != nil {
		t.Fatal(err)
	}
	before := dump(t, store)
	torn := []string{
		filepath.Join(dir, "buckets", bucket, "versions", ".unfinished-1"), filepath.Join(dir, "pieces", ".unfinished-2"),
		filepath.Join(dir, "pieces", "of-an-upload"), filepath.Join(dir, "buckets", "new-bucket", "versions", ".unfinished-3"),
	}
	if err := os.MkdirAll(filepath.Dir(torn[3]), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range torn {
		if err := os.WriteFile(path, []byte(`{"key":"to`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if after := dump(t, openDisk(t, dir)); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	for _, path := range torn {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", path)
		}
	}
	for _, pattern := range []string{"pieces/*", "buckets/*/versions/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		if err := os.Truncate(found[0], 9); err != nil {
			t.Fatal(err)
		}
		if _, err := s3.Open(dir, s3.Options{}); err == nil || !strings.Contains(err.Error(), found[0]) {
			t.Errorf("%s was cut off: %v", found[0], err)
		}
	}
}

// A process that is killed while it writes loses nothing that it has acknowledged, and what it has not is there whole or not at all.
func TestKilledWhileWriting(t *testing.T) {
	const child = "S3_TEST_DISK"
	body := func(i int) string { return fmt.Sprint(i, strings.Repeat("x", i%3*10_000)) }
	if dir := os.Getenv(child); dir != "" { // in the child: writes until it is killed
		store := openDisk(t, dir)
		if err := store.MakeBucket(bucket, true); err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			text := body(i)
			if _, err := store.PutObject(context.Background(), bucket, fmt.Sprint("key-", i%7), map[string]string{}, strings.NewReader(text), int64(len(text))); err != nil {
				t.Fatal(err)
			}
			fmt.Println("wrote", i)
		}
	}
	for round := range 3 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), child+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last, lines := -1, bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "wrote %d", &last); err == nil && last == 20+round*7 {
				_ = cmd.Process.Kill() // what it writes until it is dead is read on
			}
		}
		_ = cmd.Wait() // it was killed
		list, err := openDisk(t, dir).ListBucketVersions(bucket, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list.Versions); last < 20 || n != last+1 && n != last+2 {
			t.Errorf("%d versions, and %d were acknowledged", n, last+1)
		}
		again := openDisk(t, dir)
		for _, item := range list.Versions {
			v := item.(*gofakes3.Version)
			object, err := again.GetObjectVersion(bucket, v.Key, v.VersionID, nil)
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(object.Contents)
			var i int
			_, _ = fmt.Sscanf(strings.TrimRight(string(content), "x"), "%d", &i)
			if err != nil || string(content) != body(i) || v.Key != fmt.Sprint("key-", i%7) {
				t.Errorf("%s has %d bytes, %v", v.Key, len(content), err)
			}
		}
	}
}
