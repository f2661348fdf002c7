package stack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

const root = "../../.."

func TestMain(m *testing.M) { bootstraps.Main(m) }

// start runs a stack until the test ends. Its log is shown if the test fails.
func start(t *testing.T, o stack.Options) (*stack.Stack, *testsync.LogBuffer) {
	t.Helper()
	logs := &testsync.LogBuffer{}
	o.Template, o.Build, o.Logs = filepath.Join(root, "template.yaml"), bootstraps.For(t, root), logs
	s, err := stack.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the functions:\n%s", logs)
		}
	})
	return s, logs
}

var client = &http.Client{Timeout: time.Minute}

// A call is an HTTP request of a caller, with the local key and JSON unless it says otherwise.
type call struct {
	method, path, body string
	header             map[string]string // "" leaves one out
}

func (c call) do(t *testing.T, s *stack.Stack) *http.Response {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stack.CallerKey)
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, c.path, err)
	}
	return response
}

// answer sends the call and reads the answer to its end, so that the function is free again.
func (c call) answer(t *testing.T, s *stack.Stack) (status int, body string) {
	t.Helper()
	r := c.do(t, s)
	return r.StatusCode, mustText(t, r)
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// text is the whole answer; the error is that of a broken end.
func text(t *testing.T, r *http.Response) (string, error) {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

func mustText(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := text(t, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// apiError is the body of an error in OpenAI's shape: all four members are there.
type apiError struct {
	Message, Type string
	Param, Code   *string
}

func (e apiError) param() string { return deref(e.Param) }
func (e apiError) code() string  { return deref(e.Code) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func decodeError(t *testing.T, body string) apiError {
	t.Helper()
	var shape struct {
		Error map[string]json.RawMessage `json:"error"`
	}
	var e struct{ Error apiError }
	if json.Unmarshal([]byte(body), &shape) != nil || json.Unmarshal([]byte(body), &e) != nil {
		t.Fatalf("not an error in OpenAI's shape: %q", body)
	}
	for _, member := range []string{"message", "type", "param", "code"} {
		if _, ok := shape.Error[member]; !ok {
			t.Errorf("error without %s: %s", member, body)
		}
	}
	if e.Error.Message == "" || e.Error.Type == "" {
		t.Errorf("error says too little: %s", body)
	}
	return e.Error
}

const hello = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello"}]}`

func TestHello(t *testing.T) {
	t.Parallel()
	s, logs := start(t, stack.Options{})
	for _, path := range []string{
		"/v1/chat/completions", "/openai/v1/chat/completions",
		"/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
	} {
		body := mustText(t, call{path: path, body: hello}.do(t, s))
		if !strings.Contains(body, `"content":"hello"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if strings.Contains(logs.String(), "Say hello") || strings.Contains(logs.String(), stack.CallerKey) {
		t.Error("a prompt or a key is in the log")
	}
}

func TestEachCredential(t *testing.T) {
	t.Parallel()
	for _, credential := range []stack.Credential{stack.APIKey, stack.ClientSecret, stack.Federation} {
		t.Run(string(credential), func(t *testing.T) {
			t.Parallel()
			s, _ := start(t, stack.Options{Azure: stack.Azure{Credential: credential}, Concurrency: 8})
			var calls sync.WaitGroup
			for range 16 {
				calls.Go(func() {
					if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != http.StatusOK {
						t.Errorf("%d %s", status, body)
					}
				})
			}
			calls.Wait()
			want := map[stack.Credential]string{stack.APIKey: "api-key", stack.ClientSecret: "bearer token", stack.Federation: "bearer token"}
			for _, r := range s.Emulator.Requests() {
				if r.Auth != want[credential] {
					t.Fatalf("signed in by %q", r.Auth)
				}
			}
			if credential != stack.APIKey && s.Entra.Calls("token") != len(s.Host.Instances("ChatFunction")) {
				t.Errorf("%d tokens for %d instances", s.Entra.Calls("token"), len(s.Host.Instances("ChatFunction")))
			}
		})
	}
}

func TestEndpointRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, endpoint, key, want string }{
		{"no key", "https://my-resource.openai.azure.com", "", "AZURE_OPENAI_API_KEY go together"},
		{"no endpoint", "", "secret", "AZURE_OPENAI_ENDPOINT and"},
		{"no URL", "my-resource", "secret", "is not a URL"},
		{"a password", "https://user:hidden@my-resource.openai.azure.com", "secret", "has credentials in it"},
		{"http elsewhere", "http://my-resource.openai.azure.com", "secret", "is neither https nor on this machine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := stack.Start(stack.Options{
				Template: filepath.Join(root, "template.yaml"), Build: bootstraps.For(t, root),
				Azure: stack.Azure{Endpoint: tt.endpoint, APIKey: tt.key},
			})
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}
