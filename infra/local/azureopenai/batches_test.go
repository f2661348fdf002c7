package azureopenai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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
			if file.Bytes != int64(len(input)) || file.Filename != "test.jsonl" || !strings.Contains(file.RawJSON(), `"status":"processed"`) || file.ExpiresAt != file.CreatedAt+1209600 {
				t.Errorf("file %s", file.RawJSON())
			}
			b, err := c.Batches.New(ctx, openai.BatchNewParams{InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: "24h",
				Metadata: map[string]string{"part": "7"}})
			if err != nil {
				t.Fatal(err)
			}
			if b.CreatedAt == 0 || b.Endpoint != "/chat/completions" || b.Metadata["part"] != "7" {
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

// pass lets the time pass that a batch waits for.
