package batch_test

import (
	"bytes"
	"compress/gzip"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/shared/batch/job"
)

// The requests of lines that failed lie in a file of their own, as they stood in the source, and dropped again they are a
// job. The summary counts the lines by code.
func TestFailedLines(t *testing.T) {
	bad := `{"custom_id":"b", "method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-9"} }`
	filtered := strings.Replace(chat("f", "gpt-4o-mini", "trigger-hate"), "Say ", "", 1)
	refused := `{"custom_id":"é","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[]}}`
	good := chat("g", "gpt-4o-mini", "yes")
	long := `{"custom_id":"l","x":"` + strings.Repeat("x", 1<<20) + `"`
	for _, tt := range []struct {
		name, file, failed string
		codes              map[string]int
	}{
		{"nothing failed", good + "\n" + good, "", nil},
		{"of every kind", "\ufeff" + bad + "\r\n\n" + good + "\n \t" + refused + " \nnot JSON\n" + filtered + "\n" + good + "\n" + bad,
			bad + "\r\n \t" + refused + " \nnot JSON\n" + filtered + "\n" + bad + "\n",
			map[string]int{"model_not_found": 2, "invalid_json_line": 1, "empty_array": 1, "content_filter": 1}},
		{"a long line", good + "\n" + long + "\n" + good + "\n", long + "\n", map[string]int{"invalid_json_line": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/a.jsonl", tt.file)
			sum := w.run(w.event("inbox/a.jsonl"))
			got, found := w.Get("failed/a.jsonl")
			if found != (tt.failed != "") || got != tt.failed || found != (sum.FailedInput == "s3://"+bucket+"/failed/a.jsonl") || sum.FailedInputMissing != "" {
				t.Errorf("the copy at %q has %d bytes: %.300s", sum.FailedInput, len(got), got)
			}
			if !maps.Equal(sum.Failures, tt.codes) || sum.Status != "completed" {
				t.Errorf("the summary is %+v with %v, want %v", sum, sum.Failures, tt.codes)
			}
			if !found {
				return
			}
			w.Put("inbox/again.jsonl", got)
			if again := w.run(w.event("inbox/again.jsonl")); again.Lines.Total != sum.Lines.Failed {
				t.Errorf("dropped again it has %+v of %d lines", again.Lines, sum.Lines.Failed)
			}
		})
	}
}

// The copy is of the version that made the job, and of its text where it is compressed. Where it cannot be made, the
// results are there all the same.
func TestFailedLinesOfASource(t *testing.T) {
	file := chat("1", "gpt-4o-mini", "yes") + "\n" + chat("2", "gpt-9", "yes") + "\n"
	failed := chat("2", "gpt-9", "yes") + "\n"
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	_, _ = z.Write([]byte(file)) // into memory
	_ = z.Close()
	for _, tt := range []struct {
		name, file string
		meanwhile  func(*world)
		missing    string
	}{
		{"as it was", file, func(*world) {}, ""},
		{"compressed", compressed.String(), func(*world) {}, ""},
		{"replaced", file, func(w *world) { w.Put("inbox/a.jsonl", "another") }, ""},
		{"deleted", file, func(w *world) { w.remove("inbox/a.jsonl", "") }, ""},
		{"deleted with its versions", file, func(w *world) { w.remove("inbox/a.jsonl", w.Created("inbox/a.jsonl").VersionID) }, "deleted or replaced"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inbox/a.jsonl", tt.file)
			a := w.plan(w.event("inbox/a.jsonl"), "execution-1")
			w.walk(a.Job, 1)
			tt.meanwhile(w)
			sum := patiently[*job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
			got, found := w.Get("failed/a.jsonl")
			if lost := tt.missing != ""; found == lost || !lost && got != failed || lost != (sum.FailedInput == "") || !strings.Contains(sum.FailedInputMissing, tt.missing) {
				t.Errorf("the copy is %q, %q and %q", got, sum.FailedInput, sum.FailedInputMissing)
			}
			if results := w.results("results/a.jsonl"); len(results) != 2 || sum.Failures["model_not_found"] != 1 || sum.Status != "completed" {
				t.Errorf("%d results, and the summary is %+v", len(results), sum)
			}
		})
	}
}

func (w *world) remove(key, version string) {
	w.t.Helper()
	name := bucket
	in := &s3.DeleteObjectInput{Bucket: &name, Key: &key}
	if version != "" {
		in.VersionId = aws.String(version)
	}
	if _, err := w.S3.DeleteObject(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
}
