package azureopenai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

const batchModel = "gpt-4o-mini-batch"

// inputOf makes a batch's input of custom ids and prompts.
func inputOf(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, `{"custom_id":%s,"method":"POST","url":"/v1/chat/completions","body":{"model":"`+batchModel+`","messages":[{"role":"user","content":%s}]}}`+"\n",
			quote(pairs[i]), quote(pairs[i+1]))
	}
	return b.String()
}

func manyLines(n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("line-%d", i), fmt.Sprintf("Say %d", i))
	}
	return inputOf(pairs...)
}

// form is a multipart form of a file and name=value fields.
func form(t *testing.T, name, content string, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		field, value, _ := strings.Cut(f, "=")
		if err := w.WriteField(field, value); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

func put(t *testing.T, url, content string) (id string) {
	t.Helper()
	body, contentType := form(t, "in.jsonl", content, "purpose=batch")
	resp, answer := do(t, "POST", url+"/openai/v1/files", body, contentType)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	return decode[fileObject](t, answer).ID
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func create(t *testing.T, url, file string, headers ...string) batchObject {
	t.Helper()
	resp, answer := do(t, "POST", url+"/openai/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`, headers...)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	return decode[batchObject](t, answer)
}

// finish waits for a batch's end and returns it with its results.
func finish(t *testing.T, s *Server, url, id, status string) (o batchObject, output, failed []outputLine) {
	t.Helper()
	if err := s.WaitBatch(t.Context(), id, status); err != nil {
		t.Fatal(err)
	}
	_, answer := do(t, "GET", url+"/openai/v1/batches/"+id, "")
	o = decode[batchObject](t, answer)
	return o, resultsOf(t, url, o.OutputFileID), resultsOf(t, url, o.ErrorFileID)
}

type outputLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		Body struct {
			Choices []struct{ Message struct{ Content string } }
			Output  []struct{ Content []struct{ Text string } }
			Error   struct{ Code, Message string }
		}
		RequestID  string `json:"request_id"`
		StatusCode int    `json:"status_code"`
	}
	Error *struct{ Code, Message string }
}

// resultsOf reads a results file; a last line that is torn is left out.
func resultsOf(t *testing.T, url, id string) (lines []outputLine) {
	t.Helper()
	if id == "" {
		return nil
	}
	resp, content := do(t, "GET", url+"/openai/v1/files/"+id+"/content", "")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, content)
	}
	for line := range strings.Lines(content) {
		if strings.HasSuffix(line, "\n") {
			lines = append(lines, decode[outputLine](t, line))
		}
	}
	return lines
}

