package stack_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/stack"
)

const (
	page  = "https://app.example.com"
	pages = page + ",http://localhost:3000"
)

// TestPreflight asks every function without a key, and with secrets that are gone.
func TestPreflight(t *testing.T) {
	t.Parallel()
	for _, origins := range []string{"", "*", pages} {
		t.Run("CorsOrigins="+origins, func(t *testing.T) {
			s, _ := start(t, stack.Options{Parameters: map[string]string{"CorsOrigins": origins}})
			for _, id := range []string{s.Template.Parameters["AzureSecretId"], s.CallersSecretID()} {
				s.Secrets.Remove(id)
			}
			for _, path := range []string{"/v1/chat/completions", "/v1/embeddings", "/v1/tokens/estimate", "/v1/uploads", "/v1/files", "/v1/nothing", "/health"} {
				r := call{method: http.MethodOptions, path: path, header: map[string]string{
					"Authorization": "", "Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-own",
				}}.do(t, s)
				body, allow, headers := mustText(t, r), r.Header.Get("Access-Control-Allow-Origin"), r.Header.Get("Access-Control-Allow-Headers")
				switch origins {
				case "":
					if r.StatusCode < 400 || allow != "" || headers != "" || r.Header.Get("Vary") != "" {
						t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
					}
				default:
					want := map[string]string{"*": "*", pages: page}[origins]
					if r.StatusCode != 204 || body != "" || allow != want || r.Header.Get("Vary") != "Origin" || !strings.HasSuffix(headers, ", x-own") {
						t.Errorf("%s: %d %v %s", path, r.StatusCode, r.Header, body)
					}
				}
			}
		})
	}
}

// TestPagesOfOtherOrigins is what a browser gets, of functions and of the gateway itself.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	const other, chat = "https://other.example.com", "/v1/chat/completions"
	closed, _ := start(t, stack.Options{})
	open, _ := start(t, stack.Options{Parameters: map[string]string{"CorsOrigins": pages}})
	streamed := strings.Replace(hello, "{", `{"stream":true,`, 1)
	tests := []struct {
		name   string
		call   call
		status int
		allow  string // to page
		other  string // to another origin
		expose string
	}{
		{"an answer", call{path: chat, body: hello}, 200, page, "", "x-request-id"},
		{"a stream", call{path: chat, body: streamed}, 200, page, "", "apim-request-id"},
		{"no key", call{path: chat, body: hello, header: map[string]string{"Authorization": ""}}, 401, page, "", "x-request-id"},
		{"an unknown path", call{path: "/v1/nothing", body: "{}"}, 404, page, "", "x-request-id"},
		{"a wrong method", call{method: http.MethodPut, path: chat, body: "{}"}, 405, page, "", "allow"},
		{"Azure's 429", call{path: chat, body: strings.Replace(hello, "Say hello", "[[fault: 429;retry-after=60]]", 1)}, 429, page, "", "retry-after"},
		{"health", call{method: http.MethodGet, path: "/health"}, 200, page, "", "x-request-id"},
		{"the gateway's 413", call{path: chat, body: strings.Repeat(" ", 11<<20)}, 413, "*", "*", "x-should-retry"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, who := range []struct {
				s           *stack.Stack
				origin, out string
			}{{open, page, test.allow}, {open, other, test.other}, {open, "", strings.TrimPrefix(test.allow, page)}, {closed, page, ""}} {
				c := test.call
				c.header = map[string]string{"Origin": who.origin}
				maps.Copy(c.header, test.call.header)
				r := c.do(t, who.s)
				mustText(t, r)
				if got := r.Header.Get("Access-Control-Allow-Origin"); r.StatusCode != test.status || got != who.out {
					t.Errorf("to %q: %d, allowed to %q, want %d and %q", who.origin, r.StatusCode, got, test.status, who.out)
				}
				exposed := strings.Split(r.Header.Get("Access-Control-Expose-Headers"), ", ")
				if found := slices.Contains(exposed, test.expose); found != (who.out != "") {
					t.Errorf("to %q: exposed is %q", who.origin, exposed)
				}
				if r.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("to %q: credentials are allowed", who.origin)
				}
			}
		})
	}
}
