package batch_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

// report is the summary of the part's job.
func (p *part) summary() *job.Summary {
	p.t.Helper()
	return patiently[*job.Summary](p.world, "report", object{"task": "report", "state": object{"plan": object{"job": p.step.Job}}})
}

// A batch whose create had no answer is looked for at 0, 1, 2 and 4 minutes, since Azure's lists may be behind. The create
// is sent again only then, and the file of the first one is gone before.
func TestCreateMayHaveHappened(t *testing.T) {
	for _, tt := range []struct {
		name   string
		behind int    // so many looks do not see the batch
		stall  string // where the first batch stays
		made   int    // batches
		twice  *job.PaidTwice
	}{
		{"seen at once", 0, "", 1, nil},
		{"seen after a minute", 1, "", 1, nil},
		{"seen after four minutes", 3, "", 1, nil},
		{"seen at the end, not begun", 4, "validating", 2, nil},
		{"seen at the end, under way", 4, "in_progress", 2, &job.PaidTwice{Batches: 1, AtMost: 0}},
		{"seen at the end, completed", 4, "", 2, &job.PaidTwice{Batches: 1, AtMost: partLines}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPart(t)
			if tt.stall != "" {
				p.fault(azureopenai.FaultRule{Fault: "stall;state=" + tt.stall, Method: "POST", Path: "/batches"})
			}
			p.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/batches"})
			if tt.behind > 0 {
				p.fault(azureopenai.FaultRule{Fault: "behind;age=1h", Method: "GET", Path: "/batches", Count: tt.behind})
			}
			if got := p.does("submit"); got != "upstream_connection_lost (502)" {
				t.Fatalf("the task says %s", got)
			}
			p.asks()
			var waits []int
			for p.does("submit") == "no_room" {
				waits = append(waits, p.step.Wait)
				if got := p.asks(); got != "GET batches" {
					t.Errorf("a look asks for %s", got)
				}
			}
			if want := []int{60, 60, 120}[:min(tt.behind, 3)]; !slices.Equal(waits, want) {
				t.Errorf("it waits for %v seconds between its looks, want %v", waits, want)
			}
			want := "GET batches"
			if tt.made > 1 {
				want = "GET batches, DELETE files/ID, POST files, POST batches"
			}
			if got := p.asks(); p.step.Status != "submitted" || got != want {
				t.Errorf("at last Azure is asked %s and the task says %s", got, p.step.Status)
			}
			p.walk(p.step.Job, 1)
			sum := p.summary()
			p.checkResults(t)
			if n := len(p.azureList("batches")); n != tt.made {
				t.Errorf("Azure has made %d batches", n)
			}
			if files := p.azureList("files"); len(files) > 0 {
				t.Errorf("%d files are left in Azure", len(files))
			}
			paid := p.azure.Executions()
			switch {
			case (sum.Twice == nil) != (tt.twice == nil):
				t.Errorf("the summary says %+v", sum.Twice)
			case tt.twice != nil && (sum.Twice.Batches != tt.twice.Batches || sum.Twice.AtMost != tt.twice.AtMost || sum.Twice.Counts.Total != partLines || sum.Twice.Counts.Completed != paid.PaidAgain):
				t.Errorf("the summary says %+v, %+v", sum.Twice, sum.Twice.Counts)
			}
			if tt.twice == nil && paid.PaidAgain > 0 || tt.twice != nil && paid.PaidAgain != tt.twice.AtMost {
				t.Errorf("%d lines were paid for twice", paid.PaidAgain)
			}
		})
	}
}

// A task that is killed in one of the looks repeats that look, and does not come to another create sooner. A second create
// that may have happened is looked for as often as the first.
func TestLooksAreNotCutShort(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "behind;age=1h", Method: "GET", Path: "/batches", Count: -1})
	for create := range 3 {
		p.fault(azureopenai.FaultRule{Fault: "503", Method: "POST", Path: "/batches"})
		if got := p.does("submit"); !strings.HasSuffix(got, "(503)") || !strings.HasSuffix(p.asks(), "POST files, POST batches") {
			t.Fatalf("create %d: the task says %s", create, got)
		}
		for look := range 3 {
			before := p.step
			for range 3 { // the answer does not reach the workflow
				p.step = before
				if got := p.does("submit"); got != "no_room" || p.step.Looks != look+1 || p.asks() != "GET batches" {
					t.Errorf("create %d, look %d: the task says %s: %+v", create, look, got, p.step)
				}
			}
		}
	}
}

