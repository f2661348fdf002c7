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
	p.with[name] = func(*string) { p.azure.QueueAnswer(azureopenai.Answer{Status: status, Body: body}) }
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

// later lets time pass, after which the Azure secret is read again.
func (p *part) later(d time.Duration) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.now = p.now.Add(d)
}

const refusal = `{"error":{"code":%q,"message":"no"}}`

// A create that is refused is sent again only where Azure cannot have made the batch, or does not list it.
func TestCreateIsRefused(t *testing.T) {
	const create, list = "POST batches", "GET batches"
	for _, tt := range []struct {
		name     string
		status   int    // of the answer to the first create; 0: see before
		code     string // in it
		fault    string // or what befalls it
		says     string // the task
		asks     string // of Azure, by the failing task
		creating bool   // what is remembered: the batch may have been made
		uploaded bool   // and: Azure has the file
		again    string // of Azure, by the next task
	}{
		{"its file is there", 400, "invalid_request", "", "invalid_request (400)", "POST files, POST batches, GET files/ID", false, true, create},
		{"its file is there, said otherwise", 422, "unprocessable", "", "unprocessable (422)", "POST files, POST batches, GET files/ID", false, true, create},
		{"too many requests", 429, "429", "", "429 (429)", "POST files, POST batches", false, true, create},
		{"the quota is full", 429, "token_limit_exceeded", "", "token_limit_exceeded (429)", "POST files, POST batches", false, true, create},
		{"the quota is full, said as 400", 400, "token_limit_exceeded", "", "token_limit_exceeded (429)", "POST files, POST batches", false, true, create},
		{"500", 500, "server_error", "", "server_error (500)", "POST files, POST batches", true, true, "GET batches, POST batches"},
		{"502", 502, "bad_gateway", "", "bad_gateway (502)", "POST files, POST batches", true, true, "GET batches, POST batches"},
		{"503", 503, "unavailable", "", "unavailable (503)", "POST files, POST batches", true, true, "GET batches, POST batches"},
		{"made, and the answer is lost", 0, "", "lost", "upstream_connection_lost (502)", "POST files, POST batches", true, true, list},
		{"the answer is garbage", 0, "", "garbage", "upstream_invalid_response (502)", "POST files, POST batches", true, true, "GET batches, POST batches"},
		{"its file is gone", 0, "gone", "", "upstream_file_gone (502)", "POST files, POST batches, GET files/ID", false, false, "POST files, POST batches"},
		{"our credential is refused", 401, "401", "", "401 (502)", "POST files, POST batches", false, true, create},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			switch {
			case tt.status != 0:
				p.answers(create, tt.status, fmt.Sprintf(refusal, tt.code))
			case tt.fault != "":
				p.fault(azureopenai.FaultRule{Fault: tt.fault, Method: "POST", Path: "/batches"})
			default:
				p.with[create] = func(*string) { p.call("DELETE", "files/"+fmt.Sprint(p.state(0)["file_id"])) }
			}
			if got := p.does("submit"); got != tt.says {
				t.Errorf("the task says %s, want %s", got, tt.says)
			}
			asks := strings.Replace(p.asks(), "DELETE files/ID, ", "", 1) // which is this test's
			if asks != tt.asks {
				t.Errorf("Azure was asked %s, want %s", asks, tt.asks)
			}
			st := p.state(0)
			if st["creating"] != tt.creating || (st["file_id"] != nil) != tt.uploaded || st["uploading"] != tt.uploaded || st["batch_id"] != nil {
				t.Errorf("what is remembered: %v", st)
			}
			p.later(time.Hour) // a resource whose answers were bad rests
			if got := p.does("submit"); got != "submitted" {
				t.Errorf("again, the task says %s", got)
			}
			if got := p.asks(); got != tt.again {
				t.Errorf("again, Azure was asked %s, want %s", got, tt.again)
			}
			if got := p.does("submit"); got != "submitted" || p.asks() != "" {
				t.Errorf("repeated, the task says %s", got)
			}
			p.finish(1)
			if got := p.does("submit"); got != "submitted" || p.asks() != "" {
				t.Errorf("after the end, the task says %s", got)
			}
		})
	}
}

// A create that did not reach Azure is sent again at once.
func TestCreateIsUnreachable(t *testing.T) {
	p := newPart(t)
	p.answers("POST batches", 429, fmt.Sprintf(refusal, "429"))
	p.does("submit") // the file is there
	secret := p.azureSecret()
	p.secret(strings.ReplaceAll(secret, p.url, "http://127.0.0.1:1"))
	p.later(time.Hour)
	if got := p.does("submit"); got != "upstream_unreachable (502)" || p.state(0)["creating"] != false {
		t.Errorf("the task says %s and remembers %v", got, p.state(0))
	}
	p.secret(secret)
	p.later(time.Hour)
	p.asks()
	if got := p.does("submit"); got != "submitted" || p.asks() != "POST batches" {
		t.Errorf("again, the task says %s", got)
	}
	p.finish(1)
}

