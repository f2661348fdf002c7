package batchapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/openai/openai-go/v3"
)

// TestBatch takes a file to its answers.
func TestBatch(t *testing.T) {
	w := newWorld(t)
	for name, c := range w.clients(alice) {
		t.Run(name, func(t *testing.T) {
			text := line("a", "gpt-4o-mini", "one") + "torn\n" + line("b", "gpt-4o", "two") + line("c", "nobody", "three") +
				strings.Replace(line("d", "gpt-4o", "four"), "/v1/chat/completions", "/v1/responses", 1)
			file, err := c.Files.New(t.Context(), openai.FileNewParams{
				Purpose: openai.FilePurposeBatch, File: openai.File(strings.NewReader(text), "in.jsonl", "application/jsonl"),
			})
			if err != nil {
				t.Fatal(err)
			}
			b, err := c.Batches.New(t.Context(), openai.BatchNewParams{
				InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions,
				CompletionWindow: openai.BatchNewParamsCompletionWindow24h, Metadata: map[string]string{"project": "x"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if b.Status != "validating" || b.InputFileID != file.ID || b.Metadata["project"] != "x" || b.Endpoint != "/v1/chat/completions" {
				t.Errorf("%s", b.RawJSON())
			}
			w.waitForWorkflow(b.ID)
			if b, err = c.Batches.Get(t.Context(), b.ID); err != nil {
				t.Fatal(err)
			}
			counts := b.RequestCounts
			if b.Status != "completed" || counts.Total != 5 || counts.Completed != 2 || counts.Failed != 3 || b.CompletedAt == 0 || b.InProgressAt == 0 || b.Usage.TotalTokens == 0 || !b.Usage.JSON.OutputTokensDetails.Valid() {
				t.Errorf("%s", b.RawJSON())
			}
			if got := resultLines(t, c, b.OutputFileID); !slices.Equal(got, []string{"a: one", "b: two"}) {
				t.Errorf("output %q", got)
			}
			if got := resultLines(t, c, b.ErrorFileID); !slices.Equal(got, []string{"<nil>: invalid_json_line", "c: model_not_found", "d: url_mismatch"}) {
				t.Errorf("errors %q", got)
			}
			for _, id := range []string{b.OutputFileID, b.ErrorFileID} {
				if f, err := c.Files.Get(t.Context(), id); err != nil || f.Purpose != "batch_output" || !strings.HasPrefix(f.Filename, b.ID) {
					t.Errorf("%v: %s", err, f.RawJSON())
				}
			}
		})
	}
}

// resultLines is what each line of a file says.
func resultLines(t *testing.T, c openai.Client, id string) (says []string) {
	t.Helper()
	answer, err := c.Files.Content(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l struct {
			CustomID any `json:"custom_id"`
			Response *struct {
				Body struct {
					Choices []struct{ Message struct{ Content string } }
				}
			}
			Error *struct{ Code string }
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		id, _ := l.CustomID.(string)
		if l.CustomID == nil {
			id = "<nil>"
		}
		if l.Error != nil {
			says = append(says, id+": "+l.Error.Code)
		} else {
			says = append(says, id+": "+l.Response.Body.Choices[0].Message.Content)
		}
	}
	return says
}

func TestBatchErrors(t *testing.T) {
	w := newWorld(t)
	file := w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi"))
	ended := w.create(alice, file)
	w.waitForWorkflow(ended)
	output := w.call(alice, "GET", "/v1/batches/"+ended, nil).text("output_file_id")
	post := func(change func(map[string]any)) func() answer {
		return func() answer {
			in := request(file)
			change(in)
			return w.call(alice, "POST", "/v1/batches", in)
		}
	}
	many := map[string]string{}
	for i := range 17 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	tests := []errorCase{
		{"no file", post(func(in map[string]any) { delete(in, "input_file_id") }), 400, "input_file_id", "missing_required_parameter"},
		{"unknown file", post(func(in map[string]any) { in["input_file_id"] = "file-1" }), 404, "input_file_id", "not_found"},
		{"an output", post(func(in map[string]any) { in["input_file_id"] = output }), 400, "input_file_id", "invalid_purpose"},
		{"no endpoint", post(func(in map[string]any) { delete(in, "endpoint") }), 400, "endpoint", "missing_required_parameter"},
		{"wrong endpoint", post(func(in map[string]any) { in["endpoint"] = "/v1/completions" }), 400, "endpoint", "invalid_value"},
		{"no window", post(func(in map[string]any) { delete(in, "completion_window") }), 400, "completion_window", "missing_required_parameter"},
		{"wrong window", post(func(in map[string]any) { in["completion_window"] = "1h" }), 400, "completion_window", "invalid_value"},
		{"metadata of numbers", post(func(in map[string]any) { in["metadata"] = map[string]any{"a": 1} }), 400, "metadata", "invalid_type"},
		{"much metadata", post(func(in map[string]any) { in["metadata"] = many }), 400, "metadata", "invalid_value"},
		{"long metadata", post(func(in map[string]any) { in["metadata"] = map[string]any{"a": strings.Repeat("x", 513)} }), 400, "metadata", "invalid_value"},
		{"unknown option", post(func(in map[string]any) { in["metadata"] = map[string]any{"bridge-ceiling": "1"} }), 400, "metadata", "invalid_value"},
		{"a ceiling without end", post(func(in map[string]any) { in["metadata"] = map[string]any{"bridge-cost-ceiling": "Inf"} }), 400, "cost-ceiling", "invalid_value"},
		{"a ceiling in hexadecimal digits", post(func(in map[string]any) { in["metadata"] = map[string]any{"bridge-cost-ceiling": "0x1p9"} }), 400, "cost-ceiling", "invalid_value"},
		{"a ceiling beyond all sums", post(func(in map[string]any) { in["metadata"] = map[string]any{"bridge-cost-ceiling": "1e300"} }), 400, "cost_ceiling", "invalid_value"},
		{"wrong option", post(func(in map[string]any) { in["metadata"] = map[string]any{"bridge-mode": "fast"} }), 400, "mode", "invalid_mode"},
		{"output expires", post(func(in map[string]any) {
			in["output_expires_after"] = map[string]any{"anchor": "created_at", "seconds": 1}
		}), 400, "output_expires_after.seconds", "invalid_value"},
		{"unknown batch", func() answer { return w.call(alice, "GET", "/v1/batches/batch_1", nil) }, 404, "batch_id", "not_found"},
		{"unknown after", func() answer { return w.call(alice, "GET", "/v1/batches?after=x", nil) }, 400, "after", "invalid_value"},
		{"limit", func() answer { return w.call(alice, "GET", "/v1/batches?limit=101", nil) }, 400, "limit", "invalid_value"},
		{"order", func() answer { return w.call(alice, "GET", "/v1/batches?order=asc", nil) }, 400, "order", "invalid_value"},
		{"cancel what has ended", func() answer { return w.call(alice, "POST", "/v1/batches/"+ended+"/cancel", nil) }, 409, "", "batch_ended"},
	}
	checkErrors(t, tests)
	if n := len(w.states.Executions()); n != 1 {
		t.Errorf("%d executions, want the first one's", n)
	}
}

// TestBatchEnds has batches end in every way.
func TestBatchEnds(t *testing.T) {
	w := newWorld(t)
	metadata := func(name, value string) func(map[string]any) {
		return func(in map[string]any) { in["metadata"] = map[string]string{name: value} }
	}
	tests := []struct {
		name   string
		text   string
		change func(map[string]any)
		status string
		code   string // of the first error
		line   string // of it
		failed string
	}{
		{"too dear", line("1", "gpt-4o", "hi"), metadata("bridge-cost-ceiling", "0.0000001"), "failed", "cost_ceiling_exceeded", "", "0"},
		{"no line is good", "{}\n" + line("1", "nobody", "hi"), nil, "failed", "invalid_method", "1", "2"},
		{"gzip", compress(line("1", "gpt-4o", "hi")), nil, "completed", "", "", "0"},
		{"another endpoint", line("1", "gpt-4o", "hi"), func(in map[string]any) { in["endpoint"] = "/v1/responses" }, "failed", "url_mismatch", "1", "1"},
		{"Azure's endpoint", line("1", "gpt-4o", "hi"), func(in map[string]any) { in["endpoint"] = "/chat/completions" }, "completed", "", "", "0"},
		{"by online calls", line("1", "gpt-4o", "hi"), metadata("bridge-mode", "online"), "completed", "", "", "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := request(w.upload(alice, "a.jsonl", tt.text))
			if tt.change != nil {
				tt.change(in)
			}
			id := w.call(alice, "POST", "/v1/batches", in).text("id")
			w.waitForWorkflow(id)
			a := w.call(alice, "GET", "/v1/batches/"+id, nil)
			var first map[string]any
			if errs, ok := a.body["errors"].(map[string]any); ok {
				first = errs["data"].([]any)[0].(map[string]any)
			}
			e := answer{body: first}
			if a.text("status") != tt.status || e.text("code") != tt.code || e.text("line") != tt.line || a.text("request_counts", "failed") != tt.failed {
				t.Errorf("%v", a.body)
			}
			if a.text(tt.status+"_at") == "" {
				t.Errorf("no %s_at: %v", tt.status, a.body)
			}
		})
	}
}

func compress(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.String()
}

func TestBatchIsEmpty(t *testing.T) {
	w := newWorld(t)
	upload := w.call(alice, "POST", "/v1/uploads", uploadOf(2)).text("id") // files.create would not take it
	part := w.form(alice, "/v1/uploads/"+upload+"/parts", "data", "part", "\r\n").text("id")
	file := w.call(alice, "POST", "/v1/uploads/"+upload+"/complete", map[string]any{"part_ids": []string{part}}).text("file", "id")
	id := w.create(alice, file)
	w.waitForWorkflow(id)
	a := w.call(alice, "GET", "/v1/batches/"+id, nil)
	if a.text("status") != "failed" || !strings.Contains(a.text("errors", "data"), "empty_file") || a.text("output_file_id")+a.text("error_file_id") != "" {
		t.Errorf("%v", a.body)
	}
}

// TestBatchOnItsWay looks at a batch while it is worked on.
func TestBatchOnItsWay(t *testing.T) {
	text := line("1", "gpt-4o-mini", "hi") + "torn\n" + line("2", "gpt-4o-mini", "ho")
	tests := []struct {
		before string // the task
		want   string
	}{
		{"plan", "validating 0 0 0"},
		{"submit", "in_progress 3 0 1"},
		{"report", "finalizing 3 2 1"},
	}
	for _, tt := range tests {
		t.Run(tt.before, func(t *testing.T) {
			w := newWorld(t)
			at, release := w.holdTask(tt.before)
			defer release()
			id := w.create(alice, w.upload(alice, "a.jsonl", text))
			<-at
			c := w.client(alice)
			b, err := c.Batches.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			n := b.RequestCounts
			if got := fmt.Sprintf("%s %d %d %d", b.Status, n.Total, n.Completed, n.Failed); got != tt.want {
				t.Errorf("%s, want %s: %s", got, tt.want, b.RawJSON())
			}
			if (b.InProgressAt == 0) != (tt.before == "plan") || b.OutputFileID+b.ErrorFileID != "" {
				t.Errorf("%s", b.RawJSON())
			}
		})
	}
}

// TestBatchIsCancelled cancels a batch before its workflow has done anything.
func TestBatchIsCancelled(t *testing.T) {
	w := newWorld(t)
	_, release := w.holdTask("plan")
	defer release()
	id := w.create(alice, w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi")+line("2", "gpt-4o", "hi")))
	c := w.client(alice)
	for range 2 {
		b, err := c.Batches.Cancel(t.Context(), id)
		if err != nil || b.Status != "cancelling" || b.CancellingAt == 0 {
			t.Fatalf("%v: %s", err, b.RawJSON())
		}
	}
	release()
	w.waitForWorkflow(id)
	b, err := c.Batches.Get(t.Context(), id)
	if err != nil || b.Status != "cancelled" || b.RequestCounts.Failed != 2 || b.OutputFileID != "" || b.CancellingAt == 0 || b.CancelledAt == 0 {
		t.Fatalf("%v: %s", err, b.RawJSON())
	}
	if got := resultLines(t, c, b.ErrorFileID); !slices.Equal(got, []string{"1: batch_cancelled", "2: batch_cancelled"}) {
		t.Errorf("%q", got)
	}
}

// TestWorkflowDies has a workflow end without a report.
func TestWorkflowDies(t *testing.T) {
	w := newWorld(t)
	_, release := w.holdTask("plan")
	defer release()
	id := w.create(alice, w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi")))
	w.advance(2 * time.Minute)
	if a := w.call(alice, "GET", "/v1/batches/"+id, nil); a.text("status") != "validating" {
		t.Errorf("while it runs: %v", a.body)
	}
	stop := &sfn.StopExecutionInput{ExecutionArn: aws.String(w.execution(id))}
	if _, err := sfn.NewFromConfig(w.Config).StopExecution(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if a := w.call(alice, "GET", "/v1/batches/"+id, nil); a.text("status") != "failed" || !strings.Contains(a.text("errors", "data"), "workflow_failed") {
		t.Errorf("once it is stopped: %v", a.body)
	}
}

// TestModels has a caller ask for a model that is not his.
func TestModels(t *testing.T) {
	w := newWorld(t)
	id := w.create(bob, w.upload(bob, "a.jsonl", line("1", "gpt-4o-mini", "hi")+line("2", "gpt-4o", "hi")+line("3", "gpt-4o-mini-batch", "ho")))
	w.waitForWorkflow(id)
	c := w.client(bob)
	b, err := c.Batches.Get(t.Context(), id)
	if err != nil || b.Status != "completed" {
		t.Fatalf("%v: %s", err, b.RawJSON())
	}
	if got := resultLines(t, c, b.OutputFileID); !slices.Equal(got, []string{"1: hi", "3: ho"}) {
		t.Errorf("output %q", got)
	}
	if got := resultLines(t, c, b.ErrorFileID); !slices.Equal(got, []string{"2: model_not_allowed"}) {
		t.Errorf("errors %q", got)
	}
}

// TestCreateAgain makes no second batch where a create is repeated.
func TestCreateAgain(t *testing.T) {
	w := newWorld(t)
	file := w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi"))
	first := w.create(alice, file)
	retry := []string{"X-Stainless-Retry-Count", "1"}
	keyed := w.create(alice, file, "Idempotency-Key", "k")
	tests := []struct {
		name    string
		headers []string
		want    string // "" is a new one
	}{
		{"an SDK's retry", []string{"X-Stainless-Retry-Count", "2"}, first},
		{"the same key", []string{"Idempotency-Key", "k"}, keyed},
		{"the same key, a retry", append([]string{"Idempotency-Key", "k"}, retry...), keyed},
		{"another key", []string{"Idempotency-Key", "l"}, ""},
		{"no retry", []string{"X-Stainless-Retry-Count", "0"}, ""},
	}
	seen := []string{first, keyed}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.create(alice, file, tt.headers...)
			if tt.want != "" && got != tt.want || tt.want == "" && slices.Contains(seen, got) {
				t.Errorf("%s, want %q", got, tt.want)
			}
			if tt.want == "" {
				seen = append(seen, got)
			}
		})
	}
	w.advance(time.Hour)
	seen = append(seen, w.create(alice, file, retry...)) // of something else, by now
	other := request(file)
	other["endpoint"] = "/v1/responses"
	if a := w.call(alice, "POST", "/v1/batches", other, "Idempotency-Key", "k"); a.status != http.StatusBadRequest || a.text("error", "code") != "idempotency_key_reused" {
		t.Errorf("another request with the key: %d %v", a.status, a.body)
	}
	slices.Sort(seen)
	if n := len(w.states.Executions()); n != len(slices.Compact(seen)) || n != 5 {
		t.Errorf("%d executions of %d batches, want 5", n, len(seen))
	}
	for _, id := range seen {
		w.waitForWorkflow(id)
	}
}

func TestBatchList(t *testing.T) {
	w := newWorld(t)
	file := w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi"))
	var want []string // newest first
	for range 5 {
		w.advance(time.Second)
		want = slices.Insert(want, 0, w.create(alice, file))
	}
	for _, id := range want {
		w.waitForWorkflow(id)
	}
	var got []string
	c := w.client(alice)
	pages := c.Batches.ListAutoPaging(t.Context(), openai.BatchListParams{Limit: openai.Int(2)})
	for pages.Next() {
		b := pages.Current()
		got = append(got, b.ID)
		if b.Status != "completed" || b.RequestCounts.Completed != 1 {
			t.Errorf("%s", b.RawJSON())
		}
	}
	if pages.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("%v, want %v (%v)", got, want, pages.Err())
	}
	if a := w.call(alice, "GET", "/openai/batches?api-version=2025-04-01-preview&limit=3&after="+want[1], nil); a.text("first_id") != want[2] || a.body["has_more"] != false {
		t.Errorf("%v", a.body)
	}
}

// TestBatchListUnreadable has a record that cannot be read at the end of a page.
func TestBatchListUnreadable(t *testing.T) {
	w := newWorld(t)
	id := w.create(alice, w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi")))
	w.waitForWorkflow(id)
	var record string
	if err := w.Objects.List(bucket, "api/batches/", func(key, _ string, _ int64, _ time.Time) {
		if strings.HasSuffix(key, id+"/batch.json") {
			record = key
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Objects.Write(bucket, record, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if a := w.call(alice, "GET", "/v1/batches", nil); a.status != 500 || a.text("error", "type") != "server_error" {
		t.Errorf("%d %v", a.status, a.body)
	}
}
