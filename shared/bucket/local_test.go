package bucket_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/bucket"
)

// local is a bucket of the local stack's S3.
func local(t *testing.T) *bucket.Bucket {
	t.Helper()
	return bucket.New(testaws.New(t, "bucket").Config, "bucket")
}

type record struct {
	By int `json:"by"`
}

// Of all who claim a record one wins, and the record is the winner's.
func TestClaim(t *testing.T) {
	b := local(t)
	var won atomic.Int64
	var all sync.WaitGroup
	for by := range 8 {
		all.Go(func() {
			ours, err := b.Claim(t.Context(), "k", record{by + 1})
			if err != nil {
				t.Error(err)
			}
			if ours && won.Swap(int64(by+1)) != 0 {
				t.Error("two have won")
			}
		})
	}
	all.Wait()
	var got record
	if found, err := b.Get(t.Context(), "k", &got); !found || err != nil || int64(got.By) != won.Load() {
		t.Errorf("%d won, and the record says %+v, %t, %v", won.Load(), got, found, err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	b := local(t)
	if found, err := b.Get(t.Context(), "k", &record{}); found || err != nil {
		t.Errorf("Get: %t, %v", found, err)
	}
	if err := b.Put(t.Context(), "k", record{1}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ key, version string }{{"other", ""}, {"k", "never-was"}} {
		if o, err := b.Head(t.Context(), tt.key, tt.version); o != nil || err != nil {
			t.Errorf("Head %v: %+v, %v", tt, o, err)
		}
	}
	if _, err := io.ReadAll(b.Open(t.Context(), "other")); bucket.Status(err) != http.StatusNotFound {
		t.Errorf("Open: %v", err)
	}
	if err := b.Open(t.Context(), "other").Begin(); bucket.Status(err) != http.StatusNotFound {
		t.Errorf("Begin: %v", err)
	}
	if _, err := io.ReadAll(b.Other("nobody").Open(t.Context(), "k")); bucket.Status(err) != http.StatusNotFound {
		t.Errorf("of another bucket: %v", err)
	}
	if err := b.Delete(t.Context(), "other"); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestList(t *testing.T) {
	b := local(t)
	for _, key := range []string{"a/1", "a/2", "a/3", "a/4", "b/1"} {
		if err := b.PutBytes(t.Context(), key, bucket.JSONL, []byte("xyz")); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		prefix, after string
		most          int
		want          string
	}{
		{"a/", "", 9, "a/1 a/2 a/3 a/4"}, {"a/", "a/2", 9, "a/3 a/4"}, {"a/", "a/1", 2, "a/2 a/3"}, {"", "", 9, "a/1 a/2 a/3 a/4 b/1"}, {"c/", "", 9, ""},
	} {
		var got []string
		err := b.List(t.Context(), tt.prefix, tt.after, func(o bucket.Object) bool {
			if o.Size != 3 || o.Modified.IsZero() {
				t.Errorf("%+v", o)
			}
			got = append(got, o.Key)
			return len(got) < tt.most
		})
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %v, %v", tt, got, err)
		}
	}
}

// A file of several chunks comes back as it was written, however it is kept meanwhile, and nothing comes of
// one that is abandoned.
func TestWriter(t *testing.T) {
	b := local(t)
	line := []byte(strings.Repeat("x", 1<<20-1) + "\n")
	for _, tt := range []struct {
		lines   int
		spooled bool
		commit  bool
	}{{0, false, true}, {1, false, true}, {20, false, true}, {20, true, true}, {1, true, true}, {0, true, true}, {20, false, false}, {20, true, false}} {
		key := fmt.Sprint(tt)
		w := b.Create(t.Context(), key, map[string]string{"job": "j"})
		if tt.spooled {
			w = b.NewSpool(t.TempDir(), 1).Create(t.Context(), key)
		}
		for range tt.lines {
			if _, err := w.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		if tt.commit {
			if err := w.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		w.Abandon()
		o, err := b.Head(t.Context(), key, "")
		if err != nil || (o != nil) != tt.commit {
			t.Fatalf("%+v: %+v, %v", tt, o, err)
		}
		if !tt.commit {
			continue
		}
		got, err := io.ReadAll(b.OpenVersion(t.Context(), key, o.Version, o.ETag, 0))
		if err != nil || string(got) != strings.Repeat(string(line), tt.lines) || o.Size != w.Size() || !tt.spooled && o.Metadata["job"] != "j" {
			t.Errorf("%+v: %d bytes, %+v, %v", tt, len(got), o, err)
		}
	}
}

func TestLink(t *testing.T) {
	b := local(t)
	if err := b.PutBytes(t.Context(), "k", bucket.JSONL, []byte("xyz")); err != nil {
		t.Fatal(err)
	}
	link, err := b.Link(t.Context(), "k", "attachment; filename=a.jsonl", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || string(got) != "xyz" || answer.Header.Get("Content-Disposition") != "attachment; filename=a.jsonl" {
		t.Errorf("%s, %v, %v", got, answer.Header, err)
	}
}
