package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
)

// anyModel is a secret that passes every model name on as a deployment's.
func (w *world) anyModel() { w.secret(`{"endpoint":"` + w.url + `","api_key":"local"}`) }

// Names without end: those that no deployment has are errors of their lines, those that may have one end the job
// before anything is sent.
func TestReportOfManyNames(t *testing.T) {
	const lines = 1001
	var file strings.Builder
	for i := range lines {
		fmt.Fprintf(&file, `{"method":"POST","url":"/v1/responses","body":{"model":"m-%d","input":"a"}}`+"\n", i)
	}
	for _, tt := range []struct {
		name, status, code string
		any                bool
		rejected           int
	}{{"of no deployment", "failed", "no_valid_line", false, lines}, {"of any deployment", "failed", "too_many_models", true, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.any {
				w.anyModel()
			}
			w.asked = func(r *http.Request) { t.Errorf("Azure was asked: %s %s", r.Method, r.URL) }
			w.Put("inbox/n.jsonl", file.String())
			sum := w.run(w.event("inbox/n.jsonl"))
			code := ""
			if sum.Failure != nil {
				code = sum.Failure.Code
			}
			if sum.Status != tt.status || code != tt.code || sum.Lines.Invalid != tt.rejected {
				t.Errorf("the summary is %+v, %+v", sum, sum.Failure)
			}
		})
	}
}

// Lines of more groups than are open at once are all answered, in order.
func TestManyGroupsAreAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const groups = 12
	w.maxOpen = 10
	w.restart()
	var there []azureopenai.Deployment
	for g := range groups {
		there = append(there, azureopenai.Deployment{Name: fmt.Sprintf("d%d", g), Model: "gpt-4o-mini", Version: "2024-07-18", Type: "GlobalBatch"})
	}
	w.azure = azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, Deployments: there, DisableRecording: true})
	t.Cleanup(func() { _ = w.azure.Close() })
	w.anyModel()
	var file strings.Builder
	for i := range 2 * groups {
		file.WriteString(chat(fmt.Sprintf("id-%d", i+1), fmt.Sprintf("d%d", i%groups), fmt.Sprintf("number%d", i+1)) + "\n")
	}
	w.Put("inbox/n.jsonl", file.String())
	sum := w.run(w.event("inbox/n.jsonl"))
	w.checkNumbers(t, "results/n.jsonl", 2*groups)
	if sum.Parts != groups || sum.Lines.Succeeded != 2*groups {
		t.Errorf("the summary is %+v", sum)
	}
}

// A report of many lists that all reach from the first line to the last downloads some of them at a time, and has
// every line in its place.
func TestReportOfManyLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lists, each = 235, 4
	plan := job.Plan{Done: true, Lines: lists * each}
	pad := strings.Repeat("x", 18<<10) // a list is larger than what is read of it at once
	put := func(key, content string) { w.Put("jobs/job_1/"+key, content) }
	for i := range lists {
		plan.Parts = append(plan.Parts, job.Part{Number: i + 1, Mode: jsonl.Online, Lines: each, First: i + 1, Last: i + 1 + (each-1)*lists})
		var results strings.Builder
		for n := range each {
			number := i + 1 + n*lists
			fmt.Fprintf(&results, "%d\t+{\"custom_id\":\"id-%d\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[{\"message\":{\"content\":\"number%d\"}}],\"pad\":%q}},\"error\":null}\n", number, number, number, pad)
		}
		dir := fmt.Sprintf("parts/%05d/try-00/", i+1)
		put(dir+"results.jsonl", results.String())
		put(dir+"tried.json", fmt.Sprintf(`{"mode":"online","lines":%d,"succeeded":%d}`, each, each))
	}
	raw, _ := json.Marshal(plan)
	put("plan.json", string(raw))
	put("job.json", `{"job":"job_1","origin":"drop","bucket":"`+bucket+`","key":"inbox/n.jsonl","results":"results/n.jsonl","summary":"results/n.summary.json"}`)

	var open, most atomic.Int64
	w.Config.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		return &counted{c, &open}, err
	}}}
	w.restart()
	sum := patiently[job.Summary](w, "report", object{"task": "report", "state": object{"plan": object{"job": "job_1"}}})
	w.checkNumbers(t, "results/n.jsonl", lists*each)
	if sum.Lines.Succeeded != lists*each {
		t.Errorf("the summary is %+v", sum)
	}
	if n := most.Load(); n < 150 || n > 230 {
		t.Errorf("%d connections were open at once, want about 200", n)
	}
}

type counted struct {
	net.Conn
	open *atomic.Int64
}

func (c *counted) Close() error {
	c.open.Add(-1)
	return c.Conn.Close()
}
