package stack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

// respondWith is the body of a response, which may go on from another.
func respondWith(model, previous string) string {
	if previous == "" {
		return fmt.Sprintf(`{"model":%q,"input":"Say hello"}`, model)
	}
	return fmt.Sprintf(`{"model":%q,"input":"Say hello","previous_response_id":%q}`, model, previous)
}

func responseID(t *testing.T, status int, body string) string {
	t.Helper()
	var r struct{ ID string }
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != http.StatusOK || r.ID == "" {
		t.Fatalf("%d %s", status, body)
	}
	return r.ID
}

// TestConversationsOfTwoResources has turns of a conversation meet the resource that does not have it.
func TestConversationsOfTwoResources(t *testing.T) {
	t.Parallel()
	p, s, _ := startPair(t, 4)
	const path = "/v1/responses"
	limited := func(ms string) azureopenai.Answer {
		return azureopenai.Answer{Status: 429, Body: `{"error":{"code":"429","message":"m"}}`, Headers: map[string]string{"Retry-After-Ms": ms, "Retry-After": "1"}}
	}
	// unseen makes a response in one of the resources, of which the functions do not learn.
	unseen := func(server *azureopenai.Server, deployment string) string {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/openai/v1/responses", strings.NewReader(respondWith(deployment, "")))
		r.Header = http.Header{"Api-Key": {"k"}, "Content-Type": {"application/json"}}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return responseID(t, w.Code, w.Body.String())
	}
	for range 50 { // so that the two have no id in common
		r := httptest.NewRequest(http.MethodPost, "/openai/v1/chat/completions", strings.NewReader(strings.Replace(hello, "gpt-4o-mini", "d0", 1)))
		r.Header = http.Header{"Api-Key": {"k"}, "Content-Type": {"application/json"}}
		p.second.ServeHTTP(httptest.NewRecorder(), r)
	}
	ask := func(body string, want, first, second int) (answer string) {
		t.Helper()
		p.first.Reset()
		p.second.Reset()
		status, answer := call{path: path, body: body}.answer(t, s)
		if a, b := len(p.first.Requests()), len(p.second.Requests()); status != want || a != first || b != second {
			t.Errorf("%d after %d and %d calls, want %d after %d and %d: %s", status, a, b, want, first, second, answer)
		}
		return answer
	}

	// The first has it, and rests for a moment.
	id := responseID(t, 200, ask(respondWith("m0", ""), 200, 1, 0))
	p.first.Reset()
	p.first.QueueAnswer(limited("300"))
	_, _ = call{path: path, body: respondWith("m0", "")}.answer(t, s)
	ask(respondWith("m0", id), 200, 1, 0)

	// The same, where nothing is known of it: what the second says costs nothing.
	id = unseen(p.first, "d1")
	p.first.Reset()
	p.first.QueueAnswer(limited("1500"))
	_, _ = call{path: path, body: respondWith("m1", "")}.answer(t, s)
	ask(respondWith("m1", id), 200, 1, 1)

	// The second has it.
	id = unseen(p.second, "d2")
	ask(respondWith("m2", id), 200, 1, 1)
	ask(respondWith("m2", id), 200, 0, 1) // as the function knows by now

	// It has rested for long.
	id = unseen(p.first, "d3")
	p.first.Reset()
	p.first.QueueAnswer(limited("60000"))
	_, _ = call{path: path, body: respondWith("m3", "")}.answer(t, s)
	r := call{path: path, body: respondWith("m3", id)}.do(t, s)
	if body := mustText(t, r); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" || decodeError(t, body).code() != "rate_limit_exceeded" {
		t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
	}
	ask(respondWith("m3", "resp_nowhere"), 429, 0, 1)
	ask(respondWith("m2", "resp_nowhere"), 400, 1, 1)
}

// TestResponsesOfOtherModels has a key that is bound to a model name responses of another.
func TestResponsesOfOtherModels(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	addLimitedCaller(s)
	bound := map[string]string{"Authorization": "Bearer " + limitedKey}
	made := map[string]string{}
	for _, model := range []string{"gpt-4o", "gpt-4o-mini"} {
		status, body := call{path: "/v1/responses", body: strings.Replace(respondWith(model, ""), "{", `{"background":true,`, 1)}.answer(t, s)
		made[model] = responseID(t, status, body)
	}
	for model, id := range made {
		for _, c := range []call{
			{method: "GET", path: "/v1/responses/" + id},
			{method: "GET", path: "/openai/v1/responses/" + id},
			{method: "GET", path: "/openai/responses/" + id + "?api-version=2025-04-01-preview"},
			{method: "GET", path: "/v1/responses/" + id + "/input_items"},
			{path: "/v1/responses/" + id + "/cancel"},
			{path: "/v1/responses", body: respondWith("gpt-4o", id)},
			{path: "/v1/responses", body: strings.Replace(respondWith("gpt-4o", id), "{", `{"stream":true,`, 1)},
			{method: "DELETE", path: "/v1/responses/" + id},
		} {
			c.header = bound
			r := c.do(t, s)
			body := mustText(t, r)
			if model == "gpt-4o" {
				if r.StatusCode != 200 {
					t.Errorf("its own: %s %s: %d %s", c.method, c.path, r.StatusCode, body)
				}
				continue
			}
			if r.StatusCode != 404 || !strings.Contains(decodeError(t, body).Message, "ALLOW=state") {
				t.Errorf("%s %s: %d %s", c.method, c.path, r.StatusCode, body)
			}
		}
	}
	if status, body := (call{method: "GET", path: "/v1/responses/" + made["gpt-4o-mini"]}).answer(t, s); status != 200 {
		t.Errorf("it is no longer there: %d %s", status, body)
	}
}
