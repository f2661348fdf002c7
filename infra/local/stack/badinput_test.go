package stack_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"crypto/sha256"
	"fmt"

	"aoai-bridge/infra/local/stack"
)

// limitedKey may use one model only.
const (
	limitedKey   = "sk-limited"
	limitedHello = `{"model":"gpt-4o","messages":[{"role":"user","content":"Say hello"}]}`
)

func addLimitedCaller(s *stack.Stack) {
	id := s.CallersSecretID()
	secret, _ := s.Secrets.Get(id)
	limited := fmt.Sprintf(`{"callers":[{"name":"limited","sha256":"%x","models":["gpt-4o"]},`, sha256.Sum256([]byte(limitedKey)))
	s.Secrets.Put(id, strings.Replace(secret, `{"callers":[`, limited, 1))
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	addLimitedCaller(s)
	const chat = "/v1/chat/completions"
	tests := []struct {
		name        string
		call        call
		status      int
		code, param string
		message     string // a part
	}{
		{name: "no key", call: call{path: chat, body: hello, header: map[string]string{"Authorization": ""}}, status: 401, message: "You didn't provide an API key"},
		{name: "wrong key", call: call{path: chat, body: hello, header: map[string]string{"Authorization": "Bearer sk-wrong-one-of-many"}}, status: 401, code: "invalid_api_key", message: "Incorrect API key provided"},
		{name: "wrong api-key", call: call{path: "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", body: hello, header: map[string]string{"Authorization": "", "api-key": "x"}}, status: 401, code: "invalid_api_key"},
		{name: "a model that the key may not use", call: call{path: chat, body: hello, header: map[string]string{"Authorization": "Bearer " + limitedKey}}, status: 403, code: "model_not_allowed", param: "model", message: "gpt-4o-mini"},
		{name: "unknown model", call: call{path: chat, body: `{"model":"nobody","messages":[{"role":"user","content":"x"}]}`}, status: 404, code: "model_not_found", param: "model", message: "nobody"},
		{name: "unknown deployment in the path", call: call{path: "/openai/deployments/nobody/chat/completions?api-version=2024-10-21", body: hello}, status: 404, code: "model_not_found", param: "model"},
		{name: "no api-version", call: call{path: "/openai/deployments/gpt-4o/chat/completions", body: hello}, status: 400, code: "missing_api_version", param: "api-version"},
		{name: "no model", call: call{path: chat, body: `{"messages":[]}`}, status: 400, code: "missing_required_parameter", param: "model"},
		{name: "no messages", call: call{path: chat, body: `{"model":"gpt-4o"}`}, status: 400, code: "missing_required_parameter", param: "messages"},
		{name: "no input", call: call{path: "/v1/embeddings", body: `{"model":"text-embedding-3-small"}`}, status: 400, code: "missing_required_parameter", param: "input"},
		{name: "broken JSON", call: call{path: chat, body: `{"model":"gpt-4o",`}, status: 400, code: "invalid_json"},
		{name: "not an object", call: call{path: chat, body: `[1]`}, status: 400, code: "invalid_json"},
		{name: "empty body", call: call{path: chat}, status: 400, code: "empty_body"},
		{name: "stream not a boolean", call: call{path: chat, body: `{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"stream":"yes"}`}, status: 400, code: "invalid_type", param: "stream"},
		{name: "model not a string", call: call{path: chat, body: `{"model":4,"messages":[]}`}, status: 400, code: "invalid_type", param: "model"},
		{name: "model twice", call: call{path: chat, body: `{"model":"gpt-4o","model":"gpt-4o-mini","messages":[]}`}, status: 400, code: "duplicate_parameter", param: "model"},
		{name: "wrong content type", call: call{path: chat, body: hello, header: map[string]string{"Content-Type": "text/plain"}}, status: 415, code: "unsupported_content_type"},
		{name: "GET on a POST route", call: call{method: "GET", path: chat}, status: 405, code: "method_not_allowed", message: "POST"},
		{name: "unknown route", call: call{path: "/v1/nothing", body: hello}, status: 404, code: "unknown_url"},
		{name: "root", call: call{method: "GET", path: "/"}, status: 404, code: "unknown_url"},
		{name: "a header with a deployment that the key may not use", call: call{path: chat, body: limitedHello, header: map[string]string{"Authorization": "Bearer " + limitedKey, "x-ms-spillover-deployment": "gpt-4o-mini"}}, status: 403, code: "model_not_allowed", param: "x-ms-spillover-deployment"},
		{name: "a file that the key does not reach", call: call{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}`, header: map[string]string{"Authorization": "Bearer " + limitedKey}}, status: 404, code: "not_found", param: "input[0].content[0].file_id", message: "ALLOW=state"},
		{name: "model in another case", call: call{path: chat, body: strings.Replace(hello, `{`, `{"Model":"gpt-4o",`, 1)}, status: 400, code: "unknown_parameter", param: "Model"},
		{name: "dots for a deployment", call: call{path: "/openai/deployments/%2e%2e/chat/completions?api-version=2024-10-21", body: hello}, status: 404, code: "unknown_url"},
		{name: "11 MB", call: call{path: chat, body: strings.Repeat(" ", 11<<20)}, status: 413, code: "request_too_large"},
		{name: "7 MB", call: call{path: chat, body: strings.Repeat(" ", 7<<20)}, status: 413},
		{name: "model that Azure refuses", call: call{path: chat, body: `{"model":"text-embedding-3-small","messages":[{"role":"user","content":"x"}]}`}, status: 400, code: "OperationNotSupported"},
		{name: "parameter that Azure refuses", call: call{path: chat, body: `{"model":"gpt-5.4-mini","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`}, status: 400, code: "unsupported_parameter", param: "max_tokens"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.call.do(t, s)
			body := mustText(t, r)
			if r.StatusCode != test.status {
				t.Fatalf("status %d, want %d: %s", r.StatusCode, test.status, body)
			}
			e := decodeError(t, body)
			if test.code != "" && e.code() != test.code || test.param != "" && e.param() != test.param || !strings.Contains(e.Message, test.message) {
				t.Errorf("got %s", body)
			}
			if status, body := (call{path: chat, body: hello}).answer(t, s); status != http.StatusOK {
				t.Errorf("the next call fails: %d %s", status, body)
			}
		})
	}
	if n := len(s.Host.Instances("ChatFunction")); n != 1 {
		t.Errorf("%d instances of ChatFunction live on, want the first one", n)
	}
}

// TestUnknownDeploymentAtAzure is about a secret that lists none, so that only Azure knows.
func TestUnknownDeploymentAtAzure(t *testing.T) {
	t.Parallel()
	first, _ := start(t, stack.Options{})
	first.Emulator.SetAPIKeys("k")
	s, _ := start(t, stack.Options{Azure: stack.Azure{Endpoint: first.AzureURL, APIKey: "k"}})
	r := call{path: "/v1/chat/completions", body: `{"model":"nobody","messages":[{"role":"user","content":"x"}]}`}.do(t, s)
	if e := decodeError(t, mustText(t, r)); r.StatusCode != 404 || e.code() != "DeploymentNotFound" {
		t.Errorf("%d %+v", r.StatusCode, e)
	}
	if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != 200 {
		t.Errorf("a known one: %d %s", status, body)
	}
}

// TestHalfARequest sends a body that ends too early and hangs up; the stack has to live on.
func TestHalfARequest(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{", stack.CallerKey)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = http.ReadResponse(bufio.NewReader(c), nil) // whatever it is
	c.Close()
	if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != 200 {
		t.Errorf("the next call: %d %s", status, body)
	}
}
