package batchapi_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

func uploadOf(size int) map[string]any {
	return map[string]any{"purpose": "batch", "filename": "big.jsonl", "bytes": size, "mime_type": "application/jsonl"}
}

// TestUpload brings a file in parts, and gets it back from the bucket.
func TestUpload(t *testing.T) {
	w := newWorld(t)
	content := []byte(strings.Repeat(line("1", "gpt-4o", strings.Repeat("ü", 4000)), 1000))
	for name, c := range w.clients(alice) {
		t.Run(name, func(t *testing.T) {
			upload, err := c.Uploads.New(t.Context(), openai.UploadNewParams{
				Purpose: openai.FilePurposeBatch, Filename: "big.jsonl", Bytes: int64(len(content)), MimeType: "application/jsonl",
			})
			if err != nil {
				t.Fatal(err)
			}
			const size = 4_000_000
			var ids []string
			for start := 0; start < len(content); start += size {
				part, err := c.Uploads.Parts.New(t.Context(), upload.ID, openai.UploadPartNewParams{
					Data: bytes.NewReader(content[start:min(start+size, len(content))]),
				})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, part.ID)
			}
			var file string
			for range 2 { // an SDK asks again where the answer was lost
				done, err := c.Uploads.Complete(t.Context(), upload.ID, openai.UploadCompleteParams{
					PartIDs: ids, Md5: openai.String(fmt.Sprintf("%x", md5.Sum(content))),
				})
				if err != nil {
					t.Fatal(err)
				}
				if done.Status != "completed" || done.File.Bytes != int64(len(content)) || done.File.Filename != "big.jsonl" || file != "" && done.File.ID != file {
					t.Fatalf("%s", done.RawJSON())
				}
				file = done.File.ID
			}
			answer, err := c.Files.Content(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			checkContent(t, answer, content)
			w.checkRedirect(file, content)
		})
	}
}

// checkContent checks a content.
func checkContent(t *testing.T, answer *http.Response, content []byte) {
	t.Helper()
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%v: %d bytes, want %d", err, len(got), len(content))
	}
	if name := answer.Header.Get("Content-Disposition"); name != "attachment; filename=big.jsonl" {
		t.Errorf("Content-Disposition %q", name)
	}
}

// checkRedirect reads a large file as the libraries do that follow a redirect, without the key.
func (w *world) checkRedirect(file string, content []byte) {
	w.t.Helper()
	a := w.call(alice, "GET", "/v1/files/"+file+"/content", nil)
	if a.status != http.StatusFound || !strings.Contains(a.location, "/"+bucket+"/api/files/") {
		w.t.Fatalf("content: %d %s, want a link to the bucket", a.status, a.location)
	}
	answer, err := http.Get(a.location)
	if err != nil {
		w.t.Fatal(err)
	}
	checkContent(w.t, answer, content)
}

