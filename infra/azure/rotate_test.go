package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
	"aoai-bridge/shared/azuresecret"
)

// Rotated twice while calls go on, no call is lost, and the first key does not open the resource any more. The command does
// not wait here, so that the functions meet a key that is not valid any more, as one does that has slept. They read the
// secret again at most every ten seconds, so the second time there are new ones.
func TestRotate(t *testing.T) {
	s, err := stack.Start(stack.Options{Template: "../../template.yaml", Build: bootstraps.For(t, "../.."), Logs: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for name, value := range s.Environment() {
		t.Setenv(name, value)
	}
	key := func() string {
		text, _ := s.Secrets.Get(secretID)
		secret, err := azuresecret.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return secret.Resources[0].APIKey
	}
	first := key()
	for range 2 {
		before := key()
		load := startLoad(t, s.URL)
		load.more(t, 20) // every instance has the secret
		var out bytes.Buffer
		var waited time.Duration
		c := command{in: bufio.NewReader(strings.NewReader("y\n")), out: &out, azure: resourcemanager.Options{
			Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil },
		}}
		if err := c.run(t.Context(), []string{"-rotate", "emulator"}); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		load.more(t, 20)
		load.stop()
		if waited < 6*time.Minute {
			t.Errorf("the functions had %s", waited)
		}
		if now := key(); now == before || strings.Contains(out.String(), now) {
			t.Errorf("the key is the same, or shown:\n%s", out.String())
		}
		for _, pid := range s.Host.Instances("ChatFunction") {
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill() // one that has ended by itself will do
			}
		}
		testsync.Eventually(t, "no instance is left", func() bool { return len(s.Host.Instances("ChatFunction")) == 0 })
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.AzureURL+"/openai/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Api-Key", first)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the first key is answered with %d", resp.StatusCode)
	}
}

// load is four programs that call one after the other, each of whose calls must succeed.
type load struct {
	calls atomic.Int64
	stop  func()
}

func startLoad(t *testing.T, base string) *load {
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				if status, body := chat(t, base, "gpt-5.4-mini"); status != http.StatusOK {
					t.Errorf("status %d: %s", status, body)
				}
				l.calls.Add(1)
			}
		})
	}
	l.stop = func() {
		cancel()
		callers.Wait()
	}
	t.Cleanup(l.stop)
	return l
}

// more waits for so many calls more.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	until := l.calls.Load() + n
	testsync.Eventually(t, "enough calls", func() bool { return l.calls.Load() >= until })
}

func TestRotateRefuses(t *testing.T) {
	tests := []struct{ name, secret, resource, want string }{
		{"no such resource", `{"resources":[{"name":"east","endpoint":"https://my-aoai.openai.azure.com","api_key":"k"}]}`, "west", `no resource "west"; it has east`},
		{"Entra", `{"resources":[{"name":"east","endpoint":"https://my-aoai.openai.azure.com","entra":{"tenant_id":"t","client_id":"c"}}]}`, "east", "signs in by Entra"},
		{"a resource of another subscription", `{"resources":[{"name":"east","endpoint":"https://theirs.openai.azure.com","api_key":"k"}]}`, "east", "no resource of this subscription has the address https://theirs.openai.azure.com"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.secrets.Put(secretID, test.secret)
			if _, err := w.run("y\n", "-rotate", test.resource); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if got := w.changes(); got != nil {
				t.Errorf("asked for %q", got)
			}
		})
	}
}
