package batch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/config"
)

// addSecond adds a deployment of gpt-4.1, which is asked if the first one cannot answer.
func (w *world) addSecond(t *testing.T) {
	deployments := append(azureopenai.DefaultDeployments(), azureopenai.Deployment{Name: "second", Model: "gpt-4.1", Version: "2025-04-14", Type: "GlobalStandard"})
	w.azure = azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, Deployments: deployments})
	t.Cleanup(func() { _ = w.azure.Close() })
	w.secret(strings.Replace(w.azureSecret(), `{"name":"gpt-4o-batch"`, `{"name":"second","model":"gpt-4.1"},{"name":"gpt-4o-batch"`, 1))
}

// TestTriesOfALine has Azure fail for good: a line that may have been charged is called as often as it has tries, and
// not more often within one of them, although another deployment serves its model.
func TestTriesOfALine(t *testing.T) {
	for _, fault := range []string{"408", "500", "502", "503", "504", "close"} {
		for _, tries := range []int{1, 3} {
			t.Run(fmt.Sprint(fault, " ", tries), func(t *testing.T) {
				w := newWorld(t, func(env *config.Batch) { env.Tries = tries })
				w.addSecond(t)
				w.Put("inbox/a.jsonl", manyLines(1, "gpt-4.1"))
				w.fault(azureopenai.FaultRule{Fault: fault, Path: "chat/completions", Count: -1})
				sum := w.run(w.event("inbox/a.jsonl"))
				if calls := w.azure.Counts().Total; sum.Lines.Failed != 1 || calls != int64(tries) {
					t.Errorf("%d calls, want %d: %+v", calls, tries, sum.Lines)
				}
			})
		}
	}
}

// TestTiersOfLines has the first deployment run out of what is left over: a line of the flex tier is answered by the
// second, and the next one of another tier by the first.
func TestTiersOfLines(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.OnlineConcurrency = 1 })
	w.addSecond(t)
	lines := strings.SplitAfter(manyLines(2, "gpt-4.1"), "\n")
	flex := strings.Replace(lines[0], `"body":{`, `"body":{"service_tier":"flex",`, 1)
	if flex == lines[0] {
		t.Fatal("the line has another form")
	}
	w.Put("inbox/a.jsonl", flex+lines[1])
	w.fault(azureopenai.FaultRule{Fault: "429;retry-after=60", Path: "chat/completions", Count: 1})
	w.run(w.event("inbox/a.jsonl"))
	var asked []string
	for _, r := range w.azure.Requests() {
		if i := strings.Index(string(r.Body), `"model":"`); i >= 0 {
			name, _, _ := strings.Cut(string(r.Body)[i+len(`"model":"`):], `"`)
			asked = append(asked, name)
		}
	}
	if got := strings.Join(asked, " "); got != "gpt-4.1 second gpt-4.1" {
		t.Errorf("asked %s", got)
	}
}

// TestLinesThatGoOn has a line go on from a response that only the second of two resources has.
func TestLinesThatGoOn(t *testing.T) {
	w := newWorld(t)
	first := azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}})
	t.Cleanup(func() { _ = first.Close() })
	server := httptest.NewServer(first)
	t.Cleanup(server.Close)
	w.secret(strings.Replace(w.azureSecret(), `"resources":[`, `"resources":[{"name":"first","endpoint":"`+server.URL+`","api_key":"local","deployments":[{"model":"gpt-4.1"}]},`, 1))

	r := httptest.NewRequest(http.MethodPost, "/openai/v1/responses", strings.NewReader(`{"model":"gpt-4.1","input":"Say one"}`))
	r.Header = http.Header{"Api-Key": {"local"}, "Content-Type": {"application/json"}}
	made := httptest.NewRecorder()
	w.azure.ServeHTTP(made, r)
	_, id, _ := strings.Cut(made.Body.String(), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)

	w.Put("inbox/a.jsonl", `{"custom_id":"x","method":"POST","url":"/v1/responses","body":{"model":"gpt-4.1","input":"Say two","previous_response_id":"`+id+`"}}`)
	sum := w.run(w.event("inbox/a.jsonl"))
	if calls := first.Counts().Total; sum.Lines.Failed != 0 || calls != 1 {
		t.Errorf("the first is asked %d times: %+v", calls, sum.Lines)
	}
}
