package batchapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/stepfunctions"
	"aoai-bridge/infra/local/template"
	"aoai-bridge/infra/local/testaws"
	azureclient "aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/batchapi"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/secrets"
)

const bucket = "aoai-bridge-batch"

// The callers: one may use every model, the other one of them.
const (
	alice = "sk-alice"
	bob   = "sk-bob"
)

// world is the API with the workflow, the bucket and the Azure that it works on.
type world struct {
	*testaws.AWS
	t      *testing.T
	url    string
	states *stepfunctions.Service

	functions  map[string]http.Handler // by logical id
	functionOf func(*http.Request) string

	mu   sync.Mutex
	now  time.Time
	hold *hold // nil lets every task pass
}

func newWorld(t *testing.T, change ...func(*config.Batch)) *world {
	t.Helper()
	w := &world{AWS: testaws.New(t, bucket), t: t, now: time.Now()}
	emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, DisableRecording: true})
	t.Cleanup(func() { _ = emulator.Close() })
	upstream := httptest.NewServer(emulator)
	t.Cleanup(upstream.Close)
	w.Secrets.Put("azure", `{"resources":[{"name":"one","endpoint":"`+upstream.URL+`","api_key":"local","deployments":[
		{"model":"gpt-4o","type":"GlobalStandard"},{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]}]}`)
	w.Secrets.Put("callers", fmt.Sprintf(`{"callers":[{"name":"alice/%%","sha256":"%x","models":["*"]},{"name":"bob","sha256":"%x","models":["gpt-4o-mini"]}]}`,
		sha256.Sum256([]byte(alice)), sha256.Sum256([]byte(bob))))

	var jobs *batch.Service
	w.states = stepfunctions.New(stepfunctions.Options{
		Invoke: func(ctx context.Context, function string, payload []byte) ([]byte, error) {
			if strings.HasSuffix(function, ":submit") {
				return w.invoke(ctx, jobs.SubmitTasks(), payload)
			}
			return w.invoke(ctx, jobs.StatusTasks(), payload)
		},
		PutEvents: func(context.Context, []byte) ([]byte, error) {
			return []byte(`{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`), nil
		},
		Objects: w.Objects, WaitScale: 0.0002,
	})
	t.Cleanup(w.states.Close)
	definition, err := os.ReadFile("../../infra/workflows/batch.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	arn, err := w.states.Add("batch", definition, map[string]string{
		"Partition":              "aws",
		"BatchSubmitFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:submit",
		"BatchStatusFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:status",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Serve("states", w.states)
	store := secretsmanager.NewFromConfig(w.Config)
	env := config.Batch{Bucket: bucket, OutputTokens: 100, Tries: 2, OnlineConcurrency: 4}
	for _, c := range change {
		c(&env)
	}
	client := azureclient.New(azureclient.Options{
		Secrets: store, Env: config.Env{AzureSecretID: "azure", ConnectTimeout: 5 * time.Second, IdleTimeout: time.Minute, RetryAfterCap: time.Second},
	})
	jobs = batch.New(batch.Options{AWS: w.Config, Azure: client, Env: env, Call: time.Minute, Temp: t.TempDir()})
	api := batchapi.New(batchapi.Options{AWS: w.Config, Bucket: bucket, Workflow: arn, Jobs: jobs, Now: w.clock})
	list := secrets.New(store, "callers", time.Minute, callers.Parse, nil)
	w.functions = map[string]http.Handler{
		"BatchSubmitFunction": callers.Require(list, api.Submit()), "BatchStatusFunction": callers.Require(list, api.Status()),
	}
	w.functionOf = routesOf(t)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.functions[w.functionOf(r)].ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// routesOf returns a function that finds the function to which the template's API hands a request.
func routesOf(t *testing.T) func(*http.Request) string {
	t.Helper()
	stack, err := template.Read("../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(r *http.Request) (function string) {
		gateway := apigateway.New(stack.API, func(_ context.Context, id string, _ []byte) (*lambda.Response, error) {
			function = id
			return nil, errors.New("that is all")
		})
		gateway.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(r.Method, r.URL.String(), nil))
		return function
	}
}

