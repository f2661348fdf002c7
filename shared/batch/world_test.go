package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/telemetry"
)

const (
	bucket   = "aoai-bridge-batch"
	secretID = "aoai-bridge/azure"
)

// prices are a dollar for a million tokens, and half of it by batch, which the catalog makes of that.
const prices = `{"gpt-4o":{"GlobalStandard":{"input":1,"output":1}},"gpt-4o-mini":{"GlobalStandard":{"input":1,"output":1}}}`

// world is the local stack as far as batches need it, and a service that works in it.
type world struct {
	*testaws.AWS
	t       *testing.T
	azure   *azureopenai.Server
	url     string // of azure
	client  *azure.Client
	env     config.Batch
	tasks   []*batch.Tasks // of both functions
	maxOpen int            // parts at once while a plan is made; 0 is as many as there may be

	mu      sync.Mutex
	now     time.Time
	tick    time.Duration // that passes with each look at the clock
	limit   time.Duration // of each task; 0 is none
	slept   []time.Duration
	counts  map[string]int                         // of tasks
	records []telemetry.Call                       // of tasks, in the order in which they ended
	asked   func(*http.Request)                    // that Azure gets
	before  func(ctx context.Context, task string) // that a workflow runs
}

func newWorld(t *testing.T, change ...func(*config.Batch)) *world {
	t.Helper()
	return newWorldIn(t, "East US 2", change...)
}

func newWorldIn(t *testing.T, region string, change ...func(*config.Batch)) *world {
	t.Helper()
	w := &world{AWS: testaws.New(t, bucket), t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), counts: map[string]int{}}
	w.azure = azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, Region: region, DisableRecording: true})
	t.Cleanup(func() { _ = w.azure.Close() })
	azureServer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.asked != nil {
			w.asked(r)
		}
		w.azure.ServeHTTP(rw, r)
	}))
	t.Cleanup(azureServer.Close)
	w.url = azureServer.URL

	w.secret(w.azureSecret())
	env := config.Env{AzureSecretID: secretID, ConnectTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxRetries: 5, RetryAfterCap: time.Second}
	w.client = azure.New(azure.Options{Secrets: secretsmanager.NewFromConfig(w.Config), Env: env, Now: w.clock, Sleep: w.sleep})
	w.env = config.Batch{Bucket: bucket, OutputTokens: 100, Tries: 3, OnlineConcurrency: 4}
	for _, c := range change {
		c(&w.env)
	}
	w.restart()
	return w
}

// azureSecret has online deployments of four models, and batch deployments of two.
func (w *world) azureSecret() string {
	return `{"resources":[{"name":"one","endpoint":"` + w.url + `","api_key":"local","deployments":[
		{"model":"gpt-4o","type":"GlobalStandard"},{"model":"gpt-4o-mini","type":"GlobalStandard"},
		{"model":"text-embedding-3-small","type":"GlobalStandard"},{"model":"gpt-4.1","type":"GlobalStandard"},
		{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch"},{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]}],
		"prices":` + prices + `}`
}

// restart is what a new bootstrap begins with: nothing.
func (w *world) restart() {
	service := w.service()
	w.tasks = []*batch.Tasks{service.SubmitTasks(), service.StatusTasks()}
}

func (w *world) service() *batch.Service {
	s := batch.New(batch.Options{
		AWS: w.Config, Azure: w.client, Env: w.env, Call: time.Minute, Temp: w.t.TempDir(), Now: w.clock, Sleep: w.sleep,
	})
	if w.maxOpen > 0 {
		s.SetMaxOpen(w.maxOpen)
	}
	return s
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(w.tick)
	return w.now
}

// context has a deadline by the world's clock, and no other.
func (w *world) context() context.Context {
	if w.limit == 0 {
		return context.Background()
	}
	return limited{context.Background(), w.clock().Add(w.limit)}
}