// A search ends at entries that are older than what it looks for.
func TestSearchEnds(t *testing.T) {
	for _, of := range []string{"files", "batches"} {
		t.Run(of, func(t *testing.T) {
			p := newPart(t)
			p.fault(azureopenai.FaultRule{Fault: "503", Method: "POST", Path: "/" + of})
			p.does("submit")
			p.asks()
			sent := p.clock()
			p.with["GET "+of] = func(*string) {
				for i, seconds := range []int64{-290, -310} { // of a page each
					page := fmt.Sprintf(`{"data":[{"id":"other-%d","created_at":%d}],"has_more":true}`, i, sent.Unix()+seconds)
					p.azure.QueueAnswer(azureopenai.Answer{Path: "/" + of, Body: page})
				}
			}
			p.does("submit")
			if got := p.asks(); !strings.HasPrefix(got, "GET "+of+", GET "+of) || strings.HasPrefix(got, "GET "+of+", GET "+of+", GET") {
				t.Errorf("Azure was asked %s", got)
			}
		})
	}
}

// A create that another run has given up belongs to nobody: its batch is cancelled, and counted.
func TestCreateOvertakesGivingUp(t *testing.T) {
	p := newPart(t)
	p.fault(azureopenai.FaultRule{Fault: "stall;state=in_progress", Method: "POST", Path: "/batches"})
	p.with["POST batches"] = func(*string) { // while the first run waits for Azure
		p.Put("jobs/"+p.step.Job+"/parts/00001/try-00/batch-00.json", `{"batch_id":"","file_id":"","created_at":"2026-11-25T12:00:00Z"}`)
	}
	if got := p.does("submit"); got != "task_overtaken (500)" {
		t.Errorf("the task says %s", got)
	}
	if got := p.asks(); got != "POST files, POST batches, POST batches/ID/cancel, DELETE files/ID" {
		t.Errorf("Azure was asked %s", got)
	}
	p.finish(2)
}

// An upload whose answer is lost leaves no file in Azure, though the list does not show it at once, and whatever the part
// comes to.
func TestUploadMayHaveHappened(t *testing.T) {
	for _, tt := range []struct {
		name    string
		uploads int // whose answers are lost
		then    func(*part)
	}{
		{"another is sent", 1, func(p *part) { p.walk(p.step.Job, 1) }},
		{"two others are sent", 2, func(p *part) { p.walk(p.step.Job, 1) }},
		{"the job is cancelled", 1, func(p *part) {
			if err := p.service().Cancel(p.t.Context(), p.step.Job); err != nil {
				p.t.Fatal(err)
			}
			p.walk(p.step.Job, 1)
		}},
		{"the part is given up", 1, func(p *part) {
			patiently[job.Step](p.world, "give-up", object{"task": "give-up", "step": object{"job": p.step.Job, "part": 1, "failure": object{"Error": "States.Timeout", "Cause": "late"}}})
		}},
		{"the files are kept", 1, func(p *part) { p.walk(p.step.Job, 1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept := 0
			var metadata []string
			if tt.name == "the files are kept" {
				kept, metadata = 3, []string{"keep-azure-files", "true"} // of the batch: input, output, errors
			}
			p := newPart(t, metadata...)
			p.fault(azureopenai.FaultRule{Fault: "lost", Method: "POST", Path: "/files", Count: tt.uploads})
			p.fault(azureopenai.FaultRule{Fault: "behind;age=1h", Method: "GET", Path: "/files", Count: tt.uploads})
			for range tt.uploads {
				if got := p.does("submit"); got != "upstream_connection_lost (502)" {
					t.Fatalf("the task says %s", got)
				}
			}
			if tt.name == "the job is cancelled" || tt.name == "the part is given up" {
				p.azure.Reset() // nothing is looked for before the end
			}
			tt.then(p)
			p.azure.Reset()
			if n := len(p.azureList("files")); n != kept {
				t.Errorf("%d files are left in Azure, want %d", n, kept)
			}
		})
	}
}

// Files that end early are read again before anything is settled. Those that stay short stay in Azure, and what is sent
// again is counted.
func TestOutputIsShort(t *testing.T) {
	var output string
	for _, tt := range []struct {
		name string
		cut  func(whole string) string
	}{
		{"half a line is missing", func(s string) string { return s[:len(s)-40] }},
		{"a line is missing", func(s string) string { return s[:strings.LastIndex(strings.TrimSpace(s), "\n")+1] }},
		{"all but one are missing", func(s string) string { return s[:strings.Index(s, "\n")+1] }},
		{"everything is missing", func(string) string { return "" }},
	} {
		for _, comes := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, comes %t", tt.name, comes), func(t *testing.T) {
				p := newPart(t)
				p.does("submit")
				p.ends()
				p.does("poll")
				output = p.download(fmt.Sprint(p.state(0)["output_file_id"]))
				tear := func() { p.answers("GET files/ID/content", 200, tt.cut(output)) }
				reads := 12
				if comes {
					reads = 2
				}
				for range reads {
					tear()
					if got := p.does("collect"); got != "not_ready" || p.step.Try != 0 {
						t.Fatalf("the task says %s", got)
					}
				}
				if comes {
					if got := p.does("collect"); got != "done" {
						t.Errorf("the file is whole, and the task says %s", got)
					}
					p.finish(1)
					return
				}
				tear()
				if got := p.does("collect"); got != "again" {
					t.Errorf("the file stays short, and the task says %s", got)
				}
				if p.download(fmt.Sprint(p.state(0)["output_file_id"])) != output {
					t.Error("the output is not in Azure any more")
				}
				p.walk(p.step.Job, 1)
				sum := p.summary()
				if paid := p.azure.Executions().PaidAgain; paid == 0 || sum.Twice == nil || sum.Twice.AtMost != paid {
					t.Errorf("%d lines were paid for twice, and the summary says %+v", paid, sum.Twice)
				}
				p.checkResults(t)
			})
		}
	}
}

