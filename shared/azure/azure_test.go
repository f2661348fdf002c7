package azure_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/azureopenai"
	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/telemetry"
)

var update = flag.Bool("update", false, "rewrite testdata")

const secretName = "aoai-bridge/azure"

// A clock stands still except for what a stage sleeps and a test advances.
type clock struct {
	mu  sync.Mutex
	at  time.Time
	nap []time.Duration // what was slept
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nap = append(c.nap, d)
	c.at = c.at.Add(d)
	return context.Cause(ctx)
}

// naps returns what was slept since the last call.
func (c *clock) naps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	naps := c.nap
	c.nap = nil
	return naps
}

// emulator starts an Azure resource that takes the key "k".
func emulator(t *testing.T, o azureopenai.Options) (*azureopenai.Server, string) {
	t.Helper()
	if o.APIKeys == nil {
		o.APIKeys = []string{"k"}
	}
	s := azureopenai.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

// A stage is a Client and the services around it.
type stage struct {
	*azure.Client
	*clock
	store *local.Store
}

// open makes a Client whose Azure secret is that value. Env has short timeouts no test runs into by chance.
func open(t *testing.T, secret string, edit ...func(*azure.Options)) *stage {
	t.Helper()
	s := &stage{clock: &clock{at: time.Now()}, store: local.New()}
	if secret != "" {
		s.store.Put(secretName, secret)
	}
	server := httptest.NewServer(s.store)
	t.Cleanup(server.Close)
	o := azure.Options{
		Secrets: secretsmanager.New(secretsmanager.Options{
			Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}),
		Env: config.Env{
			AzureSecretID: secretName, ConnectTimeout: 10 * time.Second, IdleTimeout: time.Minute,
			MaxRetries: 2, RetryAfterCap: 10 * time.Second,
		},
		Now: s.now, Sleep: s.sleep,
	}
	for _, e := range edit {
		e(&o)
	}
	s.Client = azure.New(o)
	return s
}

// one starts an emulator and a Client of it whose secret lists no deployments.
func one(t *testing.T, edit ...func(*azure.Options)) (*azureopenai.Server, *stage) {
	t.Helper()
	e, url := emulator(t, azureopenai.Options{})
	return e, open(t, single(url, "k"), edit...)
}

func single(url, key string) string { return fmt.Sprintf(`{"endpoint":%q,"api_key":%q}`, url, key) }

// two starts two emulators that both serve gpt-4o, the first one preferred.
func two(t *testing.T, edit ...func(*azure.Options)) (first, second *azureopenai.Server, s *stage) {
	t.Helper()
	first, firstURL := emulator(t, azureopenai.Options{})
	second, secondURL := emulator(t, azureopenai.Options{})
	return first, second, open(t, pair(firstURL, secondURL), edit...)
}

func pair(first, second string) string {
	const form = `{"name":%q,"endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"}]}`
	return fmt.Sprintf(`{"resources":[`+form+`,`+form+`]}`, "first", first, "second", second)
}

// chat is a call of gpt-4o with a prompt.
func chat(prompt string) *azure.Call { return post("chat/completions", "gpt-4o", messages(prompt)) }

func chatStream(prompt string) *azure.Call {
	call := post("chat/completions", "gpt-4o", `"stream":true,"stream_options":{"include_usage":true},`+messages(prompt))
	call.Stream = true
	return call
}

func messages(prompt string) string {
	return fmt.Sprintf(`"messages":[{"role":"user","content":%q}]`, prompt)
}

func post(path, model, members string) *azure.Call {
	return &azure.Call{
		Method: http.MethodPost, Path: path, Name: model, Header: http.Header{"Content-Type": {"application/json"}},
		Body: func(deployment string) rawjson.Pieces {
			return rawjson.Pieces{fmt.Appendf(nil, `{"model":%q,%s}`, deployment, members)}
		},
	}
}

func get(path string) *azure.Call { return &azure.Call{Method: http.MethodGet, Path: path} }

// A result is what came of a call: what its caller got, and what the log is told.
type result struct {
	*httptest.ResponseRecorder
	err    error
	record *telemetry.Call
}

// do makes a call and relays its answer; an error is written as a handler writes it.
func (s *stage) do(ctx context.Context, call *azure.Call, keepUsage bool) result {
	ctx, record := telemetry.Start(ctx, "request")
	r := result{httptest.NewRecorder(), nil, record}
	answer, err := s.Do(ctx, call)
	if err == nil {
		defer answer.Close()
		err = answer.Relay(r, keepUsage)
	}
	if r.err = err; err != nil && err != azure.ErrBroken {
		openaierr.Write(r, err)
	}
	return r
}

// refused fails the test unless the error is one of that status and code.
func (r result) refused(t *testing.T, status int, code string) *openaierr.Error {
	t.Helper()
	if r.err == nil {
		t.Fatalf("got %d %s, want an error %d %s", r.Code, r.Body, status, code)
	}
	e := openaierr.From(r.err)
	if r.err == azure.ErrBroken || e.Status != status || e.Code != code {
		t.Fatalf("got %v, want %d %s", r.err, status, code)
	}
	return e
}

func (r result) ok(t *testing.T) {
	t.Helper()
	if r.err != nil || r.Code != http.StatusOK {
		t.Fatalf("got %d %s, %v", r.Code, r.Body, r.err)
	}
}

// upstreamRequests returns how many requests an emulator got since the last call.
func upstreamRequests(e *azureopenai.Server) int {
	n := len(e.Requests())
	e.Reset()
	return n
}

func last(t *testing.T, e *azureopenai.Server) azureopenai.Request {
	t.Helper()
	requests := e.Requests()
	if len(requests) == 0 {
		t.Fatal("nothing was asked of Azure")
	}
	return requests[len(requests)-1]
}

func addFault(t *testing.T, e *azureopenai.Server, fault string, count int) {
	t.Helper()
	if err := e.AddFault(azureopenai.FaultRule{Fault: fault, Count: count}); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(string(readFile(t, path)), "\n")
	for i, line := range strings.Split(string(got), "\n") {
		if i >= len(want) || line != want[i] {
			t.Errorf("%s:%d\ngot  %s\nwant %s", path, i+1, line, slices.Concat(want, make([]string, i+1))[i])
		}
	}
}

func mustDecode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}
