package batch_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
)

// quotaOf gives the batch deployment of gpt-4o-mini a quota of so many thousand tokens, in a region that looks at it at
// once, or later.
func (w *world) quotaOf(capacity int, region string) {
	w.azure = azureopenai.New(azureopenai.Options{
		APIKeys: []string{"local"}, Region: region, DisableRecording: true,
		Deployments: []azureopenai.Deployment{{Name: "gpt-4o-mini-batch", Model: "gpt-4o-mini", Version: "2024-07-18", Type: "GlobalBatch", Capacity: capacity}},
	})
	w.t.Cleanup(func() { _ = w.azure.Close() })
}

// long is a line of about so many tokens.
func long(customID string, tokens int) string {
	return chat(customID, "gpt-4o-mini", strings.Repeat("word ", tokens))
}

// A part that is larger than the quota is sent in pieces; no line loses a try by that. A line that is larger by itself
// says so.
func TestQuotaIsTooSmall(t *testing.T) {
	for _, tt := range []struct {
		name   string
		region string
		file   string
		fails  int // lines that say token_limit_exceeded
		most   int // batches
	}{
		{"ten times, said at once", "East US 2", manyLines(1000, "gpt-4o-mini"), 0, 40},
		{"ten times, said later", "West Europe", manyLines(1000, "gpt-4o-mini"), 0, 40},
		{"one line is larger", "East US 2", manyLines(30, "gpt-4o-mini") + long("large", 2000) + "\n" + manyLines(30, "gpt-4o-mini"), 1, 20},
		{"one line is larger, said later", "West Europe", manyLines(30, "gpt-4o-mini") + long("large", 2000) + "\n" + manyLines(30, "gpt-4o-mini"), 1, 40},
		{"there is one line, and it is larger", "East US 2", long("large", 2000), 1, 1},
		{"each line is larger", "East US 2", strings.Repeat(long("large", 2000)+"\n", 20), 20, 1},
		{"each line is half of it", "East US 2", strings.Repeat(long("half", 450)+"\n", 20), 0, 45},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.quotaOf(1, tt.region)
			w.Put("inbox/n.jsonl", tt.file, "tries", "1")
			sum := w.run(w.event("inbox/n.jsonl"))
			lines := len(strings.Split(strings.TrimSpace(tt.file), "\n"))
			if sum.Lines.Failed != tt.fails || sum.Lines.Succeeded != lines-tt.fails || sum.TriedAgain.Lines != 0 {
				t.Errorf("the summary is %+v", sum)
			}
			for i, r := range w.results("results/n.jsonl") {
				switch {
				case r.Error != nil && (r.Error.Code != "token_limit_exceeded" || r.CustomID != "large" || !strings.Contains(r.Error.Message, "1000 enqueued tokens of deployment gpt-4o-mini-batch")):
					t.Errorf("line %d says %+v", i+1, r.Error)
				case strings.HasPrefix(fmt.Sprint(r.CustomID), "id-") && r.says() != "number"+fmt.Sprint(r.CustomID)[3:]:
					t.Errorf("line %d says %s", i+1, r.says())
				}
			}
			if n := len(w.azureList("batches?limit=100")); n > tt.most {
				t.Errorf("Azure has made %d batches", n)
			}
			if n := len(w.azureList("files")); n > 0 {
				t.Errorf("%d files are left in Azure", n)
			}
			if e := w.azure.Executions(); e.PaidAgain > 0 && strings.HasPrefix(tt.name, "ten") {
				t.Errorf("%d lines were paid for twice", e.PaidAgain)
			}
		})
	}
}

// Where Azure names no limit, a part is cut in two as long as nothing else is enqueued, once at once and then after some
// minutes each time, in which Azure's list may come to show what takes the room.
func TestQuotaWithoutALimit(t *testing.T) {
	for _, quota := range []int64{400, 1} { // bytes of requests
		t.Run(fmt.Sprint(quota), func(t *testing.T) {
			p := newPart(t)
			p.limitUploads(quota)
			says := []string{"no_room"}
			for p.does("submit") == "no_room" {
				says = append(says, fmt.Sprint(p.step.Wait))
				p.later(time.Duration(p.step.Wait) * time.Second)
			}
			p.walk(p.step.Job, 1)
			sum := p.summary()
			if quota == 1 && (sum.Lines.Failed != partLines || p.results("results/n.jsonl")[2].says() != "error token_limit_exceeded") || quota > 1 && sum.Lines.Succeeded != partLines {
				t.Errorf("the summary is %+v", sum)
			}
			want := "no_room 0 60 67 75 0" // cut to two lines, and to one
			if quota == 400 {
				want = "no_room 0"
			}
			if got := strings.Join(says, " "); !strings.HasPrefix(got, want) {
				t.Errorf("it waits for %s seconds, want %s", got, want)
			}
			if n := len(p.azureList("files")); n > 0 {
				t.Errorf("%d files are left in Azure", n)
			}
		})
	}
}

// limitUploads has Azure refuse batches of files beyond a size.
func (p *part) limitUploads(most int64) {
	asked, size := p.world.asked, int64(0)
	p.world.asked = func(r *http.Request) {
		asked(r)
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/files"):
			size = r.ContentLength - 600 // without the form
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/batches") && size > most:
			p.azure.QueueAnswer(azureopenai.Answer{Path: "/batches", Status: 400, Body: fmt.Sprintf(refusal, "token_limit_exceeded")})
		}
	}
}