type limited struct {
	context.Context
	deadline time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

func (w *world) sleep(_ context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.slept = append(w.slept, d)
	return nil
}

func (w *world) secret(value string) { w.Secrets.Put(secretID, value) }

// event is the detail of the newest event about a key.
func (w *world) event(key string) string {
	w.t.Helper()
	c := w.Created(key)
	raw, _ := json.Marshal(map[string]any{
		"bucket": map[string]any{"name": c.Bucket},
		"object": map[string]any{"key": c.Key, "size": c.Size, "etag": c.ETag, "version-id": c.VersionID, "sequencer": c.Sequencer},
	})
	return string(raw)
}

// failure is an error that a task answered with.
type failure struct {
	status int
	body   string
}

func (f *failure) Error() string { return fmt.Sprintf("%d %s", f.status, f.body) }

// task runs one task of the workflow.
func task[T any](w *world, name string, payload any) (T, error) {
	var out T
	raw, err := json.Marshal(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(w.tasks, func(t *batch.Tasks) bool {
		path, err := t.Path(raw)
		return err == nil && path == "/v1/tasks/"+name
	})
	if i < 0 {
		w.t.Fatalf("no function does the task %s", name)
	}
	w.mu.Lock()
	w.counts[name]++
	w.mu.Unlock()
	answer := httptest.NewRecorder()
	ctx, record := telemetry.Start(w.context(), "request") // as an invocation does
	w.tasks[i].ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/v1/tasks/"+name, bytes.NewReader(raw)).WithContext(ctx))
	w.mu.Lock()
	w.records = append(w.records, *record)
	w.mu.Unlock()
	if answer.Code != http.StatusOK {
		return out, &failure{answer.Code, answer.Body.String()}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
		w.t.Fatalf("%v in %s", err, answer.Body)
	}
	return out, nil
}

// patiently runs a task until it succeeds, as a workflow's Retry does.
func patiently[T any](w *world, name string, payload any) T {
	w.t.Helper()
	var err error
	for range 200 {
		var out T
		out, err = task[T](w, name, payload)
		if err == nil {
			return out
		}
		if f := err.(*failure); f.status < 429 {
			w.t.Fatalf("task %s: %v", name, err)
		}
	}
	w.t.Fatalf("task %s fails for ever: %v", name, err)
	panic("unreachable")
}

type object = map[string]any

// plan runs the plan task until the file is read.
func (w *world) plan(input, execution string) plan.Answer {
	w.t.Helper()
	for {
		a := patiently[plan.Answer](w, "plan", object{"task": "plan", "input": json.RawMessage(input), "execution": execution})
		if a.Status != "planning" {
			return a
		}
	}
}

// walk takes a part from submit to its end, as the workflow does.
func (w *world) walk(id string, part int) {
	w.t.Helper()
	step := &job.Step{Job: id, Part: part}
	next := "submit"
	for range 100_000 {
		step = patiently[*job.Step](w, next, object{"task": next, "step": step})
		switch step.Status {
		case "submitted", "running":
			next = "poll"
		case "ended", "not_ready":
			next = "collect"
		case "again", "working", "no_room":
			next = "submit"
		case "done":
			return
		default:
			w.t.Fatalf("unknown status %q", step.Status)
		}
		w.mu.Lock()
		w.now = w.now.Add(time.Duration(step.Wait) * time.Second / 100)
		w.mu.Unlock()
	}
	w.t.Fatalf("part %d does not end", part)
}

// run takes a file from its event to its summary.
func (w *world) run(input string) *job.Summary {
	w.t.Helper()
	a := w.plan(input, "execution-1")
	if a.Status == "planned" {
		var items []struct {
			Part int `json:"part"`
		}
		raw, _ := w.Get(a.Items)
		if err := json.Unmarshal([]byte(raw), &items); err != nil {
			w.t.Fatal(err)
		}
		for _, item := range items {
			w.walk(a.Job, item.Part)
		}
	}
	return patiently[*job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}, "execution": "execution-1"})
}

// result is a line of a results file.
type result struct {
	ID       string
	CustomID any `json:"custom_id"`
	Response *struct {
		Status int `json:"status_code"`
		Body   struct {
			Choices []struct{ Message struct{ Content string } }
			Data    []any
			Error   struct{ Code any }
		}
	}
	Error *struct {
		Code, Message string
		Line          int
	}
}

// results reads a results file.
func (w *world) results(key string) []result {
	w.t.Helper()
	raw, found := w.Get(key)
	if !found {
		w.t.Fatalf("there is no %s", key)
	}
	var all []result
	for line := range strings.Lines(raw) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("%v in %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// chat is a line that asks for a word.
func chat(customID, model, word string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"Say %s"}]}}`, customID, model, word)
}

// fault has the emulator misbehave.
func (w *world) fault(rule azureopenai.FaultRule) {
	w.t.Helper()
	if err := w.azure.AddFault(rule); err != nil {
		w.t.Fatal(err)
	}
}

// says is what a result answered, or the code of its error.
func (r *result) says() string {
	switch {
	case r.Error != nil:
		return "error " + r.Error.Code
	case r.Response == nil:
		return "nothing"
	case len(r.Response.Body.Choices) > 0:
		return r.Response.Body.Choices[0].Message.Content
	case len(r.Response.Body.Data) > 0:
		return fmt.Sprintf("%d vectors", len(r.Response.Body.Data))
	}
	return fmt.Sprintf("status %d", r.Response.Status)
}

func newServer(t *testing.T, h http.Handler) (url string) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// read sends Azure a request that is not the bridge's, and returns its answer.
func (w *world) read(r *http.Request) string {
	w.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s, %v: %s", r.Method, r.URL.Path, answer.Status, err, raw)
	}
	return string(raw)
}