func TestUploadErrors(t *testing.T) {
	w := newWorld(t)
	with := func(change func(map[string]any)) map[string]any {
		in := uploadOf(4)
		change(in)
		return in
	}
	pending := w.call(alice, "POST", "/v1/uploads", uploadOf(4)).text("id")
	part := w.form(alice, "/v1/uploads/"+pending+"/parts", "data", "part", "{}\n").text("id")
	cancelled := w.call(alice, "POST", "/v1/uploads", uploadOf(4)).text("id")
	if a := w.call(alice, "POST", "/v1/uploads/"+cancelled+"/cancel", nil); a.text("status") != "cancelled" {
		t.Fatalf("%v", a)
	}
	complete := "/v1/uploads/" + pending + "/complete"
	tests := []errorCase{
		{"purpose", func() answer {
			return w.call(alice, "POST", "/v1/uploads", with(func(in map[string]any) { in["purpose"] = "vision" }))
		}, 400, "purpose", "invalid_value"},
		{"no name", func() answer {
			return w.call(alice, "POST", "/v1/uploads", with(func(in map[string]any) { delete(in, "filename") }))
		}, 400, "filename", "missing_required_parameter"},
		{"no size", func() answer {
			return w.call(alice, "POST", "/v1/uploads", with(func(in map[string]any) { delete(in, "bytes") }))
		}, 400, "bytes", "missing_required_parameter"},
		{"size 0", func() answer { return w.call(alice, "POST", "/v1/uploads", uploadOf(0)) }, 400, "bytes", "invalid_value"},
		{"size of text", func() answer {
			return w.call(alice, "POST", "/v1/uploads", with(func(in map[string]any) { in["bytes"] = "4" }))
		}, 400, "bytes", "invalid_type"},
		{"no JSON", func() answer { return w.call(alice, "POST", "/v1/uploads", "{") }, 400, "", "invalid_json"},
		{"no data", func() answer { return w.form(alice, "/v1/uploads/"+pending+"/parts", "file", "part", "x") }, 400, "data", "missing_required_parameter"},
		{"unknown upload", func() answer { return w.form(alice, "/v1/uploads/upload_1/parts", "data", "part", "x") }, 404, "upload_id", "not_found"},
		{"cancelled", func() answer { return w.form(alice, "/v1/uploads/"+cancelled+"/parts", "data", "part", "x") }, 400, "upload_id", "upload_not_pending"},
		{"no parts", func() answer { return w.call(alice, "POST", complete, map[string]any{}) }, 400, "part_ids", "missing_required_parameter"},
		{"unknown part", func() answer {
			return w.call(alice, "POST", complete, map[string]any{"part_ids": []string{"upload.json"}})
		}, 400, "part_ids", "invalid_value"},
		{"a byte is missing", func() answer { return w.call(alice, "POST", complete, map[string]any{"part_ids": []string{part}}) }, 400, "part_ids", "invalid_value"},
		{"cancel twice", func() answer { return w.call(alice, "POST", "/v1/uploads/"+cancelled+"/cancel", nil) }, 400, "upload_id", "upload_not_pending"},
	}
	checkErrors(t, tests)
	last := w.form(alice, "/v1/uploads/"+pending+"/parts", "data", "part", "\n").text("id")
	whole := map[string]any{"part_ids": []string{part, last}, "md5": strings.Repeat("0", 32)}
	if a := w.call(alice, "POST", complete, whole); a.text("error", "code") != "checksum_mismatch" {
		t.Errorf("wrong MD5: %d %v", a.status, a.body)
	}
	if a := w.call(alice, "GET", "/v1/files", nil); len(a.body["data"].([]any)) != 0 {
		t.Errorf("a file with a wrong MD5 is there: %v", a.body)
	}
	w.advance(25 * time.Hour)
	delete(whole, "md5")
	if a := w.call(alice, "POST", complete, whole); a.text("error", "code") != "upload_not_pending" || !strings.Contains(a.text("error", "message"), "expired") {
		t.Errorf("a day later: %d %v", a.status, a.body)
	}
}