// While batches of others are enqueued a part that may fit waits, and one that cannot is cut.
func TestQuotaIsFull(t *testing.T) {
	for _, tt := range []struct {
		message, says string
		lines         int // that are sent then
	}{
		{"no", "token_limit_exceeded (429)", partLines},
		{"surpassed the configured limit of 1K for the deployment", "token_limit_exceeded (429)", partLines},
		{"surpassed the configured limit of 0K for the deployment", "token_limit_exceeded (429)", partLines},
		{"Enqueued token limit reached for gpt-4o in organization x. Limit: 1,000 enqueued tokens.", "token_limit_exceeded (429)", partLines},
		{"Enqueued token limit reached for gpt-4o in organization x. Limit: 30 enqueued tokens.", "no_room", 2},
		{"surpassed the configured limit of 0.03K for the deployment", "no_room", 2},
		{"surpassed the configured limit of 0.00001M for the deployment", "no_room", 1},
	} {
		t.Run(tt.message, func(t *testing.T) {
			p := newPart(t)
			p.occupy()
			p.answers("POST batches", 429, `{"error":{"code":"token_limit_exceeded","message":"`+tt.message+`"}}`)
			if got := p.does("submit"); got != tt.says || p.state(0)["lines"] != float64(tt.lines) || p.step.Wait != 0 {
				t.Errorf("the task says %s and remembers %v", got, p.state(0))
			}
			if got := p.does("submit"); got != "submitted" {
				t.Errorf("again, the task says %s", got)
			}
			p.azure.Reset()
			p.walk(p.step.Job, 1)
			p.summary()
			p.checkNumbers(t, "results/n.jsonl", partLines)
		})
	}
}

// Each line has as many tries as the job's settings say, and those in which it was not sent are none.
func TestTriesOfACutPart(t *testing.T) {
	for _, tries := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(tries), func(t *testing.T) {
			w := newWorld(t)
			w.quotaOf(1, "East US 2")
			const lines = 500
			w.fault(azureopenai.FaultRule{Fault: "fail-lines;percent=60", Method: "POST", Path: "/batches", Count: -1})
			w.Put("inbox/n.jsonl", manyLines(lines, "gpt-4o-mini"), "tries", fmt.Sprint(tries))
			sum := w.run(w.event("inbox/n.jsonl"))
			executed := 0
			for n := range lines {
				body := fmt.Sprintf(`{"model":"gpt-4o-mini-batch","messages":[{"role":"user","content":"Say number%d"}]}`, n+1)
				times, succeeded := w.azure.ExecutionsOf([]byte(body))
				if executed += times; times > tries || times < tries && succeeded == 0 || succeeded > 1 {
					t.Errorf("line %d was executed %d times, and succeeded %d times", n+1, times, succeeded)
				}
			}
			if executed < lines || sum.Lines.Total != lines || tries > 1 && sum.TriedAgain.Lines < lines/3 || tries == 1 && sum.TriedAgain.Lines > 0 {
				t.Errorf("%d executions, and the summary is %+v", executed, sum)
			}
		})
	}
}

// A part of responses that Azure refuses for its endpoint is sent once more with another one, and its lines as they are.
func TestResponsesEndpoint(t *testing.T) {
	refused := `{"error":{"code":"invalidPayload","message":"Invalid value for endpoint."}}`
	for _, tt := range []struct {
		name  string
		fault string
		times int
		says  string
	}{
		{"by the create", "", 1, "number1"},
		{"by the batch", "fail;code=url_mismatch", 1, "number1"},
		{"both, by the create", "", 2, "error invalidPayload"},
		{"both, by the batch", "fail;code=url_mismatch", 2, "error url_mismatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var endpoints []string
			w.asked = func(r *http.Request) {
				if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/batches") {
					return
				}
				raw, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(raw)))
				_, endpoint, _ := strings.Cut(string(raw), `"endpoint":"`)
				endpoint, _, _ = strings.Cut(endpoint, `"`)
				endpoints = append(endpoints, endpoint)
				if tt.fault == "" && len(endpoints) <= tt.times {
					w.azure.QueueAnswer(azureopenai.Answer{Path: "/batches", Status: 400, Body: refused})
				}
			}
			if tt.fault != "" {
				w.fault(azureopenai.FaultRule{Fault: tt.fault, Method: "POST", Path: "/batches", Count: tt.times})
			}
			w.Put("inbox/n.jsonl", `{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"gpt-4o-mini","input":"Say number1"}}`, "tries", "1")
			a := w.plan(w.event("inbox/n.jsonl"), "execution-1")
			step := object{"job": a.Job, "part": 1}
			if tt.fault == "" && tt.times > 1 {
				patiently[job.Step](w, "submit", object{"task": "submit", "step": step})
				_, err := task[job.Step](w, "submit", object{"task": "submit", "step": step})
				f, _ := err.(*failure)
				if f == nil || !strings.Contains(f.body, "Invalid value for endpoint") {
					t.Fatalf("got %v", err)
				}
				step["failure"] = object{"Error": "InvalidRequest", "Cause": fmt.Sprintf(`{"errorMessage":%q}`, f.body)}
				patiently[job.Step](w, "give-up", object{"task": "give-up", "step": step})
			} else {
				w.walk(a.Job, 1)
			}
			patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": a}})
			raw, _ := w.Get("results/n.jsonl")
			if got := w.results("results/n.jsonl")[0]; got.says() != tt.says && !strings.Contains(raw, `"text":"`+tt.says+`"`) {
				t.Errorf("the line says %s", raw)
			}
			if got := strings.Join(endpoints, " "); got != "/v1/responses /chat/completions" {
				t.Errorf("the batches' endpoints are %s", got)
			}
		})
	}
}
