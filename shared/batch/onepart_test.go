package batch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

// part is a part of a few lines whose job has been planned, to be taken step by step.
type part struct {
	*world
	step job.Step

	mu   sync.Mutex
	log  []string                    // of what Azure was asked, without the ids
	with map[string]func(id *string) // what happens before Azure answers the next request of that name, once
}

const partLines = 5

// newPart plans a job of one part.
func newPart(t *testing.T, metadata ...string) *part {
	t.Helper()
	w := newWorld(t)
	w.Put("inbox/n.jsonl", manyLines(partLines, "gpt-4o-mini"), metadata...)
	a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
	p := &part{world: w, step: job.Step{Job: a.Job, Part: 1}, with: map[string]func(*string){}}
	w.asked = func(r *http.Request) {
		name, id := strings.TrimPrefix(r.URL.Path, "/openai/v1/"), ""
		if kind, rest, found := strings.Cut(name, "/"); found {
			var after string
			id, after, _ = strings.Cut(rest, "/")
			name = strings.TrimSuffix(kind+"/ID/"+after, "/")
		}
		name = r.Method + " " + name
		p.mu.Lock()
		p.log = append(p.log, name)
		before := p.with[name]
		delete(p.with, name)
		p.mu.Unlock()
		if before != nil {
			before(&id)
		}
	}
	return p
}

// asks returns what Azure was asked since the last call.
func (p *part) asks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := strings.Join(p.log, ", ")
	p.log = nil
	return log
}

// answers queues a literal answer to the next request of a name.
func (p *part) answers(name string, status int, body string) {
	path := name[strings.LastIndex(name, " ")+1:]
	path = path[strings.LastIndex(path, "/")+1:]
	if path == "ID" {
		path = "" // any
	}
	p.with[name] = func(*string) { p.azure.QueueAnswer(azureopenai.Answer{Path: path, Status: status, Body: body}) }
}

// does runs a task of the part. It returns "STATUS" or, of an error, "CODE (HTTP status)".
func (p *part) does(task string) string {
	p.t.Helper()
	step, err := taskOf(p, task)
	if err != nil {
		var e struct{ Error struct{ Code any } }
		_ = json.Unmarshal([]byte(err.body), &e) // an error without a code is none that a test wants
		return fmt.Sprintf("%v (%d)", e.Error.Code, err.status)
	}
	p.step = *step
	return step.Status
}

func taskOf(p *part, name string) (*job.Step, *failure) {
	step, err := task[*job.Step](p.world, name, object{"task": name, "step": p.step})
	if err != nil {
		return nil, err.(*failure)
	}
	return step, nil
}

// state is what is remembered of a try.
func (p *part) state(try int) (state object) {
	p.t.Helper()
	raw, _ := p.Get(fmt.Sprintf("jobs/%s/parts/00001/try-%02d/state.json", p.step.Job, try))
	if err := json.Unmarshal([]byte(raw), &state); err != nil {
		p.t.Fatal(err)
	}
	return state
}

// finish walks the part to its end and checks that each line has its answer and none was executed twice.
func (p *part) finish(batches int) *job.Summary {
	p.t.Helper()
	p.walk(p.step.Job, 1)
	sum := patiently[*job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
	p.checkNumbers(p.t, "results/n.jsonl", partLines)
	if e := p.azure.Executions(); e.Executed > partLines { // a release of batches begins to count again
		p.t.Errorf("%d lines were executed, and there are %d", e.Executed, partLines)
	}
	if n := len(p.azureList("batches")); n != batches {
		p.t.Errorf("Azure has made %d batches, want %d", n, batches)
	}
	if n := len(p.azureList("files")); n != 0 {
		p.t.Errorf("%d files are left in Azure", n)
	}
	p.asks()
	return sum
}

// call sends Azure a request that is not the bridge's.
func (p *part) call(method, path string) {
	p.t.Helper()
	r, _ := http.NewRequest(method, p.url+"/openai/v1/"+path, nil)
	r.Header.Set("Api-Key", "local")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
}

// ends returns once Azure's batches have ended.
func (p *part) ends() {
	for slices.ContainsFunc(p.azureList("batches"), func(b struct{ Status string }) bool { return b.Status != "completed" }) {
	}
}

// looks has the workflow look for a batch that may have been made, for as long as it will, and then submit.
func (p *part) looks() string {
	for range 3 {
		if got := p.does("submit"); got != "no_room" || p.step.Wait < 60 || p.asks() != "GET batches" {
			return got
		}
	}
	return p.does("submit")
}

// later lets time pass, after which the Azure secret is read again.
func (p *part) later(d time.Duration) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.now = p.now.Add(d)
}

const refusal = `{"error":{"code":%q,"message":"no"}}`
