package azure_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/rawjson"
)

// respond is a call of the responses API that goes on from some state.
func respond(state ...string) *azure.Call {
	members := `"input":"Say hello"`
	if len(state) > 0 && strings.HasPrefix(state[len(state)-1], "resp_") {
		members += fmt.Sprintf(`,"previous_response_id":%q`, state[len(state)-1])
	}
	call := post("responses", "gpt-4o", members)
	call.State = state
	return call
}

// made makes a response in one resource, past every Client, and returns its id.
func made(t *testing.T, e *azureopenai.Server) string {
	t.Helper()
	server := httptest.NewServer(e)
	defer server.Close()
	s := open(t, single(server.URL, "k"))
	r := s.do(t.Context(), respond(), false)
	r.ok(t)
	e.Reset()
	return idOf(t, r)
}

func idOf(t *testing.T, r result) string {
	t.Helper()
	var answer struct{ ID string }
	mustDecode(t, r.Body.Bytes(), &answer)
	if answer.ID == "" {
		t.Fatalf("no id in %s", r.Body)
	}
	return answer.ID
}

// several starts emulators that all serve gpt-4o, in their order of preference.
func several(t *testing.T, n int, edit ...func(*azure.Options)) ([]*azureopenai.Server, *stage) {
	t.Helper()
	servers, resources := make([]*azureopenai.Server, n), make([]string, n)
	for i := range servers {
		server, url := emulator(t, azureopenai.Options{})
		servers[i] = server
		resources[i] = fmt.Sprintf(`{"name":"r%d","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"}]}`, i+1, url)
	}
	return servers, open(t, `{"resources":[`+strings.Join(resources, ",")+`]}`, edit...)
}

// rest has the first resources ask to be left alone for so many seconds each; "" is next to nothing.
func (s *stage) rest(t *testing.T, servers []*azureopenai.Server, seconds ...string) {
	t.Helper()
	for i, after := range seconds {
		if after != "" {
			servers[i].QueueAnswer(limited(429, after))
		} else {
			servers[i].QueueAnswer(limited(429, "0.001"))
		}
	}
	s.do(t.Context(), chat("hi"), false)
	s.advance(2 * time.Millisecond)
	s.naps()
	for _, e := range servers {
		e.Reset()
	}
}

// TestFollowUp is about a response that one of three resources has. A cell of rests is what a resource has said to a
// call before, a Retry-After in seconds; one of asked is how often the follow-up asks it.
func TestFollowUp(t *testing.T) {
	tests := []struct {
		name   string
		at     int // where the response is; 0 is nowhere
		rests  []string
		status int // 0: an answer
		after  string
		nap    time.Duration
		asked  []int
	}{
		{name: "in the first", at: 1, asked: []int{1, 0, 0}},
		{name: "in the second", at: 2, asked: []int{1, 1, 0}},
		{name: "in the last", at: 3, asked: []int{1, 1, 1}},
		{name: "nowhere", status: 400, asked: []int{1, 1, 1}},
		{name: "the first rests for a moment", at: 1, rests: []string{"1"}, nap: time.Second, asked: []int{1, 1, 1}},
		{name: "the first rests for long", at: 1, rests: []string{"30"}, status: 429, after: "30", asked: []int{0, 1, 1}},
		{name: "another rests for long", at: 2, rests: []string{"30"}, asked: []int{0, 1, 0}},
		{name: "two rest for long", at: 1, rests: []string{"30", "20"}, status: 429, after: "20", asked: []int{0, 0, 1}},
		{name: "two rest, the second for a moment", at: 2, rests: []string{"30", "2"}, nap: 2 * time.Second, asked: []int{0, 1, 1}},
		{name: "two rest, and the one for a moment does not have it", at: 1, rests: []string{"30", "2"}, status: 429, after: "28", nap: 2 * time.Second, asked: []int{0, 1, 1}},
		{name: "two rest for a moment", at: 2, rests: []string{"1", "2"}, nap: 2 * time.Second, asked: []int{1, 1, 1}},
		{name: "nowhere, and one rests for a moment", rests: []string{"1"}, status: 400, nap: time.Second, asked: []int{1, 1, 1}},
		{name: "nowhere, and one rests for long", rests: []string{"", "30"}, status: 429, after: "30", asked: []int{1, 0, 1}},
	}
	for _, retries := range []int{0, 2} { // what a "not found" leads to is no retry
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, %d retries", tt.name, retries), func(t *testing.T) {
				servers, s := several(t, 3)
				id := "resp_" + strings.Repeat("0", 48)
				if tt.at > 0 {
					id = made(t, servers[tt.at-1])
				}
				if len(tt.rests) > 0 {
					s.rest(t, servers, tt.rests...)
				}
				r := s.do(t.Context(), respond(id), false)
				var got []int
				for _, e := range servers {
					got = append(got, upstreamRequests(e))
				}
				naps := s.naps()
				var slept time.Duration
				for _, nap := range naps {
					slept += nap
				}
				if status := max(200, tt.status); r.Code != status || !slices.Equal(got, tt.asked) || slept.Round(100*time.Millisecond) != tt.nap {
					t.Errorf("got %d %s, asked %v, slept %v", r.Code, r.Body, got, naps)
				}
				if r.Header().Get("Retry-After") != tt.after || r.Header().Get("X-Should-Retry") != "" {
					t.Errorf("header %v", r.Header())
				}
				if tt.status == 429 && (strings.Contains(r.Body.String(), id) || !strings.Contains(r.Body.String(), `"type":"rate_limit_error"`)) {
					t.Errorf("body %s", r.Body)
				}
			})
		}
	}
}

