package batch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
)

// A create that is refused is sent again only where Azure cannot have made the batch, or does not list it.
func TestCreateIsRefused(t *testing.T) {
	const create, list = "POST batches", "GET batches"
	const again = "GET batches, DELETE files/ID, POST files, POST batches" // by the last look
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
		{"500", 500, "server_error", "", "server_error (500)", "POST files, POST batches", true, true, again},
		{"502", 502, "bad_gateway", "", "bad_gateway (502)", "POST files, POST batches", true, true, again},
		{"503", 503, "unavailable", "", "unavailable (503)", "POST files, POST batches", true, true, again},
		{"408", 408, "timeout", "", "timeout (408)", "POST files, POST batches", true, true, again},
		{"made, and the answer is lost", 0, "", "lost", "upstream_connection_lost (502)", "POST files, POST batches", true, true, list},
		{"the answer is garbage", 0, "", "garbage", "upstream_invalid_response (502)", "POST files, POST batches", true, true, again},
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
			submit := func() string { return p.does("submit") }
			if tt.again == again {
				submit = p.looks
			}
			if got := submit(); got != "submitted" {
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
