package azure_test

import (
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
)

// TestFailureWithinAnAnswer is about failures that Azure reports with status 200.
func TestFailureWithinAnAnswer(t *testing.T) {
	const failed = `,"sequence_number":9,"response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"},"usage":{"input_tokens":5,"output_tokens":3}}`
	huge := strings.Replace(failed, `{"status"`, `{"output":["`+strings.Repeat("x", 6<<20)+`"],"status"`, 1)
	tests := []struct {
		name, path, in string
		code           string // in the log; "" is no failure
		broken         bool
	}{
		{"response.failed", "responses", event("response.failed", failed), "rate_limit_exceeded", false},
		{"response.failed, no event line", "responses", strings.SplitAfterN(event("response.failed", failed), "\n", 2)[1], "rate_limit_exceeded", false},
		{"response.failed of 6 MB", "responses", event("response.failed", huge), "rate_limit_exceeded", false},
		{"response.failed without an error", "responses", event("response.failed", `,"response":{"error":null}`), "upstream_error", false},
		{"response.incomplete", "responses", event("response.incomplete", lastMembers), "", false},
		{"an error event and its end", "responses", event("error", `,"code":"server_error","message":"m"`) + event("response.failed", failed), "server_error", false},
		{"an error event, nested", "responses", event("error", `,"error":{"code":"content_filter","message":"m"}`) + done, "content_filter", false},
		{"an error event without a code", "responses", event("error", `,"error":{"type":"server_error","code":null,"message":"m"}`) + done, "server_error", false},
		{"an error event alone", "responses", event("error", `,"code":"server_error","message":"m"`), "server_error", true},
		{"a chat's error and [DONE]", "chat/completions", text + `data: {"error":{"code":"content_filter","message":"m"}}` + "\n\n" + done, "content_filter", false},
		{"a numeric code", "chat/completions", `data: {"error":{"code":429,"message":"m"}}` + "\n\n" + done, "429", false},
		{"a type alone", "chat/completions", `data: {"error":{"type":"server_error","code":null,"message":"m"}}` + "\n\n" + done, "server_error", false},
		{"words alone", "chat/completions", `data: {"error":"text"}` + "\n\n", "upstream_error", true},
		{"words alone and [DONE]", "chat/completions", `data: {"error":"text"}` + "\n\n" + done, "upstream_error", false},
		{"words alone and a cut", "chat/completions", text + `data: {"error":"text"}` + "\n\n" + `data: {"ch`, "upstream_error", true},
		{"an event named error", "chat/completions", "event: error\ndata: {\"code\":\"overloaded\",\"message\":\"m\"}\n\n" + done, "overloaded", false},
		{"a null error", "chat/completions", strings.Replace(text, `"usage"`, `"error":null,"usage"`, 1) + stop + done, "", false},
		{"a model that quotes an error", "chat/completions", strings.Replace(text, `"x"`, `"{\"error\":\"text\"}"`, 1) + stop + done, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, record, err := relay(t, tt.path, strings.NewReader(tt.in), true)
			want := tt.in
			if strings.HasSuffix(want, `{"ch`) {
				want = strings.TrimSuffix(want, `data: {"ch`)
			}
			if got := w.Body.String(); !strings.HasPrefix(got, want) || len(got) > len(tt.in) || (err == azure.ErrBroken) != tt.broken {
				t.Errorf("%v, got %d bytes, want %d", err, len(got), len(want))
			}
			if record.Code != tt.code || (record.Err != nil) != (tt.code != "") {
				t.Errorf("the log has %q, %v", record.Code, record.Err)
			}
		})
	}
}

// TestFailureWithinAWholeAnswer is the same without a stream.
func TestFailureWithinAWholeAnswer(t *testing.T) {
	tests := []struct{ name, method, body, code string }{
		{"a failed response", "POST", `{"status":"failed","error":{"code":"server_error","message":"m"}}`, "server_error"},
		{"only an error", "POST", `{"error":{"code":"429","message":"m"}}`, "429"},
		{"only words", "POST", `{"error":"m"}`, "upstream_error"},
		{"none", "POST", `{"status":"completed","error":null}`, ""},
		{"one that is looked up", "GET", `{"status":"failed","error":{"code":"server_error","message":"m"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Body: tt.body})
			call := post("responses", "gpt-4o", `"input":"x"`)
			if tt.method == http.MethodGet {
				call = get("responses/resp_1")
			}
			r := s.do(t.Context(), call, true)
			if r.err != nil || r.Body.String() != tt.body || r.record.Code != tt.code || (r.record.Err != nil) != (tt.code != "") {
				t.Errorf("got %v %s, in the log %q %v", r.err, r.Body, r.record.Code, r.record.Err)
			}
		})
	}
}

// TestNumberOfOurErrorEvent is about clients that check the schema of every event.
func TestNumberOfOurErrorEvent(t *testing.T) {
	delta := func(members string) string { return event("response.output_text.delta", members) }
	tests := []struct{ name, in, want string }{
		{"after none", "", `"sequence_number":0`},
		{"after some", delta(`,"sequence_number":0`) + delta(`,"sequence_number":1`), `"sequence_number":2`},
		{"spaces, and no event line", `data: {"type": "response.created", "sequence_number": 41}` + "\n\n", `"sequence_number":42`},
		{"at the end", delta(`,"delta":"x","sequence_number":7`), `"sequence_number":8`},
		{"quoted by the model", delta(`,"sequence_number":3,"delta":"{\"sequence_number\":99}"`), `"sequence_number":4`},
		{"not numbered", delta(`,"sequence_number":3`) + delta(`,"delta":"x"`), `"sequence_number":4`},
		{"of a large one", delta(`,"delta":"` + strings.Repeat("x", 5<<20) + `","sequence_number":6`), `"sequence_number":7`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _, err := relay(t, "responses", strings.NewReader(tt.in), true)
			signal := strings.TrimPrefix(w.Body.String(), tt.in)
			var e struct {
				Type, Code, Message string
				Number              *int `json:"sequence_number"`
			}
			data, ok := strings.CutPrefix(signal, "event: error\ndata: ")
			mustDecode(t, []byte(strings.TrimSpace(data)), &e)
			if err != azure.ErrBroken || !ok || e.Type != "error" || e.Code != "upstream_connection_lost" || e.Message == "" || !strings.Contains(signal, tt.want) {
				t.Errorf("%v %s", err, signal)
			}
		})
	}
}
