package plan_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/claims"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	s3bucket "aoai-bridge/shared/bucket"
	"aoai-bridge/shared/config"
)

const (
	bucket   = "aoai-bridge-batch"
	secretID = "aoai-bridge/azure"
	prices   = `{"gpt-4o":{"GlobalStandard":{"input":1,"output":1}},"gpt-4o-mini":{"GlobalStandard":{"input":1,"output":1}}}`

	url = "https://one.openai.azure.com" // of Azure, which a planner does not call
)

// world is the local stack as far as planning needs it. A test may plan several files in it.
type world struct {
	*testaws.AWS
	t       *testing.T
	azure   *azure.Client
	env     config.Batch
	maxOpen int // parts at once; 0 is as many as there may be

	mu    sync.Mutex
	now   time.Time
	tick  time.Duration // that passes with each look at the clock
	limit time.Duration // of each call; 0 is none
	calls int           // of Plan
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{AWS: testaws.New(t, bucket), t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	w.deployments(`{"model":"gpt-4o","type":"GlobalStandard"},{"model":"gpt-4o-mini","type":"GlobalStandard"},
		{"model":"text-embedding-3-small","type":"GlobalStandard"},{"model":"gpt-4.1","type":"GlobalStandard"},
		{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch"},{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}`)
	env := config.Env{AzureSecretID: secretID, ConnectTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	w.azure = azure.New(azure.Options{Secrets: secretsmanager.NewFromConfig(w.Config), Env: env, Now: w.clock})
	w.env = config.Batch{Bucket: bucket, OutputTokens: 100, Tries: 3}
	return w
}

func (w *world) secret(value string) { w.Secrets.Put(secretID, value) }

// deployments puts one resource with these deployments into the secret.
func (w *world) deployments(list string) {
	w.secret(`{"resources":[{"name":"one","endpoint":"` + url + `","api_key":"local","deployments":[` + list + `]}],"prices":` + prices + `}`)
}

// anyModel is a secret that passes every model name on as a deployment's.
func (w *world) anyModel() { w.secret(`{"endpoint":"` + url + `","api_key":"local"}`) }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(w.tick)
	return w.now
}

// context has a deadline by the world's clock, and no other.
func (w *world) context() context.Context {
	if w.limit == 0 {
		return w.t.Context()
	}
	return limited{w.t.Context(), w.clock().Add(w.limit)}
}

type limited struct {
	context.Context
	deadline time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

func (w *world) planner() *plan.Planner {
	return plan.New(plan.Options{
		Store: s3bucket.New(w.Config, bucket), Azure: w.azure, Env: w.env, Temp: w.t.TempDir(), Now: w.clock, MaxOpen: w.maxOpen,
	})
}

// planOnce has a new planner, which remembers nothing, go on with a plan.
func (w *world) planOnce(input string) (*plan.Answer, error) {
	w.t.Helper()
	var in job.Input
	if err := json.Unmarshal([]byte(input), &in); err != nil {
		w.t.Fatal(err)
	}
	w.calls++
	p := w.planner()
	a, err := claims.New(s3bucket.New(w.Config, bucket), w.clock).Admit(w.context(), in, "execution-1")
	if err != nil || !a.Ours {
		return nil, err
	}
	made, err := p.Plan(w.context(), in, a.Job, a.Object)
	if err != nil {
		return nil, err
	}
	return plan.AnswerOf(a.Job, made), nil
}

// plan has the plan made to its end.
func (w *world) plan(input string) *plan.Answer {
	w.t.Helper()
	for {
		a, err := w.planOnce(input)
		if err != nil {
			w.t.Fatal(err)
		}
		if a.Status != "planning" {
			return a
		}
	}
}

// event is the detail of the newest event about a key.
func (w *world) event(key string) string {
	w.t.Helper()
	c := w.Created(key)
	raw, _ := json.Marshal(job.Input{Bucket: c.Bucket, Key: c.Key, ETag: c.ETag, VersionID: c.VersionID, Sequencer: c.Sequencer})
	return string(raw)
}

// planOf reads a plan as it stands.
func (w *world) planOf(id string) (p job.Plan) {
	w.t.Helper()
	raw, _ := w.Get(job.PlanKey(id))
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// chat is a line that asks for a word.
func chat(customID, model, word string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"Say %s"}]}}`, customID, model, word)
}

// manyLines are lines that ask for a number each.
func manyLines(n int, model string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(chat(fmt.Sprintf("id-%d", i+1), model, fmt.Sprintf("number%d", i+1)) + "\n")
	}
	return b.String()
}

// compress is a member of a gzip file.
func compress(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.String()
}