// An upload that is refused is sent again only where Azure cannot have the file, or does not list it.
func TestUploadIsRefused(t *testing.T) {
	const upload, create = "POST files", "POST batches"
	for _, tt := range []struct {
		name      string
		status    int
		code      string
		fault     string
		says      string
		uploading bool // what is remembered: Azure may have the file
		again     string
	}{
		{"400", 400, "invalid", "", "invalid (400)", false, "POST files, POST batches"},
		{"429", 429, "429", "", "429 (429)", false, "POST files, POST batches"},
		{"as many files as Azure takes", 400, "quotaExceeded", "", "quotaExceeded (429)", false, "POST files, POST batches"},
		{"500", 500, "server_error", "", "server_error (500)", true, "GET files, POST files, POST batches"},
		{"there, and the answer is lost", 0, "", "lost", "upstream_connection_lost (502)", true, "GET files, POST batches"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			if tt.fault != "" {
				p.fault(azureopenai.FaultRule{Fault: tt.fault, Method: "POST", Path: "/files"})
			} else {
				p.answers(upload, tt.status, fmt.Sprintf(refusal, tt.code))
			}
			if got := p.does("submit"); got != tt.says {
				t.Errorf("the task says %s, want %s", got, tt.says)
			}
			if st := p.state(0); st["uploading"] != tt.uploading || st["creating"] != false || st["file_id"] != nil {
				t.Errorf("what is remembered: %v", st)
			}
			p.later(time.Hour)
			p.asks()
			if got := p.does("submit"); got != "submitted" {
				t.Errorf("again, the task says %s", got)
			}
			if got := p.asks(); got != tt.again {
				t.Errorf("again, Azure was asked %s, want %s", got, tt.again)
			}
			p.finish(1)
		})
	}
}

// A file that Azure looks at is waited for, ten seconds at a time and then for longer, and is not sent again.
func TestFileIsNotReady(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/files"})
	p.does("submit")
	pending := fmt.Sprintf(`{"data":[{"id":"file-1","filename":"%s-00001-00.jsonl","bytes":0,"status":"pending"}]}`, p.step.Job)
	for i := range 8 {
		p.asks()
		p.answers("GET files", 200, pending)
		if got := p.does("submit"); got != "no_room" || p.asks() != "GET files" {
			t.Errorf("the task says %s", got)
		}
		if short := p.step.Wait == 10; short != (i < 6) || p.step.Wait > 1200 {
			t.Errorf("after %d looks it waits for %d s", i+1, p.step.Wait)
		}
	}
	if got := p.does("submit"); got != "submitted" || p.asks() != "GET files, POST batches" {
		t.Errorf("at last the task says %s", got)
	}
	p.finish(1)
}

// A batch that Azure says it does not know is believed lost after five looks in a row, and not before. Its lines
// are sent again then, in another batch: they may have been paid for, but nobody can fetch the answers.
func TestAzureLosesTheBatch(t *testing.T) {
	for _, misses := range []int{1, 4, 5} {
		t.Run(fmt.Sprint(misses), func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"}) // or it is executed
			p.does("submit")
			first := p.state(0)["batch_id"]
			p.asks()
			miss := func(n int) {
				for i := range n {
					p.answers("GET batches/ID", 404, fmt.Sprintf(refusal, "not_found"))
					if got := p.does("poll"); got != "upstream_batch_missing (502)" {
						t.Errorf("the task says %s", got)
					}
					if st := p.state(0); st["unavailable"] != float64(i+1) || (st["status"] == "ended") != (i == 4) || st["batch_id"] != first {
						t.Errorf("after %d misses: %v", i+1, st)
					}
				}
			}
			miss(misses)
			if misses < 5 {
				p.answers("GET batches/ID", 400, fmt.Sprintf(refusal, "odd")) // says nothing about the batch
				if got := p.does("poll"); got != "odd (400)" || p.state(0)["unavailable"] != float64(misses) {
					t.Errorf("an error says %s: %v", got, p.state(0))
				}
				p.later(time.Hour)
				if got := p.does("poll"); got != "running" || p.state(0)["unavailable"] != nil {
					t.Errorf("the batch is there, and the task says %s: %v", got, p.state(0))
				}
				miss(4) // in a row again
				p.release()
				p.finish(1)
				return
			}
			p.asks()
			if got := p.does("poll"); got != "ended" || p.asks() != "" {
				t.Errorf("the batch is lost, and the task says %s", got)
			}
			if got := p.does("collect"); got != "again" || p.step.Try != 1 {
				t.Errorf("its lines: %s, try %d", got, p.step.Try)
			}
			if got := p.asks(); got != "DELETE files/ID" {
				t.Errorf("to settle it, Azure was asked %s", got)
			}
			sum := p.finish(2) // the first one is held up for ever, and has executed nothing
			if sum.TriedAgain.Lines != partLines || sum.TriedAgain.Reasons["no_answer"] != partLines {
				t.Errorf("the summary has %+v", sum.TriedAgain)
			}
		})
	}
}