func TestClientBatch(t *testing.T) {
	s, url := start(t, nil)
	for name, c := range clients(url) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			input := inputOf("one", "Say 1", "two", "Say 2", "bad", "trigger-violence", "three", "Say 3")
			file, err := c.Files.New(ctx, openai.FileNewParams{File: openai.File(strings.NewReader(input), "test.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch,
				ExpiresAfter: openai.FileNewParamsExpiresAfter{Seconds: 1209600}})
			if err != nil {
				t.Fatal(err)
			}
			if file.Bytes != int64(len(input)) || file.Filename != "test.jsonl" || file.Status != "processed" || file.ExpiresAt != file.CreatedAt+1209600 {
				t.Errorf("file %s", file.RawJSON())
			}
			b, err := c.Batches.New(ctx, openai.BatchNewParams{InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: "24h",
				Metadata: map[string]string{"part": "7"}})
			if err != nil {
				t.Fatal(err)
			}
			if b.Status != "validating" && b.CreatedAt == 0 || b.Endpoint != "/chat/completions" || b.Metadata["part"] != "7" {
				t.Errorf("created %s", b.RawJSON())
			}
			if err := s.WaitBatch(ctx, b.ID, "completed"); err != nil {
				t.Fatal(err)
			}
			if b, err = c.Batches.Get(ctx, b.ID); err != nil || b.RequestCounts.Total != 4 || b.RequestCounts.Completed != 3 || b.RequestCounts.Failed != 1 {
				t.Fatalf("completed %s, %v", b.RawJSON(), err)
			}
			content := func(id string) (lines []outputLine) {
				resp, err := c.Files.Content(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				for d := json.NewDecoder(resp.Body); d.More(); {
					var l outputLine
					if err := d.Decode(&l); err != nil {
						t.Fatal(err)
					}
					lines = append(lines, l)
				}
				return lines
			}
			got := map[string]string{}
			for _, l := range content(b.OutputFileID) {
				got[l.CustomID] = l.Response.Body.Choices[0].Message.Content
			}
			if want := (map[string]string{"one": "1", "two": "2", "three": "3"}); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
			failed := content(b.ErrorFileID)
			if len(failed) != 1 || failed[0].CustomID != "bad" || failed[0].Response.StatusCode != 400 || failed[0].Response.Body.Error.Code != "content_filter" {
				t.Errorf("failed: %+v", failed)
			}
			seen := 0
			pages := c.Files.ListAutoPaging(ctx, openai.FileListParams{Limit: openai.Int(2)})
			for pages.Next() {
				seen++
			}
			if pages.Err() != nil || seen < 3 {
				t.Errorf("listed %d files, %v", seen, pages.Err())
			}
			batches, err := c.Batches.List(ctx, openai.BatchListParams{Limit: openai.Int(1)})
			if err != nil || len(batches.Data) != 1 || batches.Data[0].ID != b.ID {
				t.Errorf("listed %s, %v", batches.RawJSON(), err)
			}
			for _, id := range []string{file.ID, b.OutputFileID, b.ErrorFileID} {
				if d, err := c.Files.Delete(ctx, id); err != nil || !d.Deleted {
					t.Errorf("deleted %v, %v", d, err)
				}
			}
			if _, err := c.Files.Get(ctx, file.ID); err == nil {
				t.Error("a deleted file is found")
			}
		})
	}
}