// TestNotFound is about the errors that have another resource be asked, and those that do not: these decide.
func TestNotFound(t *testing.T) {
	const id, sealed = "rs_0123456789abcdef", "gAAAAABnotreal"
	tests := []struct {
		name  string
		reply reply
		moves bool
	}{
		{"a response by its code", failure(400, "previous_response_not_found", "m"), true},
		{"as a 404", failure(404, "previous_response_not_found", "m"), true},
		{"in another case", failure(400, "Previous_Response_Not_Found", "m"), true},
		{"an encrypted item by its code", failure(400, "invalid_encrypted_content", "The encrypted content gAAA...real could not be verified."), true},
		{"an item by its id", failure(404, "", "Item with id '"+id+"' not found. Items are not persisted when `store` is set to false."), true},
		{"as a 400", failure(400, "", "Item with id '"+id+"' not found."), true},
		{"in other words", failure(404, "404", "Could not find "+id+"."), true},
		{"in others", failure(404, "not_found", "The item "+id+" does not exist."), true},
		{"in others still", failure(404, "", "No item found with id "+id), true},
		{"of another form", reply{Status: 404, Body: `{"statusCode":404,"message":"` + id + ` was Not Found"}`}, true},
		{"of no form", reply{Status: 404, Body: id + " not found"}, true},
		{"the content filter", failure(400, "content_filter", "The response was filtered."), false},
		{"the content filter, which quotes an id", failure(400, "content_filter", "The response was filtered: "+id), false},
		{"an id that the call did not name", failure(404, "", "Item with id 'rs_other' not found."), false},
		{"a parameter", failure(400, "unknown_parameter", "Unknown parameter: 'x'."), false},
		{"a parameter that names the id", failure(400, "invalid_value", "Invalid value: '"+id+"'."), false},
		{"a path", failure(404, "404", "Resource not found"), false},
		{"the words with another status", failure(422, "", "Item with id '"+id+"' not found."), false},
		{"a conflict", failure(409, "previous_response_not_found", "m"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			servers, s := several(t, 2)
			servers[0].QueueAnswer(tt.reply)
			r := s.do(t.Context(), respond(sealed, id), false)
			if tt.moves {
				r.ok(t)
			} else if r.Code != tt.reply.Status {
				t.Errorf("got %d %s", r.Code, r.Body)
			}
			if a, b := upstreamRequests(servers[0]), upstreamRequests(servers[1]); a != 1 || (b == 1) != tt.moves {
				t.Errorf("asked %d and %d times", a, b)
			}

			// What goes on from nothing is told what Azure says.
			servers, s = several(t, 2)
			servers[0].QueueAnswer(tt.reply)
			if r := s.do(t.Context(), respond(), false); r.Code != tt.reply.Status || upstreamRequests(servers[1]) != 0 {
				t.Errorf("without state: got %d %s", r.Code, r.Body)
			}
		})
	}
}