// A batch that has ended while its cancellation was on the way is collected; a cancellation that fails is sent again.
func TestCancelOfABatchThatEnds(t *testing.T) {
	for _, tt := range []struct {
		status int
		says   string
	}{{409, "running"}, {400, "odd (400)"}} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
			p.does("submit")
			if err := p.service().Cancel(t.Context(), p.step.Job); err != nil {
				t.Fatal(err)
			}
			p.asks()
			p.answers("POST batches/ID/cancel", tt.status, fmt.Sprintf(refusal, "odd"))
			if got := p.does("poll"); got != tt.says {
				t.Errorf("the task says %s, want %s", got, tt.says)
			}
			if got := p.asks(); got != "GET batches/ID, POST batches/ID/cancel" || p.state(0)["cancelled"] != true {
				t.Errorf("Azure was asked %s; remembered: %v", got, p.state(0))
			}
			if tt.status == 409 {
				p.release() // it ends with all answers
				p.finish(1)
				return
			}
			if got := p.does("poll"); got != "running" || p.asks() != "GET batches/ID, POST batches/ID/cancel" {
				t.Errorf("again, the task says %s", got)
			}
		})
	}
}

// A batch that takes three days is cancelled once, and its lines are not sent again.
func TestBatchThatDoesNotEnd(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	p.does("submit")
	p.later(71 * time.Hour)
	p.asks()
	if got := p.does("poll"); got != "running" || p.asks() != "GET batches/ID" {
		t.Errorf("after 71 hours the task says %s", got)
	}
	p.later(2 * time.Hour)
	if got := p.does("poll"); got != "running" || p.asks() != "GET batches/ID, POST batches/ID/cancel" {
		t.Errorf("after 73 hours the task says %s", got)
	}
	p.cancelledInAzure(t)
}

// A batch that somebody cancels in Azure is not begun again.
func TestBatchIsCancelledInAzure(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	p.does("submit")
	p.asks()
	p.call("POST", "batches/"+fmt.Sprint(p.state(0)["batch_id"])+"/cancel")
	p.cancelledInAzure(t)
}

// cancelledInAzure checks the end of a part whose batch is cancelled in Azure.
func (p *part) cancelledInAzure(t *testing.T) {
	t.Helper()
	p.walk(p.step.Job, 1)
	if got := p.asks(); strings.Contains(got, "POST files") || strings.Contains(got+",", "POST batches,") {
		t.Errorf("Azure was asked %s", got)
	}
	sum := patiently[job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
	if sum.Status != "completed" || sum.Lines.Failed != partLines || sum.TriedAgain.Lines != 0 {
		t.Errorf("the summary is %+v", sum)
	}
	for _, r := range p.results("results/n.jsonl") {
		if r.says() != "error batch_cancelled" || !strings.Contains(r.Error.Message, "cancelled in Azure") {
			t.Errorf("a line says %q, %+v", r.says(), r.Error)
		}
	}
	if e := p.azure.Executions(); e.Executed != 0 {
		t.Errorf("%d lines were executed", e.Executed)
	}
}

// An output that is not there yet is waited for and not paid for again; one that never comes is, at last.
func TestOutputIsNotReady(t *testing.T) {
	ended := fmt.Sprintf(`{"status":"completed","request_counts":{"total":%d,"completed":%d,"failed":0}}`, partLines, partLines)
	for _, tt := range []struct {
		name    string
		early   func(p *part) // before each collect
		asks    string        // of Azure, by each
		settled string        // by the collect that waits no more
	}{
		{"the batch names no output", func(p *part) { p.answers("GET batches/ID", 200, ended) }, "GET batches/ID", "GET batches/ID, DELETE files/ID"},
		{"the output is not found", func(p *part) { p.answers("GET files/ID/content", 404, fmt.Sprintf(refusal, "not_found")) }, "GET files/ID/content", "GET files/ID/content, GET files/ID/content, DELETE files/ID, DELETE files/ID, DELETE files/ID"},
	} {
		for _, comes := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, comes %t", tt.name, comes), func(t *testing.T) {
				p := newPart(t)
				p.does("submit")
				p.ends()
				if strings.HasPrefix(tt.asks, "GET batches") {
					p.answers("GET batches/ID", 200, ended)
				}
				if got := p.does("poll"); got != "ended" {
					t.Fatalf("the task says %s", got)
				}
				for i := range 12 {
					p.asks()
					tt.early(p)
					if got := p.does("collect"); got != "not_ready" || p.step.Wait < 60 || p.step.Try != 0 || p.step.Waits != i+1 {
						t.Fatalf("collect says %s: %+v", got, p.step)
					}
					if got := p.asks(); got != tt.asks {
						t.Errorf("Azure was asked %s, want %s", got, tt.asks)
					}
				}
				if comes {
					if got := p.does("collect"); got != "done" {
						t.Errorf("the output is there, and the task says %s", got)
					}
					p.report(t, partLines, 0)
					return
				}
				p.asks()
				tt.early(p)
				if got := p.does("collect"); got != "again" || p.step.Try != 1 {
					t.Errorf("the output never came, and the task says %s: %+v", got, p.step)
				}
				if got := p.asks(); got != tt.settled {
					t.Errorf("Azure was asked %s, want %s", got, tt.settled)
				}
				p.walk(p.step.Job, 1) // which leaves the settled try as it is
				p.report(t, 2*partLines, partLines)
			})
		}
	}
}

