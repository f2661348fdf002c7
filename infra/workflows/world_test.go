package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/lambda"
	locals3 "aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/infra/local/stepfunctions"
)

const bucket = "aoai-bridge-batch"

var bootstraps string // a directory of them

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "workflows")
	if err != nil {
		panic(err)
	}
	bootstraps = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the bootstraps once for all tests. It looks at their sources itself, so that `go test` knows
// a cached result by them.
var build = sync.OnceValue(func() error {
	for _, dir := range []string{"../../functions", "../../shared"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstraps+"/", "../../functions/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// world is the local stack: the functions as they are deployed, and everything around them.
type world struct {
	t       *testing.T
	azure   *azureopenai.Server
	host    *lambda.Host
	states  *stepfunctions.Service
	secrets *secretsmanager.Store
	s3      *s3.Client
	url     string // of azure

	mu        sync.Mutex
	created   func(locals3.Created) // is told of each object; nil is nobody
	announced []string              // details of events
	events    []stepfunctions.Event
	logs      bytes.Buffer
}

func newWorld(t *testing.T, env map[string]string) *world {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	w.azure = azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, DisableRecording: true})
	t.Cleanup(func() { _ = w.azure.Close() })
	azure := httptest.NewServer(w.azure)
	t.Cleanup(azure.Close)
	w.url = azure.URL

	store := locals3.New(locals3.Options{Dir: t.TempDir(), OnCreated: func(c locals3.Created) {
		w.mu.Lock()
		told := w.created
		w.mu.Unlock()
		if told != nil {
			told(c)
		}
	}})
	if err := store.MakeBucket(bucket, true); err != nil {
		t.Fatal(err)
	}
	w.secrets = secretsmanager.New()
	w.secrets.Put("aoai-bridge/callers", `{"callers":[]}`)
	w.secrets.Put("aoai-bridge/azure", `{"resources":[{"name":"one","endpoint":"`+w.url+`","api_key":"local","deployments":[
		{"model":"gpt-4o-mini","type":"GlobalStandard"},{"model":"text-embedding-3-small","type":"GlobalStandard"},
		{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch"},
		{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]}]}`)
	key := func(id string) (string, bool) { return "local", id == "local" }
	endpoint := httptest.NewServer(awsendpoint.New(key, map[string]http.Handler{"s3": store, "secretsmanager": w.secrets}))
	t.Cleanup(endpoint.Close)
	w.s3 = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	w.runFunctions(endpoint.URL, env)
	w.runWorkflows(store)
	return w
}

func (w *world) runFunctions(endpoint string, more map[string]string) {
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_ENDPOINT_URL": endpoint,
		"AZURE_SECRET_ID": "aoai-bridge/azure", "CALLERS_SECRET_ID": "aoai-bridge/callers", "RETRY_AFTER_CAP": "100ms",
		"BATCH_BUCKET": bucket, "BATCH_WORKFLOW_ARN": stepfunctions.MachineARN("batch"), "TMPDIR": w.t.TempDir(),
	}
	for name, value := range more {
		env[name] = value
	}
	var functions []lambda.Function
	for _, name := range []string{"chat", "embeddings", "batch-submit", "batch-status"} {
		functions = append(functions, lambda.Function{
			Name: name, Bootstrap: filepath.Join(bootstraps, name), Env: env, Timeout: 15 * time.Minute, MaxInstances: 50,
		})
	}
	w.host = lambda.NewHost(&lockedBuffer{mu: &w.mu, b: &w.logs}, functions...)
	w.t.Cleanup(func() { w.host.Close() })
}

func (w *world) runWorkflows(store *locals3.Store) {
	w.states = stepfunctions.New(stepfunctions.Options{
		Invoke: w.invoke, Objects: store, WaitScale: 0.0002,
		PutEvents: func(_ context.Context, request []byte) ([]byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.announced = append(w.announced, string(request))
			return []byte(`{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`), nil
		},
		Observe: func(e stepfunctions.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	})
	w.t.Cleanup(w.states.Close)
	arn := func(name string) string { return "arn:aws:lambda:us-east-1:000000000000:function:" + name }
	for file, substitutions := range map[string]map[string]string{
		"batch":  {"BatchSubmitFunctionArn": arn("batch-submit"), "BatchStatusFunctionArn": arn("batch-status")},
		"review": {"ChatFunctionArn": arn("chat"), "EmbeddingsFunctionArn": arn("embeddings"), "ChatModel": "gpt-4o-mini", "EmbeddingsModel": "text-embedding-3-small"},
	} {
		definition, err := os.ReadFile(file + ".asl.json")
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.states.Add(file, definition, substitutions); err != nil {
			w.t.Fatal(err)
		}
	}
}

// invoke calls a function as Step Functions does.
func (w *world) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	name := function[strings.LastIndexByte(function, ':')+1:]
	response, err := w.host.Invoke(ctx, name, payload)
	var answer []byte
	if err == nil {
		answer, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if failed, ok := errors.AsType[*lambda.FunctionError](err); ok {
		return nil, &stepfunctions.Failure{Name: failed.Type, Cause: string(failed.Payload)}
	}
	return answer, err
}

// kill ends every bootstrap of the batch functions, whatever it is doing.
func (w *world) kill() {
	for _, name := range []string{"batch-submit", "batch-status"} {
		for _, pid := range w.host.Instances(name) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

// execute runs a workflow to its end.
func (w *world) execute(workflow, input string) stepfunctions.Snapshot {
	w.t.Helper()
	return w.end(w.start(workflow, input))
}

func (w *world) start(workflow, input string) (arn string) {
	w.t.Helper()
	arn, err := w.states.Start(workflow, "", []byte(input))
	if err != nil {
		w.t.Fatal(err)
	}
	return arn
}

func (w *world) end(arn string) stepfunctions.Snapshot {
	w.t.Helper()
	end, err := w.states.Wait(context.Background(), arn)
	if err != nil {
		w.t.Fatal(err)
	}
	return end
}

func (w *world) put(key, content string) {
	w.t.Helper()
	_, err := w.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(key string) string {
	w.t.Helper()
	out, err := w.s3.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

// largestState is the most bytes that a state was given or returned.
func (w *world) largestState() (largest int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		for _, field := range []string{"input", "output", "parameters"} {
			if data, ok := e.Details[field].(string); ok {
				largest = max(largest, len(data))
			}
		}
	}
	return largest
}

func input(key string) string {
	raw, _ := json.Marshal(map[string]string{"bucket": bucket, "key": key})
	return string(raw)
}

type lockedBuffer struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
