package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
)

func TestMain(m *testing.M) { bootstraps.Main(m) }

// In the local stack a program reaches a deployment as soon as it is made.
func TestLocalStack(t *testing.T) {
	s, err := stack.Start(stack.Options{Template: "../../template.yaml", Build: bootstraps.For(t, "../.."), Logs: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for name, value := range s.Environment() {
		t.Setenv(name, value)
	}
	w := &world{t: t}
	var out bytes.Buffer
	c := command{in: bufio.NewReader(strings.NewReader("")), out: &out, azure: resourcemanager.Options{
		Wait: func(context.Context, time.Duration) error { return nil },
	}}
	args := []string{"-yes", "-name", "my-aoai", "-location", "eastus2", "-deployments", w.writeFile(`[{"name": "mine", "model": "gpt-5.4-mini"}]`)}
	if err := c.run(t.Context(), args); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, model := range []string{"mine", "gpt-4o-mini"} { // the second is the emulator's, which the secret has kept
		if status, body := chat(t, s.URL, model); status != http.StatusOK {
			t.Errorf("%s: status %d, %s", model, status, body)
		}
	}
}

func chat(t *testing.T, base, model string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions",
		strings.NewReader(`{"model":"`+model+`","messages":[{"role":"user","content":"Say hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stack.CallerKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