// invoke runs a task of the workflow.
func (w *world) invoke(ctx context.Context, tasks *batch.Tasks, payload []byte) ([]byte, error) {
	path, err := tasks.Path(payload)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	hold := w.hold
	w.mu.Unlock()
	if hold != nil && path == "/v1/tasks/"+hold.task {
		hold.reached()
		select {
		case <-hold.released:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	answer := httptest.NewRecorder()
	tasks.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(payload)).WithContext(ctx))
	if answer.Code != http.StatusOK {
		return nil, &stepfunctions.Failure{Name: "InvalidRequest", Cause: answer.Body.String()}
	}
	return answer.Body.Bytes(), nil
}

// hold stops a task at its beginning.
type hold struct {
	task     string
	reached  func()
	released chan struct{}
}

// holdTask holds a task until release is called. at is closed once the workflow has got there.
func (w *world) holdTask(task string) (at <-chan struct{}, release func()) {
	reached := make(chan struct{})
	h := &hold{task, sync.OnceFunc(func() { close(reached) }), make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold = h
	return reached, sync.OnceFunc(func() { close(h.released) })
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// advance lets time go by.
func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// waitForWorkflow returns once the workflow of a batch is over.
func (w *world) waitForWorkflow(id string) {
	w.t.Helper()
	if _, err := w.states.Wait(w.t.Context(), w.execution(id)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) execution(id string) string {
	return strings.Replace(stepfunctions.MachineARN("batch"), ":stateMachine:", ":execution:", 1) + ":" + id
}

// clients are OpenAI's Go library, unmodified, in both of its ways.
func (w *world) clients(key string) map[string]openai.Client {
	return map[string]openai.Client{
		"OpenAI": openai.NewClient(option.WithBaseURL(w.url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0)),
		"AzureOpenAI": openai.NewClient(azure.WithEndpoint(w.url, "2025-04-01-preview"), azure.WithAPIKey(key),
			azure.WithUnsafeAllowHTTP(), option.WithMaxRetries(0)),
	}
}

func (w *world) client(key string) openai.Client { return w.clients(key)["OpenAI"] }

// answer is a status, a body and where it sends the caller.
type answer struct {
	status   int
	body     map[string]any
	location string
}

func (a answer) text(path ...string) string {
	var value any = a.body
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// errorCase is a request, and the error that answers it.
type errorCase struct {
	name        string
	send        func() answer
	status      int
	param, code string // "" is null
}

func checkErrors(t *testing.T, tests []errorCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.send()
			if a.status != tt.status || a.text("error", "param") != tt.param || a.text("error", "code") != tt.code || a.text("error", "message") == "" {
				t.Errorf("%d %v, want %d about %q with %q", a.status, a.body, tt.status, tt.param, tt.code)
			}
		})
	}
}

// call sends a request with a body of JSON, or as it is where it is a string.
func (w *world) call(key, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, content)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, location: response.Header.Get("Location")}
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if response.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			w.t.Fatalf("%v in %s", err, raw)
		}
	}
	return a
}

// form sends multipart/form-data: names with values, and a file where there is a name for it.
func (w *world) form(key, path, field, filename, content string, values ...string) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(values); i += 2 {
		_ = form.WriteField(values[i], values[i+1])
	}
	if filename != "" {
		part, _ := form.CreateFormFile(field, filename)
		_, _ = io.WriteString(part, content)
	}
	_ = form.Close()
	return w.call(key, http.MethodPost, path, body.String(), "Content-Type", form.FormDataContentType())
}

// upload makes a file and returns its id.
func (w *world) upload(key, name, content string, values ...string) string {
	w.t.Helper()
	a := w.form(key, "/v1/files", "file", name, content, append([]string{"purpose", "batch"}, values...)...)
	if a.status != http.StatusOK {
		w.t.Fatalf("upload: %d %v", a.status, a.body)
	}
	return a.text("id")
}

// create makes a batch and returns its id.
func (w *world) create(key, file string, headers ...string) string {
	w.t.Helper()
	a := w.call(key, http.MethodPost, "/v1/batches", request(file), headers...)
	if a.status != http.StatusOK {
		w.t.Fatalf("create: %d %v", a.status, a.body)
	}
	return a.text("id")
}

func request(file string) map[string]any {
	return map[string]any{"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
}

// line asks for a word.
func line(customID, model, word string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"Say %s"}]}}`, customID, model, word) + "\n"
}