// TestOtherErrorsOfFollowUps is about what comes beside a "not found".
func TestOtherErrorsOfFollowUps(t *testing.T) {
	missing := failure(400, "previous_response_not_found", "m")
	tests := []struct {
		name    string
		replies [3][]reply
		status  int
		code    string
		asked   [3]int
		final   bool
	}{
		{"busy, then not found", [3][]reply{{limited(429, "1")}, {missing}, {missing}}, 200, "", [3]int{2, 0, 0}, false},
		{"busy, then not found after all", [3][]reply{{limited(429, "1"), missing}, {missing}}, 200, "", [3]int{2, 1, 1}, false},
		{"busy, then nowhere", [3][]reply{{limited(429, "1"), missing}, {missing}, {missing}}, 400, "previous_response_not_found", [3]int{2, 1, 1}, false},
		{"unable, then nowhere", [3][]reply{{limited(503, "1"), missing}, {missing}, {missing}}, 400, "previous_response_not_found", [3]int{2, 1, 1}, false},
		{"busy for long, then not found", [3][]reply{{limited(429, "30")}, {missing}, {missing}}, 429, "429", [3]int{1, 0, 0}, false},
		{"not found, and busy for long", [3][]reply{{missing}, {limited(429, "30")}, {missing}}, 429, "429", [3]int{1, 1, 0}, false},
		{"unable, then not found", [3][]reply{{limited(503, "1")}, {missing}, {missing}}, 200, "", [3]int{2, 1, 1}, false},
		{"failed, then not found", [3][]reply{{failure(500, "x", "m")}, {missing}, {missing}}, 500, "x", [3]int{1, 1, 1}, true},
		{"not found, then failed", [3][]reply{{missing}, {failure(500, "x", "m")}, {missing}}, 500, "x", [3]int{1, 1, 1}, true},
		{"refused, then not found", [3][]reply{{wrongKey}, {missing}, {missing}}, 502, "401", [3]int{1, 1, 1}, true},
		{"not found, then at fault", [3][]reply{{missing}, {failure(400, "x", "m")}}, 400, "x", [3]int{1, 1, 0}, false},
		{"not found, then without the deployment", [3][]reply{{missing}, {failure(404, "DeploymentNotFound", "m")}, {missing}}, 400, "previous_response_not_found", [3]int{1, 1, 1}, false},
		{"not found, then too late", [3][]reply{{missing}, {failure(408, "x", "m")}}, 408, "x", [3]int{1, 1, 0}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			servers, s := several(t, 3)
			var got [3]int
			for i, replies := range tt.replies {
				queue(servers[i], replies...)
			}
			call := respond()
			call.State = []string{"resp_x"}
			r := s.do(t.Context(), call, false)
			for i, e := range servers {
				got[i] = upstreamRequests(e)
			}
			if r.Code != tt.status || got != tt.asked || (r.Header().Get("X-Should-Retry") == "false") != tt.final {
				t.Errorf("got %d %s, asked %v, header %v", r.Code, r.Body, got, r.Header())
			}
			if tt.code != "" {
				r.refused(t, tt.status, tt.code)
			}
		})
	}
}

