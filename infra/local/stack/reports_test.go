package stack_test

import (
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

// A report is what a caller of some gateway saw go wrong, and what has to come here.
type report struct {
	name   string
	fault  string              // of the emulator
	answer *azureopenai.Answer // that Azure gives, nil for the emulator's own
	call   call
	status int
	whole  bool     // the body is the answer's, byte for byte
	has    []string // parts of the body
	ends   string   // the body's end
	lacks  string   // no part of the body
	broken bool     // the answer has no clean end
	asked  int      // how often Azure is asked
	log    []string // parts of the call's line
}

// check makes the call and compares.
func (r *report) check(t *testing.T, s *stack.Stack, logs *testsync.LogBuffer) {
	s.Emulator.Reset()
	if r.fault != "" {
		if err := s.Emulator.AddFault(azureopenai.FaultRule{Fault: r.fault}); err != nil {
			t.Fatal(err)
		}
	}
	if r.answer != nil {
		s.Emulator.QueueAnswer(*r.answer)
	}
	before := len(logs.String())
	response := r.call.do(t, s)
	body, err := text(t, response)
	if response.StatusCode != r.status || (err != nil) != r.broken {
		t.Fatalf("got %d, end %v: %.500s", response.StatusCode, err, body)
	}
	if r.whole && body != r.answer.Body {
		t.Errorf("got %d bytes, want %d: %.500s", len(body), len(r.answer.Body), body)
	}
	for _, part := range r.has {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %.500s", part, body)
		}
	}
	if !strings.HasSuffix(body, r.ends) || r.lacks != "" && strings.Contains(body, r.lacks) {
		t.Errorf("got %.500s", body)
	}
	if n := len(s.Emulator.Requests()); n != r.asked {
		t.Errorf("Azure was asked %d times, want %d", n, r.asked)
	}
	var line string
	testsync.Eventually(t, "the call is in the log", func() bool {
		for entry := range strings.SplitSeq(logs.String()[before:], "\n") {
			if strings.Contains(entry, `"msg":"call"`) && strings.Contains(entry, `"_aws"`) && strings.HasSuffix(entry, "}") {
				line = entry
				return true
			}
		}
		return false
	})
	for _, part := range r.log {
		if !strings.Contains(line, part) {
			t.Errorf("no %s in %s", part, line)
		}
	}
}

