package batchapi_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

func TestFiles(t *testing.T) {
	w := newWorld(t)
	for name, c := range w.clients(alice) {
		t.Run(name, func(t *testing.T) {
			const text = "{\"custom_id\":\"1\xff\u2028\"}\r\n" // neither UTF-8 nor one line to everybody
			file, err := c.Files.New(t.Context(), openai.FileNewParams{
				Purpose: openai.FilePurposeBatch, File: openai.File(strings.NewReader(text), "ä b+%2F=&.jsonl", "application/jsonl"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if file.Filename != "ä b+%2F=&.jsonl" || file.Bytes != int64(len(text)) || file.Purpose != "batch" || file.Object != "file" {
				t.Errorf("%s", file.RawJSON())
			}
			again, err := c.Files.Get(t.Context(), file.ID)
			if err != nil || again.RawJSON() != file.RawJSON() {
				t.Errorf("%v, %s, was %s", err, again.RawJSON(), file.RawJSON())
			}
			content, err := c.Files.Content(t.Context(), file.ID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(content.Body)
			content.Body.Close()
			if err != nil || string(got) != text {
				t.Errorf("%v: %q", err, got)
			}
			if gone, err := c.Files.Delete(t.Context(), file.ID); err != nil || !gone.Deleted || gone.ID != file.ID {
				t.Errorf("%v: %s", err, gone.RawJSON())
			}
			_, err = c.Files.Get(t.Context(), file.ID)
			if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != http.StatusNotFound {
				t.Errorf("after delete: %v", err)
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	w := newWorld(t)
	good := line("1", "gpt-4o", "hi")
	tests := []errorCase{
		{"wrong purpose", func() answer { return w.form(alice, "/v1/files", "file", "a.jsonl", good, "purpose", "fine-tune") }, 400, "purpose", "invalid_value"},
		{"no purpose", func() answer { return w.form(alice, "/v1/files", "file", "a.jsonl", good) }, 400, "purpose", "missing_required_parameter"},
		{"no file", func() answer { return w.form(alice, "/v1/files", "", "", "", "purpose", "batch") }, 400, "file", "missing_required_parameter"},
		{"file as text", func() answer { return w.form(alice, "/v1/files", "", "", "", "purpose", "batch", "file", good) }, 400, "file", "missing_filename"},
		{"empty file", func() answer { return w.form(alice, "/v1/files", "file", "a.jsonl", "", "purpose", "batch") }, 400, "file", "empty_file"},
		{"UTF-16", func() answer {
			return w.form(alice, "/v1/files", "file", "a.jsonl", "\xff\xfe{\x00", "purpose", "batch")
		}, 400, "file", "invalid_file_format"},
		{"broken gzip", func() answer {
			return w.form(alice, "/v1/files", "file", "a.jsonl.gz", "\x1f\x8b\x08", "purpose", "batch")
		}, 400, "file", "invalid_gzip"},
		{"gzip of no requests", func() answer {
			return w.form(alice, "/v1/files", "file", "a.jsonl.gz", compress("[]\n1\n"), "purpose", "batch")
		}, 400, "file", "invalid_file_format"},
		{"not JSONL", func() answer { return w.form(alice, "/v1/files", "file", "a.csv", "a,b\n1,2\n", "purpose", "batch") }, 400, "file", "invalid_file_format"},
		{"pretty JSON", func() answer {
			return w.form(alice, "/v1/files", "file", "a.json", "[\n {\n  \"a\": 1\n }\n]", "purpose", "batch")
		}, 400, "file", "invalid_file_format"},
		{"long name", func() answer {
			return w.form(alice, "/v1/files", "file", strings.Repeat("ä", 101), good, "purpose", "batch")
		}, 400, "filename", "invalid_value"},
		{"JSON body", func() answer { return w.call(alice, "POST", "/v1/files", map[string]any{"purpose": "batch"}) }, 415, "Content-Type", "unsupported_content_type"},
		{"torn form", func() answer {
			return w.call(alice, "POST", "/v1/files", "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nba", "Content-Type", "multipart/form-data; boundary=x")
		}, 400, "", "invalid_body"},
		{"expires too soon", func() answer {
			return w.form(alice, "/v1/files", "file", "a.jsonl", good, "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "60")
		}, 400, "expires_after.seconds", "invalid_value"},
		{"expires from when", func() answer {
			return w.form(alice, "/v1/files", "file", "a.jsonl", good, "purpose", "batch", "expires_after[seconds]", "3600")
		}, 400, "expires_after.anchor", "invalid_value"},
		{"unknown id", func() answer { return w.call(alice, "GET", "/v1/files/file-00000000000000000000000000000000", nil) }, 404, "file_id", "not_found"},
		{"no id", func() answer { return w.call(alice, "DELETE", "/v1/files/jobs", nil) }, 404, "file_id", "not_found"},
		{"content of none", func() answer { return w.call(alice, "GET", "/v1/files/file-1/content", nil) }, 404, "file_id", "not_found"},
		{"unknown after", func() answer { return w.call(alice, "GET", "/v1/files?after=file-1", nil) }, 400, "after", "invalid_value"},
		{"no limit", func() answer { return w.call(alice, "GET", "/v1/files?limit=0", nil) }, 400, "limit", "invalid_value"},
		{"no order", func() answer { return w.call(alice, "GET", "/v1/files?order=up", nil) }, 400, "order", "invalid_value"},
		{"method", func() answer { return w.call(alice, "PUT", "/v1/files", nil) }, 405, "", "method_not_allowed"},
		{"no api-version", func() answer { return w.call(alice, "GET", "/openai/files", nil) }, 400, "api-version", "missing_api_version"},
		{"no such path", func() answer { return w.call(alice, "GET", "/v1/files/a/b/c", nil) }, 404, "", "unknown_url"},
		{"wrong key", func() answer { return w.call("sk-nobody", "GET", "/v1/files", nil) }, 401, "", "invalid_api_key"},
	}
	checkErrors(t, tests)
}

// TestFileList pages in both directions, and while the files of a page are deleted.
func TestFileList(t *testing.T) {
	w := newWorld(t)
	var ids []string // oldest first
	for range 5 {
		w.advance(time.Second)
		ids = append(ids, w.upload(alice, "a.jsonl", "{}\n"))
	}
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	tests := []struct {
		name  string
		query openai.FileListParams
		want  []string
	}{
		{"all", openai.FileListParams{}, newest},
		{"by pages", openai.FileListParams{Limit: openai.Int(2)}, newest},
		{"oldest first", openai.FileListParams{Limit: openai.Int(2), Order: openai.FileListParamsOrderAsc}, ids},
		{"after one", openai.FileListParams{After: openai.String(ids[2])}, newest[3:]},
		{"oldest after one", openai.FileListParams{After: openai.String(ids[2]), Order: openai.FileListParamsOrderAsc}, ids[3:]},
		{"of a purpose", openai.FileListParams{Purpose: openai.String("batch")}, newest},
		{"of another", openai.FileListParams{Purpose: openai.String("batch_output")}, nil},
	}
	c := w.client(alice)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			pages := c.Files.ListAutoPaging(t.Context(), tt.query)
			for pages.Next() {
				got = append(got, pages.Current().ID)
			}
			if pages.Err() != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v (%v)", got, tt.want, pages.Err())
			}
		})
	}
	pages := c.Files.ListAutoPaging(t.Context(), openai.FileListParams{Limit: openai.Int(2)})
	for pages.Next() {
		if _, err := c.Files.Delete(t.Context(), pages.Current().ID); err != nil {
			t.Fatal(err)
		}
	}
	a := w.call(alice, "GET", "/v1/files", nil)
	if pages.Err() != nil || len(a.body["data"].([]any)) != 0 || a.body["has_more"] != false || a.body["first_id"] != nil {
		t.Errorf("left: %v (%v)", a.body, pages.Err())
	}
}

func TestFileExpires(t *testing.T) {
	w := newWorld(t)
	id := w.upload(alice, "a.jsonl", "{}\n", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3600")
	a := w.call(alice, "GET", "/v1/files/"+id, nil)
	if a.body["expires_at"].(float64)-a.body["created_at"].(float64) != 3600 {
		t.Errorf("%v", a.body)
	}
	w.advance(time.Hour + time.Second)
	if a := w.call(alice, "GET", "/v1/files/"+id, nil); a.status != http.StatusNotFound {
		t.Errorf("after an hour: %d %v", a.status, a.body)
	}
	if a := w.call(alice, "GET", "/v1/files", nil); len(a.body["data"].([]any)) != 0 {
		t.Errorf("after an hour: %v", a.body)
	}
	w.advance(-time.Hour) // it has been removed, and not only hidden
	if a := w.call(alice, "GET", "/v1/files/"+id, nil); a.status != http.StatusNotFound {
		t.Errorf("removed: %d %v", a.status, a.body)
	}
}

// TestOthers has a caller look for what is another's.
func TestOthers(t *testing.T) {
	w := newWorld(t)
	file := w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi"))
	batch := w.create(alice, file)
	upload := w.call(alice, "POST", "/v1/uploads", uploadOf(4)).text("id")
	for _, path := range []string{
		"GET /v1/files/" + file, "DELETE /v1/files/" + file, "GET /v1/files/" + file + "/content",
		"GET /v1/batches/" + batch, "POST /v1/batches/" + batch + "/cancel", "POST /v1/uploads/" + upload + "/cancel",
	} {
		method, path, _ := strings.Cut(path, " ")
		if a := w.call(bob, method, path, nil); a.status != http.StatusNotFound || a.text("error", "code") != "not_found" {
			t.Errorf("%s %s: %d %v", method, path, a.status, a.body)
		}
	}
	if a := w.call(bob, "POST", "/v1/batches", request(file)); a.status != http.StatusNotFound || a.text("error", "param") != "input_file_id" {
		t.Errorf("batch of another's file: %d %v", a.status, a.body)
	}
	for _, path := range []string{"/v1/files", "/v1/batches"} {
		if a := w.call(bob, "GET", path, nil); a.status != http.StatusOK || len(a.body["data"].([]any)) != 0 {
			t.Errorf("%s: %d %v", path, a.status, a.body)
		}
		if a := w.call(alice, "GET", path, nil); len(a.body["data"].([]any)) == 0 {
			t.Errorf("%s hides what is the caller's own", path)
		}
	}
	w.waitForWorkflow(batch)
}
