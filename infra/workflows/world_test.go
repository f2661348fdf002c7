package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

const bucket = "aoai-bridge-batch"

func TestMain(m *testing.M) { bootstraps.Main(m) }

// world is the local stack, whose waits are short.
type world struct {
	t     *testing.T
	stack *stack.Stack
	s3    *s3.Client

	mu     sync.Mutex
	events []stepfunctions.Event
	logs   bytes.Buffer
}

func newWorld(t *testing.T, parameters map[string]string, change ...func(*stack.Options)) *world {
	t.Helper()
	w := &world{t: t}
	all := map[string]string{"ReviewWorkflow": "true", "RetryAfterCap": "100ms"}
	maps.Copy(all, parameters)
	options := stack.Options{
		Template: "../../template.yaml", Parameters: all, Build: bootstraps.For(t, "../.."), WaitScale: 0.0002,
		Azure:   stack.Azure{Emulator: azureopenai.Options{APIKeys: []string{"local"}, DisableRecording: true}},
		Observe: w.observe, Logs: &lockedBuffer{mu: &w.mu, b: &w.logs},
	}
	for _, c := range change {
		c(&options)
	}
	var err error
	w.stack, err = stack.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stack.Close(); err != nil {
			t.Error(err)
		}
	})
	w.s3 = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(w.stack.AWSURL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(stack.AccessKey, stack.AccessKey, ""),
	})
	return w
}

func (w *world) observe(e stepfunctions.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// created has a function called with the key of each object, before its writer learns that it wrote it.
func (w *world) created(tell func(key string)) {
	w.t.Helper()
	pattern, err := eventbridge.ParsePattern([]byte(`{"source":["aws.s3"]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	w.stack.Bus.Add(eventbridge.Rule{Name: "created", Pattern: pattern, Target: func(_ context.Context, event []byte) error {
		var e struct {
			Detail struct{ Object struct{ Key string } }
		}
		err := json.Unmarshal(event, &e)
		tell(e.Detail.Object.Key)
		return err
	}})
}

// kill ends every bootstrap of the batch functions, whatever it is doing.
func (w *world) kill() {
	for _, name := range []string{"BatchSubmitFunction", "BatchStatusFunction"} {
		for _, pid := range w.stack.Host.Instances(name) {
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
	arn, err := w.stack.States.Start(workflow, "", []byte(input))
	if err != nil {
		w.t.Fatal(err)
	}
	return arn
}

func (w *world) end(arn string) stepfunctions.Snapshot {
	w.t.Helper()
	end, err := w.stack.States.Wait(context.Background(), arn)
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