// TestReportedStreams is about what was reported of streams, errors and bodies.
func TestReportedStreams(t *testing.T) {
	t.Parallel()
	const chat, responses = "/v1/chat/completions", "/v1/responses"
	streamed := call{path: chat, body: strings.Replace(hello, "{", `{"stream":true,`, 1)}
	respond := call{path: responses, body: `{"model":"gpt-4o-mini","input":"x","stream":true}`}
	sources := call{path: chat, body: strings.Replace(streamed.body, "{", `{"data_sources":[{"type":"azure_search","parameters":{}}],`, 1)}
	const stop = `data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop","index":0}]}` + "\n\n"
	const done = "data: [DONE]\n\n"
	const created = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0}\n\n"
	completed := "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"output\":[{\"result\":\"" + strings.Repeat("iVBORw0K", 5<<17) +
		"\"}],\"usage\":{\"input_tokens\":5,\"output_tokens\":3}}}\n\n"
	small := strings.Replace(completed, strings.Repeat("iVBORw0K", 5<<17), "", 1)
	const failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}\n\n"
	events := func(body string) *azureopenai.Answer {
		return &azureopenai.Answer{Body: body, Headers: map[string]string{"Content-Type": "text/event-stream"}}
	}
	untyped := events(stop + done)
	untyped.Headers["Content-Type"] = ""
	ok := []string{`"server_errors":0`}
	tests := []report{
		{name: "a stream with data sources", call: sources, status: 200, ends: done, asked: 1, log: ok},
		{name: "refused stream options that nobody asked for", fault: "no-stream-options", call: streamed, status: 200, ends: done, asked: 2, log: ok},
		{name: "a last event of 5 MB", answer: events(created + completed), call: respond, status: 200, whole: true, asked: 1, log: []string{`"server_errors":0`, `"output_tokens":3`}},
		{name: "a cut after the last event", fault: "cut;after=2", answer: events(stop + done), call: streamed, status: 200, whole: true, asked: 1, log: ok},
		{name: "a reset after the last event", fault: "reset;after=2", answer: events(created + small), call: respond, status: 200, whole: true, asked: 1, log: ok},
		{name: "no [DONE]", fault: "no-done", call: streamed, status: 200, has: []string{`"finish_reason":"stop"`}, lacks: `"error"`, asked: 1, log: ok},
		{name: "no event lines", answer: events("data: " + small[strings.Index(small, "{"):]), call: respond, status: 200, whole: true, asked: 1, log: []string{`"server_errors":0`, `"output_tokens":3`}},
		{name: "no Content-Type", answer: untyped, call: streamed, status: 200, whole: true, asked: 1, log: ok},
		{name: "response.failed", answer: events(created + failed), call: respond, status: 200, whole: true, asked: 1, log: []string{`"server_errors":1`, `"error_code":"rate_limit_exceeded"`, `"level":"ERROR"`}},
		{name: "an error event and [DONE]", answer: events(`data: {"error":{"code":"content_filter","message":"m"}}` + "\n\n" + done), call: streamed, status: 200, whole: true, asked: 1, log: []string{`"server_errors":1`, `"error_code":"content_filter"`}},
		{name: "an error event of words", answer: events(`data: {"error":"text"}` + "\n\n"), call: streamed, status: 200, whole: true, broken: true, asked: 1, log: []string{`"server_errors":1`, `"error_code":"upstream_error"`}},
		{name: "our error event", fault: "cut;after=1", answer: events(created + small), call: respond, status: 200, has: []string{`"sequence_number":1`, `"type":"error"`, `"code":"upstream_connection_lost"`}, broken: true, asked: 1, log: []string{`"server_errors":1`}},
		{name: "an error of another form", answer: &azureopenai.Answer{Status: 404, Body: `{"detail":"Not Found"}`}, call: streamed, status: 404, has: []string{"Azure OpenAI answered 404: Not Found", `"code":"upstream_error"`}, asked: 1, log: []string{"azure answered 404: Not Found"}},
		{name: "an error of no form", answer: &azureopenai.Answer{Status: 400, Body: "upstream connect error or disconnect/reset before headers"}, call: streamed, status: 400, has: []string{"upstream connect error or disconnect/reset before headers"}, asked: 1,
			log: []string{"upstream connect error or disconnect/reset before headers"}},
		{name: "gzip", fault: "gzip", call: call{path: chat, body: hello}, status: 200, has: []string{`"content":"hello"`}, asked: 1, log: ok},
		{name: "gzip, streamed", fault: "gzip", call: streamed, status: 200, ends: done, asked: 1, log: ok},
		{name: "compaction", call: call{path: responses + "/compact", body: `{"model":"gpt-4o-mini","input":"x"}`}, status: 200, has: []string{`"response.compaction"`}, asked: 1, log: ok},
		{name: "a conversation with items", call: call{path: "/v1/conversations", body: `{"items":[{"type":"message","role":"user","content":"hi"}]}`}, status: 200, has: []string{`"object":"conversation"`}, asked: 1, log: ok},
		{name: "a WebSocket", call: call{method: "GET", path: responses, header: map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}}, status: 426, has: []string{`"websocket_not_supported"`}, log: []string{`"client_errors":1`, `"server_errors":0`}},
		{name: "a byte order mark", call: call{path: chat, body: "\xef\xbb\xbf" + hello}, status: 200, has: []string{`"content":"hello"`}, asked: 1, log: ok},
		{name: "a dated api-version on /v1", call: call{path: chat + "?api-version=2024-05-01-preview", body: hello}, status: 200, has: []string{`"content":"hello"`}, asked: 1, log: ok},
		{name: "OpenAI's other paths", call: call{path: "/v1/images/generations", body: hello}, status: 404, has: []string{`"not_served"`, "chat/completions"}, log: []string{`"error_code":"not_served"`}},
	}
	s, logs := start(t, stack.Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.check(t, s, logs) })
	}
	if n := len(s.Host.Instances("ChatFunction")); n != 1 {
		t.Errorf("%d instances live on, want the first one", n)
	}
}

// TestHealth asks without a key, and with secrets that are gone.
func TestHealth(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	for _, id := range []string{s.Template.Parameters["AzureSecretId"], s.CallersSecretID()} {
		s.Secrets.Remove(id)
	}
	keyless := map[string]string{"Authorization": ""}
	if status, body := (call{method: http.MethodGet, path: "/health", header: keyless}).answer(t, s); status != 200 || body != `{"status":"ok"}` {
		t.Errorf("got %d %s", status, body)
	}
	if status, body := (call{method: http.MethodHead, path: "/health", header: keyless}).answer(t, s); status != 200 || body != "" {
		t.Errorf("HEAD: got %d %s", status, body)
	}
	if status, _ := (call{path: "/health", body: "{}", header: keyless}).answer(t, s); status != 405 {
		t.Errorf("POST: got %d", status)
	}
}

// TestHeadOfModels is about a secret that lists no deployments, so that Azure is asked.
func TestHeadOfModels(t *testing.T) {
	t.Parallel()
	first, _ := start(t, stack.Options{})
	first.Emulator.SetAPIKeys("k")
	s, _ := start(t, stack.Options{Azure: stack.Azure{Endpoint: first.AzureURL, APIKey: "k"}})
	if status, body := (call{method: http.MethodHead, path: "/v1/models"}).answer(t, s); status != 200 || body != "" {
		t.Errorf("got %d %s", status, body)
	}
}