// A file that has all the lines that Azure counted may be short all the same: its size says so.
func TestOutputHasFewerBytes(t *testing.T) {
	p := newPart(t)
	p.does("submit")
	p.ends()
	uncounted := func() {
		b := p.download("batches/" + fmt.Sprint(p.state(0)["batch_id"]))
		p.answers("GET batches/ID", 200, strings.Replace(b, `"completed":5`, `"completed":1`, 1))
	}
	uncounted()
	if got := p.does("poll"); got != "ended" {
		t.Fatalf("the task says %s", got)
	}
	output := p.download(fmt.Sprint(p.state(0)["output_file_id"]))
	p.answers("GET files/ID/content", 200, output[:strings.Index(output, "\n")+1])
	if got := p.does("collect"); got != "not_ready" {
		t.Errorf("the task says %s", got)
	}
	p.finish(1)
}

// checkResults checks that each line has its own answer.
func (p *part) checkResults(t *testing.T) {
	t.Helper()
	for i, r := range p.results("results/n.jsonl") {
		if want := fmt.Sprintf("number%d", i+1); r.says() != want {
			t.Errorf("line %d says %q", i+1, r.says())
		}
	}
}

// download reads a file of Azure's, or another object by its path.
func (p *part) download(id string) string {
	p.t.Helper()
	if !strings.Contains(id, "/") {
		id = "files/" + id + "/content"
	}
	r, _ := http.NewRequest(http.MethodGet, p.url+"/openai/v1/"+id, nil)
	r.Header.Set("Api-Key", "local")
	return p.read(r)
}

// A run of online calls that was killed is known afterwards: so many lines as it called at once may be paid for twice. A
// run that ends by itself, whatever it comes to, leaves no trace.
func TestOnlineRunIsKilled(t *testing.T) {
	for _, killed := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(killed), func(t *testing.T) {
			w := newWorld(t)
			w.tick, w.limit = time.Second, 3*time.Minute // which takes some runs
			w.Put("inbox/n.jsonl", manyLines(100, "gpt-4o-mini"), "mode", "online")
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			folder := "jobs/" + a.Job + "/parts/00001/try-00/running/"
			runs := 0
			w.asked = func(*http.Request) { // what a run has written that does not end stays
				w.mu.Lock()
				first := runs < killed
				runs++
				w.mu.Unlock()
				if first {
					w.copyRun(folder, fmt.Sprintf("%skilled-%d.json", folder, runs))
				}
			}
			w.walk(a.Job, 1)
			sum := patiently[*job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
			w.checkNumbers(t, "results/n.jsonl", 100)
			switch {
			case killed == 0 && sum.Twice != nil, killed > 0 && (sum.Twice == nil || sum.Twice.AtMost != 4*killed || sum.Twice.Batches != 0):
				t.Errorf("the summary says %+v", sum.Twice)
			}
		})
	}
}

// copyRun copies the record of the run that is under way.
func (w *world) copyRun(folder, to string) {
	listed, err := w.S3.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &folder})
	if err != nil {
		w.t.Error(err)
		return
	}
	for _, o := range listed.Contents {
		if !strings.Contains(*o.Key, "killed") {
			raw, _ := w.Get(*o.Key)
			w.Put(to, raw)
		}
	}
}
