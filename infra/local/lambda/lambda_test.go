package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/lambda"
)

func TestMain(m *testing.M) { bootstraps.Main(m) }

// start runs one function, named "f" if it has no name, until the test ends.
func start(t *testing.T, f lambda.Function) *lambda.Host {
	t.Helper()
	return startLogging(t, io.Discard, f)
}

func startLogging(t *testing.T, logs io.Writer, f lambda.Function) *lambda.Host {
	t.Helper()
	if f.Name == "" {
		f.Name = "f"
	}
	if f.Bootstrap == "" {
		f.Bootstrap = bootstraps.Of(t, "./testdata/bootstrap")
	}
	host := lambda.NewHost(logs, f)
	t.Cleanup(func() { host.Close() })
	return host
}

// call invokes "f" and reads the whole answer.
func call(t *testing.T, host *lambda.Host, event string) (string, error) {
	t.Helper()
	response, err := host.Invoke(t.Context(), "f", []byte(event))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func mustCall(t *testing.T, host *lambda.Host, event string) string {
	t.Helper()
	body, err := call(t, host, event)
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return body
}

type description struct {
	PID       int
	RequestID string
	ARN       string
	Trace     string
	Deadline  int64
	Env       []string
}

func describe(t *testing.T, host *lambda.Host) description {
	t.Helper()
	var d description
	if err := json.Unmarshal([]byte(mustCall(t, host, `{"do":"describe"}`)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// A gate is where bootstraps ask at a moment that a test waits for or delays.
type gate struct {
	URL     string
	arrived chan struct{}
	open    chan struct{}
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{arrived: make(chan struct{}, 100), open: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.arrived <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// event is one that makes the function ask here.
func (g *gate) event(do string) string { return fmt.Sprintf(`{"do":%q,"url":%q}`, do, g.URL) }

func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody came to the gate")
	}
}

// eventually waits for a condition that no channel announces.
func eventually(t *testing.T, condition string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", condition)
		}
	}
}

// A logBuffer is a log that a test reads while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
