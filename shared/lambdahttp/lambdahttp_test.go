package lambdahttp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/lambda"
)

var update = flag.Bool("update", false, "rewrite testdata")

// A logs is what a bootstrap printed.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A function is this binary on a Lambda host, in one process.
type function struct {
	*lambda.Host
	logs *logs
}

func start(t *testing.T, f lambda.Function) *function {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f.Name, f.Bootstrap, f.MaxInstances = "f", self, 1
	if f.Timeout == 0 {
		f.Timeout = time.Minute
	}
	fn := &function{logs: &logs{}}
	fn.Host = lambda.NewHost(fn.logs, f)
	t.Cleanup(func() {
		fn.Close()
		if strings.Contains(fn.logs.String(), "DATA RACE") { // of a process that go test does not watch
			t.Error(fn.logs)
		}
	})
	return fn
}

// An answer is an HTTP answer as a gateway reads it from a function.
type answer struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders http.Header
	Cookies           []string
	body              io.ReadCloser
}

// open invokes the function and reads up to the body.
func (f *function) open(t *testing.T, event []byte) *answer {
	t.Helper()
	response, err := f.Invoke(t.Context(), "f", event)
	if err != nil {
		t.Fatal(err)
	}
	if response.ContentType != "application/vnd.awslambda.http-integration-response" {
		t.Fatalf("Content-Type %q", response.ContentType)
	}
	var prelude []byte
	for one := make([]byte, 1); !bytes.HasSuffix(prelude, make([]byte, 8)); {
		if _, err := io.ReadFull(response.Body, one); err != nil {
			t.Fatalf("%v behind %q", err, prelude)
		}
		prelude = append(prelude, one[0])
	}
	a := &answer{body: response.Body}
	if err := json.Unmarshal(bytes.TrimRight(prelude, "\x00"), a); err != nil {
		t.Fatalf("%v: %q", err, prelude)
	}
	return a
}

func (a *answer) read() (string, error) {
	defer a.body.Close()
	b, err := io.ReadAll(a.body)
	return string(b), err
}

// get is a REST event for a path with a query.
func get(t *testing.T, target string) []byte {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return mustJSON(t, map[string]any{
		"httpMethod": "GET", "path": u.EscapedPath(), "multiValueQueryStringParameters": u.Query(), "headers": nil, "multiValueHeaders": nil,
		"requestContext": map[string]any{"requestId": "request-1"}, "body": nil, "isBase64Encoded": false,
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pid of the process that serves.
func (f *function) pid(t *testing.T) int {
	t.Helper()
	body, err := f.open(t, get(t, "/kind")).read()
	var k struct{ PID int }
	if err := errors.Join(err, json.Unmarshal([]byte(body), &k)); err != nil {
		t.Fatal(err)
	}
	return k.PID
}

// A gate is where handlers ask for leave to go on.
type gate struct {
	url     string
	arrived chan string // their notes
	open    chan struct{}
}

func newGate(t *testing.T) *gate {
	g := &gate{arrived: make(chan string, 100), open: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.arrived <- r.URL.Query().Get("note")
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	g.url = url.QueryEscape(server.URL)
	return g
}

func (g *gate) wait(t *testing.T) (note string) {
	t.Helper()
	select {
	case note = <-g.arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody came to the gate")
	}
	return note
}

// TestEvents compares the requests that the events in testdata become. Their forms are those of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html and
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html.
func TestEvents(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.open(t, event).read()
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || got != string(want) {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
			}
		})
	}
}

func TestEventsThatAreWrong(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	tests := []struct{ name, event, want string }{
		{"a body that is not base64", `{"requestContext":{},"headers":{},"httpMethod":"POST","path":"/","body":"%","isBase64Encoded":true}`, "body: illegal base64"},
		{"a header that is no string", `{"requestContext":{},"headers":{"a":1},"httpMethod":"GET","path":"/"}`, "event member headers"},
		{"a path that is no string", `{"requestContext":{},"headers":{},"httpMethod":"GET","path":{}}`, "event member path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.Invoke(t.Context(), "f", []byte(tt.event))
			var failed *lambda.FunctionError
			if !errors.As(err, &failed) || failed.Type != "InvalidRequest" || !strings.Contains(failed.Message, tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestLargeBodiesPass(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	body := strings.Repeat("x\u00e9\"", 1<<20)
	event := mustJSON(t, map[string]any{"httpMethod": "POST", "path": "/bytes", "headers": map[string]string{}, "requestContext": map[string]any{}, "body": body})
	if got, err := f.open(t, event).read(); err != nil || got != body {
		t.Errorf("got %d bytes, want %d; %v", len(got), len(body), err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	functionURL := func(path string) []byte {
		return fmt.Appendf(nil, `{"version":"2.0","rawPath":%q,"rawQueryString":"","headers":{},"requestContext":{"requestId":"request-1","http":{"method":"GET"}},"isBase64Encoded":false}`, path)
	}
	many := http.Header{"Set-Cookie": {"a=1", "b=2"}, "X-Many": {"1", "2"}, "Content-Type": {"text/event-stream"}, "X-Request-Id": {"request-1"}}
	single := map[string]string{"X-Many": "1,2", "Content-Type": "text/event-stream", "X-Request-Id": "request-1"}
	id := http.Header{"X-Request-Id": {"request-1"}}
	tests := []struct {
		name  string
		event []byte
		want  answer
		body  string
	}{
		{"headers of a REST API", get(t, "/headers"), answer{StatusCode: 418, MultiValueHeaders: many}, ""},
		{"headers of a Function URL", functionURL("/headers"), answer{StatusCode: 418, Headers: single, Cookies: []string{"a=1", "b=2"}}, ""},
		{"a handler that writes nothing", get(t, "/empty"), answer{StatusCode: 200, MultiValueHeaders: id}, ""},
		{"a handler that aborts at once", get(t, "/abort-early"), answer{StatusCode: 502, MultiValueHeaders: id}, "StreamAborted"},
		{"a handler that panics", get(t, "/panic"), answer{StatusCode: 500, MultiValueHeaders: http.Header{"X-Request-Id": {"request-1"}, "Content-Type": {"application/json"}, "Content-Length": {"211"}}},
			`{"error":{"message":"The bridge failed while it handled the request. Its log has the details under this x-request-id.","type":"server_error","param":null,"code":"internal_error"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := f.open(t, tt.event)
			body, err := a.read()
			var failed *lambda.FunctionError
			if errors.As(err, &failed) {
				body += failed.Type
			}
			a.body = nil
			if length := a.MultiValueHeaders.Get("Content-Length"); length != "" {
				tt.want.MultiValueHeaders.Set("Content-Length", fmt.Sprint(len(body)))
			}
			if got, want := fmt.Sprintf("%+v", *a), fmt.Sprintf("%+v", tt.want); got != want || body != tt.body {
				t.Errorf("got  %s %s\nwant %s %s", got, body, want, tt.body)
			}
		})
	}
}
