package inference_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	invalid = "invalid_request_error"
	hello   = `"messages":[{"role":"user","content":"Say hello"}]`
)

func TestBadInput(t *testing.T) {
	s := open(t, deployments)
	const chat, dated = "POST /v1/chat/completions", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21"
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name, line, body string
		edit             func(*http.Request)
		status           int
		kind, param      string
		code, message    string
	}{
		{"no messages", chat, `{"model":"gpt-4o"}`, nil, 400, invalid, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."},
		{"null for messages", chat, `{"model":"gpt-4o","messages":null}`, nil, 400, invalid, "messages", "missing_required_parameter", "'messages'"},
		{"no messages, deployment in the path", dated, `{}`, nil, 400, invalid, "messages", "missing_required_parameter", "'messages'"},
		{"no input", "POST /v1/embeddings", `{"model":"text-embedding-3-small"}`, nil, 400, invalid, "input", "missing_required_parameter", "'input'"},
		{"broken JSON", chat, `{"model":"gpt-4o",`, nil, 400, invalid, "", "invalid_json", "at byte 18"},
		{"two documents", chat, `{"model":"gpt-4o"}{}`, nil, 400, invalid, "", "invalid_json", "at byte 19"},
		{"an array", chat, `[]`, nil, 400, invalid, "", "invalid_json", "not an object"},
		{"empty body", chat, "", nil, 400, invalid, "", "empty_body", "Send a JSON object"},
		{"a body that ends too early", chat, `{}`, func(r *http.Request) { r.ContentLength = 9 }, 400, invalid, "", "invalid_body", "to its end"},
		{"a body that breaks off", chat, `{}`, func(r *http.Request) {
			r.Body, r.ContentLength = readCloser{iotest.ErrReader(http.ErrBodyReadAfterClose)}, -1
		}, 400, invalid, "", "invalid_body", "to its end"},
		{"wrong content type", chat, `{"model":"gpt-4o",` + hello + `}`, header("Content-Type", "text/plain"), 415, invalid, "Content-Type", "unsupported_content_type", `"text/plain". Send application/json`},
		{"a form", chat, `a=b`, header("Content-Type", "application/x-www-form-urlencoded"), 415, invalid, "Content-Type", "unsupported_content_type", "application/json"},
		{"a compressed body", chat, `x`, header("Content-Encoding", "gzip"), 415, invalid, "Content-Encoding", "unsupported_content_encoding", "not compressed"},
		{"a line break in a header that goes on to Azure", chat, `{"model":"gpt-4o",` + hello + `}`, header("X-Ms-Client-Request-Id", "a\r\nApi-Key: b"), 400, invalid, "X-Ms-Client-Request-Id", "invalid_header", "The header X-Ms-Client-Request-Id has a line break"},
		{"a control character in one", "GET /v1/responses/resp_1", "", header("Accept", "a\x01"), 400, invalid, "Accept", "invalid_header", "The header Accept"},
		{"GET on a POST route", "GET /v1/chat/completions", "", nil, 405, invalid, "", "method_not_allowed", "Not allowed to GET on /v1/chat/completions. Use POST."},
		{"stream not a boolean", chat, `{"model":"gpt-4o",` + hello + `,"stream":"true"}`, nil, 400, invalid, "stream", "invalid_type", "expected a boolean, but got a string"},
		{"stream a number", chat, `{"model":"gpt-4o",` + hello + `,"stream":1}`, nil, 400, invalid, "stream", "invalid_type", "but got a number"},
		{"stream_options no object", chat, `{"model":"gpt-4o",` + hello + `,"stream":true,"stream_options":[]}`, nil, 400, invalid, "stream_options", "invalid_type", "expected an object, but got an array"},
		{"include_usage not a boolean", chat, `{"model":"gpt-4o",` + hello + `,"stream":true,"stream_options":{"include_usage":"x"}}`, nil, 400, invalid, "stream_options.include_usage", "invalid_type", "a boolean"},
		{"no model", chat, `{` + hello + `}`, nil, 400, invalid, "model", "missing_required_parameter", "GET /v1/models"},
		{"null for a model", chat, `{"model":null,` + hello + `}`, nil, 400, invalid, "model", "missing_required_parameter", "GET /v1/models"},
		{"a model that is no string", chat, `{"model":{},` + hello + `}`, nil, 400, invalid, "model", "invalid_type", "expected a string, but got an object"},
		{"an empty model", chat, `{"model":"",` + hello + `}`, nil, 400, invalid, "model", "invalid_value", "'model' is empty"},
		{"two models", chat, `{"model":"gpt-4o","mod\u0065l":"gpt-5.4-mini",` + hello + `}`, nil, 400, invalid, "model", "duplicate_parameter", "more than once"},
		{"stream twice", chat, `{"model":"gpt-4o","stream":false,"stream":true,` + hello + `}`, nil, 400, invalid, "stream", "duplicate_parameter", "more than once"},
		{"unknown model", chat, `{"model":"gpt-9",` + hello + `}`, nil, 404, invalid, "model", "model_not_found", "`gpt-9`"},
		{"unknown deployment in the path", strings.Replace(dated, "main", "gpt-9", 1), `{` + hello + `}`, nil, 404, invalid, "model", "model_not_found", "`gpt-9`"},
		{"a batch deployment", chat, `{"model":"gpt-4o-mini-batch",` + hello + `}`, nil, 404, invalid, "model", "model_not_found", "`gpt-4o-mini-batch`"},
		{"a model that is not allowed", chat, `{"model":"gpt-4o-mini",` + hello + `}`, header("Authorization", "Bearer few"), 403, "permission_error", "model", "model_not_allowed", "Your key may not use the model `gpt-4o-mini`"},
		{"and by its deployment", strings.Replace(dated, "main", "gpt-4o-mini", 1), `{"model":"gpt-4o",` + hello + `}`, header("Authorization", "Bearer few"), 403, "permission_error", "model", "model_not_allowed", "`gpt-4o-mini`"},
		{"no version on Azure's path", strings.TrimSuffix(dated, "?api-version=2024-10-21"), `{` + hello + `}`, nil, 400, invalid, "api-version", "missing_api_version", "?api-version=2024-10-21"},
		{"unknown path", "POST /v1/chat/completion", `{}`, nil, 404, invalid, "", "unknown_url", "POST /v1/chat/completion"},
		{"a slash too many", "POST /v1//chat/completions", `{}`, nil, 404, invalid, "", "unknown_url", "base URL"},
		{"a slash at the end", "POST /v1/chat/completions/", `{}`, nil, 404, invalid, "", "unknown_url", "base URL"},
		{"dots", "GET /v1/responses/a/../../models", "", nil, 404, invalid, "", "unknown_url", "typos"},
		{"no family", "POST /chat/completions", `{}`, nil, 404, invalid, "", "unknown_url", "/v1"},
		{"the root of a family", "GET /v1/", "", nil, 404, invalid, "", "unknown_url", "/v1"},
		{"the root", "GET /", "", nil, 404, invalid, "", "unknown_url", "/v1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.line, tt.body)
			if tt.edit != nil {
				tt.edit(r)
			}
			w, record := s.ask(r)
			checkError(t, w, tt.status, tt.kind, tt.param, tt.code, tt.message)
			if record.Code != tt.code {
				t.Errorf("the log has %q", record.Code)
			}
			if n := len(s.upstreamRequests()); n != 0 {
				t.Errorf("Azure was asked %d times", n)
			}
		})
	}
	if w, _ := s.ask(request("GET /v1/chat/completions", "")); w.Header().Get("Allow") != "POST" {
		t.Errorf("Allow: %q", w.Header().Get("Allow"))
	}
}

