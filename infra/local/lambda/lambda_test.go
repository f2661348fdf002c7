package lambda_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/testsync"
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

// gated is an event that makes the function ask at the gate.
func gated(g *testsync.Gate, do string) string { return fmt.Sprintf(`{"do":%q,"url":%q}`, do, g.URL) }