// report checks the end of a part whose lines have all been answered.
func (p *part) report(t *testing.T, executed, again int) {
	t.Helper()
	sum := patiently[job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
	if sum.Lines.Succeeded != partLines || sum.TriedAgain.Lines != again {
		t.Errorf("the summary is %+v", sum)
	}
	if n := int(p.azure.Executions().Executed); n != executed {
		t.Errorf("%d lines were executed, want %d", n, executed)
	}
}

// A download that fails settles nothing: the answers are fetched by the next task, and no line is sent again.
func TestDownloadFails(t *testing.T) {
	p := newPart(t)
	p.does("submit")
	p.ends()
	p.does("poll")
	for range 3 {
		p.answers("GET files/ID/content", 400, fmt.Sprintf(refusal, "odd"))
		if got := p.does("collect"); got != "odd (400)" {
			t.Errorf("the task says %s", got)
		}
		if _, found := p.Get("jobs/" + p.step.Job + "/parts/00001/try-00/tried.json"); found {
			t.Error("the try is settled")
		}
	}
	p.finish(1)
}

// A part is given up without the answers that cannot be fetched: its batch is cancelled where it is under way, and
// nothing is sent again.
func TestGiveUpWithoutAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ended bool
		asks  string
	}{
		{"under way", false, "POST batches/ID/cancel, DELETE files/ID"},
		{"ended", true, "GET files/ID/content, DELETE files/ID, DELETE files/ID, DELETE files/ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
			p.does("submit")
			if tt.ended {
				p.release()
				p.does("poll")
			}
			p.answers("GET files/ID/content", 400, fmt.Sprintf(refusal, "odd"))
			p.asks()
			payload := object{"task": "give-up", "step": object{"job": p.step.Job, "part": 1, "failure": object{"Error": "States.Timeout", "Cause": "late"}}}
			if got := patiently[job.Step](p.world, "give-up", payload); got.Status != "done" {
				t.Errorf("got %+v", got)
			}
			if got := p.asks(); got != tt.asks {
				t.Errorf("Azure was asked %s, want %s", got, tt.asks)
			}
			if again := patiently[job.Step](p.world, "give-up", payload); again.Status != "done" || strings.Contains(p.asks(), "POST") {
				t.Errorf("repeated, got %+v", again)
			}
			sum := patiently[job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
			if sum.Lines.Failed != partLines || p.results("results/n.jsonl")[0].says() != "error task_failed" {
				t.Errorf("the summary is %+v", sum)
			}
		})
	}
}