type readCloser struct{ reader }

type reader interface{ Read([]byte) (int, error) }

func (readCloser) Close() error { return nil }

// TestAzureRefuses is about what only Azure can judge; its words reach the caller.
func TestAzureRefuses(t *testing.T) {
	s := open(t, deployments)
	tests := []struct{ name, body, param, code string }{
		{"messages of the wrong type", `{"model":"gpt-4o","messages":"hi"}`, "messages", "invalid_type"},
		{"an empty list of messages", `{"model":"gpt-4o","messages":[]}`, "messages", "empty_array"},
		{"a parameter the model does not take", `{"model":"gpt-5.4-mini","max_tokens":1,` + hello + `}`, "max_tokens", "unsupported_parameter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := s.ask(request("POST /v1/chat/completions", tt.body))
			checkError(t, w, 400, invalid, tt.param, tt.code, "'")
		})
	}
}

// TestUnknownDeploymentAtAzure is about a secret that lists none: only Azure knows.
func TestUnknownDeploymentAtAzure(t *testing.T) {
	s := open(t, "")
	w, _ := s.ask(request("POST /v1/chat/completions", `{"model":"gpt-9",`+hello+`}`))
	checkError(t, w, 404, invalid, "", "DeploymentNotFound", "The API deployment for this resource does not exist")
}