// TestMemory has an instance learn where a response is: from its answer, whole and streamed, and from a follow-up or a
// look-up that has succeeded.
func TestMemory(t *testing.T) {
	const second = "the second is asked at once"
	servers, s := several(t, 3)
	for i, e := range servers { // whose ids would be alike
		for range 50 * i {
			r := httptest.NewRequest(http.MethodPost, "/openai/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o",`+messages("hi")+`}`))
			r.Header = http.Header{"Api-Key": {"k"}, "Content-Type": {"application/json"}}
			e.ServeHTTP(httptest.NewRecorder(), r)
		}
		e.Reset()
	}
	// follow goes on from a response and returns the resources that were asked.
	follow := func(call *azure.Call) string {
		t.Helper()
		s.do(t.Context(), call, false).ok(t)
		resources := ""
		for i, e := range servers {
			resources += strings.Repeat(fmt.Sprint(i+1), upstreamRequests(e))
		}
		return resources
	}
	spill := func() { // the first has a call go to the second, and is free again at the next
		servers[0].QueueAnswer(limited(429, "0.001"))
	}
	after := func() { s.advance(time.Second) }

	spill()
	r := s.do(t.Context(), respond(), false)
	after()
	for _, e := range servers {
		e.Reset()
	}
	if got := follow(respond(idOf(t, r))); got != "2" {
		t.Errorf("whole: %s were asked, want that %s", got, second)
	}

	spill()
	call := post("responses", "gpt-4o", `"stream":true,"input":"Say hello"`)
	call.Stream = true
	r = s.do(t.Context(), call, false)
	after()
	r.ok(t)
	_, id, _ := strings.Cut(r.Body.String(), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	for _, e := range servers {
		e.Reset()
	}
	if got := follow(respond(id)); got != "2" {
		t.Errorf("streamed: %s were asked, want that %s", got, second)
	}

	id = made(t, servers[2])
	lookup := get("responses/" + id)
	lookup.State = []string{id}
	if got := follow(lookup); got != "123" {
		t.Errorf("a look-up of what nobody knows: %s were asked", got)
	}
	if got := follow(lookup); got != "3" {
		t.Errorf("the second look-up: %s were asked", got)
	}
	if got := follow(respond(id)); got != "3" {
		t.Errorf("a follow-up after a look-up: %s were asked", got)
	}

	id = made(t, servers[1])
	for i, want := range []string{"12", "2"} {
		if got := follow(respond(id)); got != want {
			t.Errorf("follow-up %d: %s were asked, want %s", i, got, want)
		}
	}

	// Encrypted items come with nothing but themselves.
	servers[0].QueueAnswer(failure(400, "invalid_encrypted_content", "m"))
	if got := follow(respond("one", "two")); got != "12" {
		t.Errorf("encrypted: %s were asked", got)
	}
	if got := follow(respond("one", "two", "three", "four")); got != "2" {
		t.Errorf("encrypted, one turn later: %s were asked", got)
	}
	if got := follow(respond()); got != "1" {
		t.Errorf("what goes on from nothing: %s were asked", got)
	}
}

// TestRememberedRests has the resource rest that is remembered for a response: the others need not be asked.
func TestRememberedRests(t *testing.T) {
	for _, tt := range []struct {
		after  string
		limit  time.Duration
		status int
		asked  int // the one that has it
	}{{"2", 0, 200, 1}, {"30", 0, 429, 0}, {"2", time.Second, 429, 0}} {
		servers, s := several(t, 3, func(o *azure.Options) { o.Env.RetryAfterCap = 2 * time.Second })
		id := made(t, servers[2])
		s.do(t.Context(), respond(id), false).ok(t)
		s.rest(t, servers, "", "", tt.after)
		call := respond(id)
		call.Limit = tt.limit
		r := s.do(t.Context(), call, false)
		if a, b, c := upstreamRequests(servers[0]), upstreamRequests(servers[1]), upstreamRequests(servers[2]); r.Code != tt.status || a != 0 || b != 0 || c != tt.asked {
			t.Errorf("%s: got %d %s, asked %d, %d and %d times", tt.after, r.Code, r.Body, a, b, c)
		}
		if tt.status == 429 && r.Header().Get("Retry-After") != tt.after {
			t.Errorf("header %v", r.Header())
		}
		s.do(t.Context(), respond(), false).ok(t)
		if upstreamRequests(servers[0]) != 1 {
			t.Error("what goes on from nothing is not answered by the first")
		}
	}

	// One resource is asked whether or not it rests, as by any other call.
	servers, s := several(t, 1)
	id := made(t, servers[0])
	s.do(t.Context(), respond(id), false).ok(t)
	s.rest(t, servers, "30")
	s.do(t.Context(), respond(id), false).ok(t)
}

// TestSameResource has another deployment of the resource go on.
func TestSameResource(t *testing.T) {
	first, firstURL := emulator(t, azureopenai.Options{Deployments: append(azureopenai.DefaultDeployments(), azureopenai.Deployment{Name: "spare", Model: "gpt-4o", Version: "2024-11-20", Type: "GlobalStandard"})})
	second, secondURL := emulator(t, azureopenai.Options{})
	s := open(t, fmt.Sprintf(`{"resources":[{"name":"first","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"}]},
		{"name":"other","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"},{"name":"spare","model":"gpt-4o"}]}]}`, secondURL, firstURL))
	id := made(t, first)
	s.do(t.Context(), respond(id), false).ok(t)
	if a, b := upstreamRequests(second), upstreamRequests(first); a != 1 || b != 1 {
		t.Fatalf("asked %d and %d times", a, b)
	}
	first.QueueAnswer(limited(429, "30"))
	s.do(t.Context(), respond(id), false).ok(t)
	requests := first.Requests()
	if len(requests) != 2 || requests[0].Deployment != "gpt-4o" || requests[1].Deployment != "spare" || len(second.Requests()) != 0 {
		t.Errorf("asked %v, and the other %d times", requests, len(second.Requests()))
	}
	first.Reset()

	// One deployment's "not found" is that of its resource.
	s = open(t, fmt.Sprintf(`{"resources":[{"name":"other","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"},{"name":"spare","model":"gpt-4o"}]}]}`, firstURL))
	r := s.do(t.Context(), respond("resp_"+strings.Repeat("0", 48)), false)
	r.refused(t, http.StatusBadRequest, "previous_response_not_found")
	if n := upstreamRequests(first); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestStateIn(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"nothing", `{"model":"gpt-4o","input":"resp_1"}`, ""},
		{"a response", `{"previous_response_id":"resp_1","input":"x"}`, "resp_1"},
		{"null", `{"previous_response_id":null,"conversation":null,"input":null}`, ""},
		{"a conversation", `{"conversation":"conv_1","input":"x"}`, "conv_1"},
		{"as an object", `{"conversation":{"id":"conv_1"},"input":"x"}`, "conv_1"},
		{"an encrypted item", `{"input":[{"type":"reasoning","id":"rs_1","encrypted_content":"gA\u0041"}]}`, "rs_1 gAA"},
		{"without an id", `{"input":[{"type":"reasoning","encrypted_content":"gAA"}]}`, "gAA"},
		{"a compaction", `{"input":[{"type":"compaction","encrypted_content":"gAA"}]}`, "gAA"},
		{"a reference", `{"input":[{"type":"item_reference","id":"msg_1"}]}`, "msg_1"},
		{"without a type", `{"input":[{"id":"msg_1"}]}`, "msg_1"},
		{"a reference with a role", `{"input":[{"type":"item_reference","id":"msg_1","role":"user"}]}`, "msg_1"},
		{"an item that is stored", `{"input":[{"type":"image_generation_call","id":"ig_1"}]}`, "ig_1"},
		{"whole items", `{"input":[{"id":"msg_1","type":"message","role":"assistant","content":[]},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","id":"fo_1","call_id":"c","output":""}]}`, ""},
		{"all", `{"previous_response_id":"resp_1","input":[{"type":"item_reference","id":"a"},"x",1,{"type":"item_reference","id":"b"}],"conversation":"conv_1"}`, "a b conv_1 resp_1"},
		{"not those of a tool", `{"input":[{"role":"user","content":[{"type":"item_reference","id":"a","encrypted_content":"b"}]}],"metadata":{"previous_response_id":"resp_1"}}`, ""},
		{"no input of that form", `{"input":{"x":{"type":"item_reference","id":"a"}}}`, ""},
		{"other types", `{"previous_response_id":1,"conversation":[{"id":"conv_1"}],"input":[{"type":"item_reference","id":["a"]}]}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, err := rawjson.ParseTree([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(azure.StateIn(body), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