// Of a complete and a cancel at the same time one is done, and the other gets an error.
func TestUploadEndsOnce(t *testing.T) {
	w := newWorld(t)
	content := line("1", "gpt-4o", "once")
	seen := map[string]int{}
	for range 30 {
		id := w.call(alice, "POST", "/v1/uploads", uploadOf(len(content))).text("id")
		path := "/v1/uploads/" + id
		part := w.form(alice, path+"/parts", "data", "part", content).text("id")
		ids := map[string]any{"part_ids": []string{part}}
		var complete, again, cancel answer
		var all sync.WaitGroup
		all.Go(func() { complete = w.call(alice, "POST", path+"/complete", ids) })
		all.Go(func() { again = w.call(alice, "POST", path+"/complete", ids) })
		all.Go(func() { cancel = w.call(alice, "POST", path+"/cancel", nil) })
		all.Wait()
		won, lost := []answer{complete, again}, []answer{cancel}
		if cancel.status == http.StatusOK {
			won, lost = lost, won
		}
		for _, a := range won {
			seen[a.text("status")]++
			if a.status != http.StatusOK || a.text("file", "id") != won[0].text("file", "id") {
				t.Fatalf("complete: %v, %v; cancel: %v", complete, again, cancel)
			}
		}
		for _, a := range lost {
			if a.status != http.StatusBadRequest || a.text("error", "code") != "upload_not_pending" {
				t.Fatalf("complete: %v, %v; cancel: %v", complete, again, cancel)
			}
		}
		later := w.call(alice, "POST", path+"/complete", ids)
		if later.text("file", "id") != won[0].text("file", "id") || later.status != complete.status {
			t.Fatalf("complete: %v, and later: %v", complete, later)
		}
	}
	if files := w.call(alice, "GET", "/v1/files", nil); seen["completed"] != 2*len(files.body["data"].([]any)) {
		t.Errorf("%v, and the files are %v", seen, files)
	}
}

// A complete that was cut off is done by the next one, once.
func TestUploadCutOff(t *testing.T) {
	w := newWorld(t)
	content := line("1", "gpt-4o", "cut")
	id := w.call(alice, "POST", "/v1/uploads", uploadOf(len(content))).text("id")
	path := "/v1/uploads/" + id
	part := w.form(alice, path+"/parts", "data", "part", content).text("id")
	var folder string
	if err := w.Objects.List(bucket, "api/uploads/", func(key, _ string, _ int64, _ time.Time) {
		if name, ok := strings.CutSuffix(key, "upload.json"); ok {
			folder = name
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Objects.Write(bucket, folder+"end.json", fmt.Appendf(nil, `{"status":"completed","part_ids":[%q]}`, part)); err != nil {
		t.Fatal(err)
	}
	if a := w.call(alice, "POST", path+"/cancel", nil); a.text("error", "code") != "upload_not_pending" {
		t.Errorf("cancel: %v", a)
	}
	file := ""
	for range 2 {
		a := w.call(alice, "POST", path+"/complete", map[string]any{"part_ids": []string{part}})
		got := w.call(alice, "GET", "/v1/files/"+a.text("file", "id"), nil)
		if file = a.text("file", "id"); a.text("status") != "completed" || got.text("filename") != "big.jsonl" {
			t.Fatalf("complete: %v, and the file is %v", a, got)
		}
	}
	w.call(alice, "DELETE", "/v1/files/"+file, nil)
	a := w.call(alice, "POST", path+"/complete", map[string]any{"part_ids": []string{part}})
	if got := w.call(alice, "GET", "/v1/files/"+file, nil); a.text("status") != "completed" || got.status != http.StatusNotFound {
		t.Errorf("after the file was deleted, complete: %v, and the file is %v", a, got)
	}
}

// A part makes a piece of the file once, however large the file was to be.
func TestPartTwice(t *testing.T) {
	w := newWorld(t)
	id := w.call(alice, "POST", "/v1/uploads", uploadOf(9)).text("id")
	var parts []string
	for range 3 {
		parts = append(parts, w.form(alice, "/v1/uploads/"+id+"/parts", "data", "part", "{}\n").text("id"))
	}
	for _, ids := range [][]string{{parts[0], parts[0], parts[0]}, {parts[0], parts[1], parts[0]}} {
		a := w.call(alice, "POST", "/v1/uploads/"+id+"/complete", map[string]any{"part_ids": ids})
		if a.status != 400 || a.text("error", "param") != "part_ids" || a.text("error", "code") != "invalid_value" || !strings.Contains(a.text("error", "message"), "more than once") {
			t.Errorf("%d %v", a.status, a.body)
		}
	}
	if a := w.call(alice, "POST", "/v1/uploads/"+id+"/complete", map[string]any{"part_ids": parts}); a.text("status") != "completed" {
		t.Errorf("each part once: %d %v", a.status, a.body)
	}
}