// What cannot be prepared for another try settles nothing.
func TestTryWithoutRequests(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "fail-lines;percent=100", Method: "POST", Path: "/batches"})
	p.does("submit")
	p.release()
	p.does("poll")
	key := "jobs/" + p.step.Job + "/parts/00001/try-00/requests.jsonl"
	requests, _ := p.Get(key)
	p.Put(key, requests[:strings.Index(requests, "\n")+1])
	if got := p.does("collect"); !strings.HasSuffix(got, "(500)") || p.step.Try != 0 {
		t.Errorf("the task says %s", got)
	}
	for _, name := range []string{"try-00/tried.json", "try-01/state.json", "try-01/requests.jsonl"} {
		if _, found := p.Get("jobs/" + p.step.Job + "/parts/00001/" + name); found {
			t.Errorf("there is a %s", name)
		}
	}
	p.Put(key, requests)
	if got := p.does("collect"); got != "again" || p.step.Try != 1 {
		t.Errorf("with the requests, the task says %s", got)
	}
}

// Of two batches of a part the second is cancelled. Where that fails, the part's is the first all the same.
func TestDuplicateCannotBeCancelled(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	p.with["POST batches"] = func(*string) { // another run is faster
		p.Put("jobs/"+p.step.Job+"/parts/00001/try-00/batch-00.json", `{"batch_id":"batch_other","file_id":"file-other","created_at":"2026-11-25T12:00:00Z"}`)
	}
	p.answers("POST batches/ID/cancel", 400, fmt.Sprintf(refusal, "odd"))
	if got := p.does("submit"); got != "submitted" {
		t.Errorf("the task says %s", got)
	}
	if got := p.asks(); got != "POST files, POST batches, POST batches/ID/cancel" {
		t.Errorf("Azure was asked %s", got)
	}
	if st := p.state(0); st["batch_id"] != "batch_other" || st["file_id"] != "file-other" || st["status"] != nil {
		t.Errorf("what is remembered: %v", st)
	}
}

// A search that fails finds nothing out: neither is sent again, nor is a cancelled part taken for unsent.
func TestSearchFails(t *testing.T) {
	for _, tt := range []struct {
		lost, search string
		cancel       bool
		fails        func(p *part, search string)
		says         string
		then         string // Azure is asked, once the search works
	}{
		{"POST files", "GET files", false, (*part).fail, "odd (400)", "GET files, POST batches"},
		{"POST batches", "GET batches", false, (*part).fail, "odd (400)", "GET batches"},
		{"POST batches", "GET batches", true, (*part).fail, "odd (400)", "GET batches"},
		{"POST files", "GET files", false, (*part).endless, "search_inconclusive (500)", "GET files, POST batches"},
		{"POST batches", "GET batches", false, (*part).endless, "search_inconclusive (500)", "GET batches"},
	} {
		t.Run(fmt.Sprintf("%s, cancelled %t, %s", tt.search, tt.cancel, tt.says), func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: strings.TrimPrefix(tt.lost, "POST ")})
			p.does("submit")
			if tt.cancel {
				if err := p.service().Cancel(t.Context(), p.step.Job); err != nil {
					t.Fatal(err)
				}
			}
			before := p.state(0)
			p.asks()
			tt.fails(p, tt.search)
			if got := p.does("submit"); got != tt.says {
				t.Errorf("the task says %s, want %s", got, tt.says)
			}
			if got := p.asks(); strings.Contains(got, "POST") || !strings.HasPrefix(got, tt.search) {
				t.Errorf("Azure was asked %s", got)
			}
			if after := p.state(0); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("what is remembered was %v and is %v", before, after)
			}
			if got := p.does("submit"); got != "submitted" || !strings.HasPrefix(p.asks(), tt.then) {
				t.Errorf("again, the task says %s", got)
			}
			p.release() // a batch that is cancelled may end before its line is executed
			p.finish(1)
		})
	}
}

func (p *part) fail(search string) { p.answers(search, 400, fmt.Sprintf(refusal, "odd")) }

// endless has the search go from page to page for as long as it will.
func (p *part) endless(search string) {
	for i := range 500 {
		page := fmt.Sprintf(`{"data":[{"id":"other-%d"}],"has_more":true}`, i)
		p.azure.QueueAnswer(azureopenai.Answer{Path: strings.TrimPrefix(search, "GET "), Body: page})
	}
}

// A part that was cancelled before it was sent stays unsent, however often the task is repeated.
func TestCancelledBeforeItIsSent(t *testing.T) {
	p := newPart(t)
	if err := p.service().Cancel(t.Context(), p.step.Job); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := p.does("submit"); got != "ended" || p.state(0)["status"] != "ended" || p.state(0)["cancelled"] != true {
			t.Errorf("the task says %s and remembers %v", got, p.state(0))
		}
	}
	if got := p.does("collect"); got != "done" {
		t.Errorf("then the task says %s", got)
	}
	if got := p.asks(); got != "" {
		t.Errorf("Azure was asked %s", got)
	}
}
