package batch_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

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

// A batch that takes three days is cancelled once, and its lines are sent again, whether or not Azure gives them rows; a
// line that has no tries left says why.
func TestBatchThatDoesNotEnd(t *testing.T) {
	rows := fmt.Sprintf(refusal, "batch_cancelled")
	rows = `{"custom_id":"2","response":null,` + rows[1:] + "\n" + `{"custom_id":"4","response":null,` + rows[1:] + "\n"
	for _, tt := range []struct {
		name, tries string
		rows        bool
		says        string
	}{
		{"no rows", "3", false, "number2"},
		{"rows", "3", true, "number2"},
		{"no tries left", "1", true, "error batch_expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t, "tries", tt.tries)
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
			if tt.rows {
				p.answers("GET files/ID/content", 200, rows)
			}
			p.walk(p.step.Job, 1)
			sum := patiently[job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
			got := p.results("results/n.jsonl")[1]
			if got.says() != tt.says || got.Error != nil && !strings.Contains(got.Error.Message, "had not ended after 72 hours, and the bridge cancelled it") {
				t.Errorf("a line says %q, %+v", got.says(), got.Error)
			}
			if tt.tries != "1" && (sum.Lines.Succeeded != partLines || sum.TriedAgain.Reasons["batch_expired"] != partLines) {
				t.Errorf("the summary is %+v", sum)
			}
		})
	}
}

// A batch that somebody cancels in Azure is not begun again, and its lines say so.
func TestBatchIsCancelledInAzure(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	p.does("submit")
	p.asks()
	p.call("POST", "batches/"+fmt.Sprint(p.state(0)["batch_id"])+"/cancel")
	rows := fmt.Sprintf(refusal, "batch_cancelled")
	p.answers("GET files/ID/content", 200, `{"custom_id":"2","response":null,`+rows[1:]+"\n")
	p.walk(p.step.Job, 1)
	if got := p.asks(); strings.Contains(got, "POST files") || strings.Contains(got+",", "POST batches,") {
		t.Errorf("Azure was asked %s", got)
	}
	sum := patiently[job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
	if sum.Status != "completed" || sum.Lines.Failed != partLines || sum.TriedAgain.Lines != 0 {
		t.Errorf("the summary is %+v", sum)
	}
	for _, r := range p.results("results/n.jsonl") {
		if r.says() != "error batch_cancelled" || !strings.Contains(r.Error.Message, "cancelled in Azure, not by the bridge") {
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
		{"the output is not found", func(p *part) { p.answers("GET files/ID/content", 404, fmt.Sprintf(refusal, "not_found")) }, "GET files/ID/content", "GET files/ID/content, GET files/ID/content, GET files/ID, DELETE files/ID"},
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
		{"ended", true, "GET files/ID/content, DELETE files/ID"}, // the answers stay
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

// A batch that cannot be cancelled once its part is given up is named in the log, since no task looks at it again. Another
// that has ended meanwhile is none.
func TestGivenUpBatchCannotBeCancelled(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		logged bool
	}{{"refused", 400, true}, {"ended meanwhile", 409, false}} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
			p.does("submit")
			var log bytes.Buffer
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			t.Cleanup(func() { slog.SetDefault(before) })
			p.answers("POST batches/ID/cancel", tt.status, fmt.Sprintf(refusal, "odd"))
			payload := object{"task": "give-up", "step": object{"job": p.step.Job, "part": 1, "failure": object{"Error": "States.Timeout", "Cause": "late"}}}
			if got := patiently[job.Step](p.world, "give-up", payload); got.Status != "done" {
				t.Errorf("got %+v", got)
			}
			id := fmt.Sprint(p.state(0)["batch_id"])
			if logged := strings.Contains(log.String(), "level=ERROR") && strings.Contains(log.String(), "batch="+id); logged != tt.logged {
				t.Errorf("the log of batch %s: %s", id, &log)
			}
		})
	}
}