func TestUploadRefusals(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, file string
		fields     []string
		path       string
		status     int
		want       string
	}{
		{"fine", "a.jsonl", []string{"purpose=batch"}, "/openai/v1/files", 200, `"status":"processed"`},
		{"fine, dated", "a.jsonl", []string{"purpose=batch"}, "/openai/files?api-version=2024-10-21", 201, `"status":"processed"`},
		{"expiry as the REST reference has it", "a.jsonl", []string{"purpose=batch", "expires_after.seconds=1209600", "expires_after.anchor=created_at"}, "/openai/v1/files", 200, `"expires_at":1786819658`},
		{"expiry too short", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=3600", "expires_after[anchor]=created_at"}, "/openai/v1/files", 400, `"code":"invalidPayload"`},
		{"expiry without anchor", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=1209600"}, "/openai/v1/files", 400, `expires_after`},
		{"expiry of nothing", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=0", "expires_after[anchor]=created_at"}, "/openai/v1/files", 400, `expires_after`},
		{"purpose", "a.jsonl", []string{"purpose=lunch"}, "/openai/v1/files", 400, `{"error":{"code":"invalidPayload","message":"Invalid value for purpose."}}`},
		{"no purpose", "a.jsonl", nil, "/openai/v1/files", 400, `Invalid value for purpose.`},
		{"no file", "", []string{"purpose=batch"}, "/openai/v1/files", 400, `file is missing`},
		{"suffix", "a.pdf", []string{"purpose=batch"}, "/openai/v1/files", 400, `wrong suffix`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, contentType := form(t, tt.file, "{}", tt.fields...)
			resp, answer := do(t, "POST", url+tt.path, body, contentType)
			if resp.StatusCode != tt.status || !strings.Contains(answer, tt.want) {
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
			if location := resp.Header.Get("Location"); (location != "") != (tt.status == 201) {
				t.Errorf("location %q", location)
			}
		})
	}
	if resp, answer := do(t, "POST", url+"/openai/v1/files", "{}", "Content-Type: application/json"); resp.StatusCode != 400 {
		t.Errorf("no form: %d %s", resp.StatusCode, answer)
	}
	if resp, _ := do(t, "POST", url+"/openai/v1/files", strings.Repeat("x", 1<<20), "Api-Key: wrong"); resp.StatusCode != 401 {
		t.Errorf("wrong key: %d", resp.StatusCode)
	}
}

func TestFileQuota(t *testing.T) {
	_, url := start(t, nil)
	for range maxFilesWithoutEnd {
		put(t, url, "{}")
	}
	body, contentType := form(t, "a.jsonl", "{}", "purpose=batch")
	const want = `{"error":{"code":"quotaExceeded","message":"The quota for files without expiry is reached. The maximum is 500."}}`
	if resp, answer := do(t, "POST", url+"/openai/v1/files", body, contentType); resp.StatusCode != 400 || answer != want {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}

func TestBatchRefusals(t *testing.T) {
	_, url := start(t, nil)
	file := put(t, url, manyLines(1))
	valid := func(change string) string {
		return `{"input_file_id":"` + file + `","endpoint":"/chat/completions","completion_window":"24h"` + change + `}`
	}
	tests := []struct{ name, body, want string }{
		{"no JSON", `{`, "no valid JSON"},
		{"no file", `{"endpoint":"/chat/completions","completion_window":"24h"}`, "input_file_id"},
		{"unknown file", valid(`,"input_file_id":"file-x"`), "'file-x' was not found"},
		{"window", valid(`,"completion_window":"1h"`), "completion_window"},
		{"endpoint", valid(`,"endpoint":"/v1/embeddings"`), "endpoint"},
		{"metadata no text", valid(`,"metadata":{"a":1}`), "metadata"},
		{"metadata too long", valid(`,"metadata":{"a":"` + strings.Repeat("x", 513) + `"}`), "512"},
		{"output expiry", valid(`,"output_expires_after":{"seconds":1,"anchor":"created_at"}`), "expires_after"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, answer := do(t, "POST", url+"/openai/v1/batches", tt.body)
			if resp.StatusCode != 400 || !strings.Contains(answer, `"code":"invalidPayload"`) || !strings.Contains(answer, tt.want) {
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
		})
	}
	for _, path := range []string{"GET /files/x", "DELETE /files/x", "GET /files/x/content", "GET /batches/x", "POST /batches/x/cancel"} {
		method, path, _ := strings.Cut(path, " ")
		if resp, answer := do(t, method, url+"/openai/v1"+path, ""); resp.StatusCode != 404 || !strings.Contains(answer, `"notFound"`) {
			t.Errorf("%s %s: %d %s", method, path, resp.StatusCode, answer)
		}
	}
}

func TestInvalidInput(t *testing.T) {
	s, url := start(t, nil)
	good := inputOf("a", "hi")
	with := func(old, new string) string { return strings.Replace(inputOf("b", "hi"), old, new, 1) }
	tests := []struct{ name, input, code, line, param string }{
		{"empty", "", "empty_file", "-", "-"},
		{"only blank lines", "\n\r\n", "empty_file", "-", "-"},
		{"no JSON", good + "nonsense\n", "invalid_json_line", "2", "-"},
		{"no JSON at first", "nonsense\n" + good, "invalid_json_line", "1", "-"},
		{"torn last line", good + good[:40], "invalid_json_line", "2", "-"},
		{"BOM", "\xef\xbb\xbf" + good, "invalid_request", "-", "-"},
		{"no model", with(`"model":"`+batchModel+`",`, ""), "invalid_request", "-", "-"},
		{"unknown model", with(batchModel, "nobody"), "model_not_found", "1", "body.model"},
		{"online deployment", with(batchModel, "gpt-4o"), "invalid_request", "1", "body.model"},
		{"two models", good + with(batchModel, "gpt-4o-batch"), "model_mismatch", "2", "body.model"},
		{"url", good + with("/v1/chat/completions", "/v1/responses"), "url_mismatch", "2", "url"},
		{"other endpoint", with("/v1/chat/completions", "/v1/responses"), "url_mismatch", "1", "url"},
		{"method", with("POST", "GET"), "invalid_request", "1", "method"},
		{"no custom_id", with(`"custom_id":"b",`, ""), "invalid_request", "1", "custom_id"},
		{"custom_id a number", with(`"b"`, "7"), "invalid_request", "1", "custom_id"},
		{"duplicate custom_id", good + "\n" + good, "duplicate_custom_id", "3", "custom_id"},
		{"stream", with(`"model"`, `"stream":true,"model"`), "invalid_request", "1", "body.stream"},
		{"too many", strings.Repeat("\n", 1) + tooManyLines(), "too_many_tasks", "-", "-"},
	}
	text := func(v any) string {
		switch v := v.(type) {
		case *int:
			if v != nil {
				return itoa(*v)
			}
		case *string:
			if v != nil {
				return *v
			}
		}
		return "-"
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := create(t, url, put(t, url, tt.input))
			o, _, _ := finish(t, s, url, b.ID, "failed")
			if o.Errors == nil || len(o.Errors.Data) == 0 || o.FailedAt == nil || o.OutputFileID != "" || o.ErrorFileID != "" {
				t.Fatalf("%s", encode(o))
			}
			e := o.Errors.Data[0]
			if e.Code != tt.code || text(e.Line) != tt.line || text(e.Param) != tt.param || e.Message == "" {
				t.Errorf("%s", encode(e))
			}
		})
	}
	if e := s.Executions(); e.Executed != 0 {
		t.Errorf("executed %+v", e)
	}
}

func tooManyLines() string {
	line := inputOf("", "")
	var b strings.Builder
	for i := range maxLines + 1 {
		b.WriteString(strings.Replace(line, `"custom_id":""`, `"custom_id":"`+itoa(i)+`"`, 1))
	}
	return b.String()
}

func TestResponsesBatch(t *testing.T) {
	s, url := start(t, nil)
	line := `{"custom_id":"r","method":"POST","url":"/v1/responses","body":{"model":"` + batchModel + `","input":"Say yes"}}` // no newline at the end
	for _, endpoint := range []string{"/v1/responses", "/responses", "/chat/completions"} {
		t.Run(endpoint, func(t *testing.T) {
			file := put(t, url, line)
			_, answer := do(t, "POST", url+"/openai/batches?api-version=2024-10-21", `{"input_file_id":"`+file+`","endpoint":"`+endpoint+`","completion_window":"24h"}`)
			_, output, failed := finish(t, s, url, decode[batchObject](t, answer).ID, "completed")
			if len(output) != 1 || len(failed) != 0 || output[0].Response.Body.Output[0].Content[0].Text != "yes" {
				t.Errorf("%+v %+v", output, failed)
			}
		})
	}
}

func TestOutputIsShuffledTheSameWay(t *testing.T) {
	run := func() (ids []string) {
		s, url := start(t, nil)
		_, output, _ := finish(t, s, url, create(t, url, put(t, url, manyLines(20))).ID, "completed")
		for _, l := range output {
			ids = append(ids, l.CustomID)
		}
		return ids
	}
	first, second := run(), run()
	if !slices.Equal(first, second) || len(first) != 20 || slices.IsSortedFunc(first, func(a, b string) int { return len(a) - len(b) }) {
		t.Errorf("%v and %v", first, second)
	}
}

// fakeClock is a clock that stands still until it is told to go on.
type fakeClock struct {
	now   chan time.Time // holds the time
	asked chan time.Duration
	timer chan time.Time
}

func newFakeClock() *fakeClock {
	c := &fakeClock{make(chan time.Time, 1), make(chan time.Duration), make(chan time.Time)}
	c.now <- fixedNow()
	return c
}

func (c *fakeClock) Now() time.Time {
	t := <-c.now
	c.now <- t
	return t
}

func (c *fakeClock) add(d time.Duration) { c.now <- (<-c.now).Add(d) }

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.asked <- d
	return c.timer
}

// pass lets the time pass that a batch waits for.
func (c *fakeClock) pass(t *testing.T, want time.Duration) {
	t.Helper()
	if d := <-c.asked; d != want {
		t.Errorf("waits for %v, want %v", d, want)
	}
	c.add(want)
	c.timer <- c.Now()
}

func TestPace(t *testing.T) {
	clock := newFakeClock()
	s, url := start(t, func(o *Options) {
		o.Now, o.After = clock.Now, clock.After
		o.Pace = Pace{Processing: 10 * time.Second, Validating: 20 * time.Second, PerLine: 30 * time.Second, Finalizing: 40 * time.Second, Cancelling: 50 * time.Second}
	})
	file := put(t, url, manyLines(2))
	const body = `","endpoint":"/chat/completions","completion_window":"24h"}`
	if _, answer := do(t, "GET", url+"/openai/v1/files/"+file, ""); decode[fileObject](t, answer).Status != "pending" {
		t.Errorf("at first %s", answer)
	}
	if resp, answer := do(t, "POST", url+"/openai/v1/batches", `{"input_file_id":"`+file+body); resp.StatusCode != 400 {
		t.Errorf("a pending file: %s", answer)
	}
	clock.add(10 * time.Second)
	b := create(t, url, file)
	status := func(want string) batchObject {
		t.Helper()
		_, answer := do(t, "GET", url+"/openai/v1/batches/"+b.ID, "")
		o := decode[batchObject](t, answer)
		if o.Status != want {
			t.Errorf("%s, want %s", o.Status, want)
		}
		return o
	}
	status("validating")
	clock.pass(t, 20*time.Second)
	clock.pass(t, 30*time.Second)
	if o := status("in_progress"); o.RequestCounts.Total != 2 || o.RequestCounts.Completed < 1 || o.OutputFileID != "" {
		t.Errorf("%+v", o)
	}
	clock.pass(t, 30*time.Second)
	clock.pass(t, 40*time.Second)
	o, _, _ := finish(t, s, url, b.ID, "completed")
	at := o.CreatedAt
	for _, got := range []*int64{o.InProgressAt, o.FinalizingAt, o.CompletedAt} {
		if got == nil || *got <= at {
			t.Fatalf("times %s", encode(o))
		}
		at = *got
	}
	if *o.CompletedAt-o.CreatedAt != 120 {
		t.Errorf("took %d s", *o.CompletedAt-o.CreatedAt)
	}

	b = create(t, url, file)
	clock.pass(t, 20*time.Second)
	<-clock.asked // the first line is done
	do(t, "POST", url+"/openai/v1/batches/"+b.ID+"/cancel", "")
	status("cancelling")
	clock.pass(t, 50*time.Second)
	o, output, failed := finish(t, s, url, b.ID, "cancelled")
	if len(output) != 1 || len(failed) != 1 || failed[0].Error.Code != "batch_cancelled" || o.RequestCounts != (requestCounts{2, 1, 1}) {
		t.Errorf("%+v %+v %+v", o, output, failed)
	}
	if resp, _ := do(t, "POST", url+"/openai/v1/batches/"+b.ID+"/cancel", ""); resp.StatusCode != 200 {
		t.Errorf("cancelled twice: %d", resp.StatusCode)
	}
}

func TestPaceIsSet(t *testing.T) {
	s, url := start(t, nil)
	tests := []struct {
		body   string
		status int
		want   Pace
	}{
		{`{}`, 204, DefaultPace},
		{`{"scale":0.5,"validating":"4s"}`, 204, Pace{500 * time.Millisecond, 2 * time.Second, 500 * time.Microsecond, 500 * time.Millisecond, 500 * time.Millisecond}},
		{`{"scale":0}`, 204, Pace{}},
		{`{"validating":4}`, 400, Pace{}},
		{`{"validating":"soon"}`, 400, Pace{}},
		{`{"speed":4}`, 400, Pace{}},
	}
	for _, tt := range tests {
		if resp, answer := do(t, "POST", url+"/_emulator/pace", tt.body); resp.StatusCode != tt.status || *s.pace.Load() != tt.want {
			t.Errorf("%s: %d %s %+v", tt.body, resp.StatusCode, answer, *s.pace.Load())
		}
	}
	if _, answer := do(t, "GET", url+"/_emulator/pace", ""); !strings.Contains(answer, `"per_line":"0s"`) {
		t.Error(answer)
	}
}
