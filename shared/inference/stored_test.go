package inference_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

// create has a model make a stored response, for a key that is not bound, and returns its id.
func (s *stage) create(t *testing.T, model, members string) (id string) {
	t.Helper()
	w, _ := s.ask(request("POST /v1/responses", fmt.Sprintf(`{"model":%q,"input":"Say canary"%s}`, model, members)))
	var answer struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.ID == "" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	s.azure.Reset()
	return answer.ID
}

// TestStoredResponses is about who reaches a stored response: "few" is bound to gpt-4o, whose deployment is named main,
// and to gpt-5.4-mini; "more" may also name what is stored.
func TestStoredResponses(t *testing.T) {
	operations := []struct{ name, line, body, param, code string }{
		{"retrieve", "GET /v1/responses/ID", "", "response_id", "not_found"},
		{"retrieve with a query", "GET /v1/responses/ID?include%5B%5D=file_search_call.results", "", "response_id", "not_found"},
		{"retrieve as a stream", "GET /v1/responses/ID?stream=true", "", "response_id", "not_found"},
		{"input items", "GET /v1/responses/ID/input_items?limit=5", "", "response_id", "not_found"},
		{"cancel", "POST /v1/responses/ID/cancel", "", "response_id", "not_found"},
		{"delete", "DELETE /v1/responses/ID", "", "response_id", "not_found"},
		{"go on", "POST /v1/responses", `{"model":"gpt-4o","input":"x","previous_response_id":"ID"}`, "previous_response_id", "previous_response_not_found"},
		{"go on in a stream", "POST /v1/responses", `{"model":"gpt-5.4-mini","input":"x","stream":true,"previous_response_id":"ID"}`, "previous_response_id", "previous_response_not_found"},
	}
	for _, op := range operations {
		for _, dated := range []bool{false, true} {
			for _, made := range []string{"gpt-4o", "main", "gpt-5.4-mini", "gpt-4o-mini", ""} {
				for _, caller := range []string{"any", "few", "more"} {
					t.Run(fmt.Sprintf("%s, dated %v, of %q, by %s", op.name, dated, made, caller), func(t *testing.T) {
						s := open(t, deployments)
						id := "resp_" + strings.Repeat("0", 48)
						if made != "" {
							id = s.create(t, made, `,"background":true`)
						}
						line := strings.ReplaceAll(op.line, "ID", id)
						if dated {
							line = strings.Replace(line, "/v1/", "/openai/", 1)
							line += map[bool]string{true: "&", false: "?"}[strings.Contains(line, "?")] + "api-version=2025-04-01-preview"
						}
						w, _ := s.ask(withKey(caller, request(line, strings.ReplaceAll(op.body, "ID", id))))
						asked := s.upstreamRequests()

						judged := caller == "few"
						if judged && (made == "gpt-4o-mini" || made == "") {
							checkError(t, w, 404, invalid, op.param, op.code, "ALLOW=state")
							if !strings.Contains(w.Body.String(), id) || len(asked) != 1 || asked[0].Method != "GET" || !strings.HasSuffix(asked[0].Path, "/responses/"+id) {
								t.Errorf("got %s, asked %v", w.Body, asked)
							}
							return
						}
						if made == "" {
							if w.Code != 404 && w.Code != 400 {
								t.Errorf("nobody has it: got %d %s", w.Code, w.Body)
							}
							return
						}
						want := 1
						if judged && op.name != "retrieve" && op.name != "retrieve with a query" {
							want = 2
						}
						if w.Code != 200 || len(asked) != want {
							t.Fatalf("got %d %s, asked %v", w.Code, w.Body, asked)
						}
						method, target, _ := strings.Cut(line, " ")
						path, query, _ := strings.Cut(target, "?")
						values, _ := url.ParseQuery(query)
						last := asked[want-1]
						if last.Method != method || !strings.HasSuffix(last.Path, path[strings.Index(path, "/responses"):]) || last.Query != values.Encode() {
							t.Errorf("asked %s %s?%s", last.Method, last.Path, last.Query)
						}
					})
				}
			}
		}
	}
}

// TestMadeBy is about the names that Azure gives the model that has made a response.
func TestMadeBy(t *testing.T) {
	tests := []struct {
		listed, made string
		may          bool
	}{
		{deployments, `"gpt-4o"`, true}, {deployments, `"gpt-4o-2024-11-20"`, true}, {deployments, `"main"`, true}, {deployments, `"gpt-5.4-mini-2025-04-16"`, true},
		{deployments, `"gpt-4o-mini"`, false}, {deployments, `"gpt-4o-mini-2024-07-18"`, false}, {deployments, `"gpt-4o-mini-batch"`, false},
		{deployments, `"gpt-4o-audio"`, false}, {deployments, `"gpt-4o-20"`, false}, {deployments, `"gpt-5"`, false}, {deployments, `""`, false},
		{deployments, `null`, false}, {deployments, `["gpt-4o"]`, false}, {deployments, `{"gpt-4o":1}`, false}, {deployments, ``, false},
		{``, `"gpt-4o"`, true}, {``, `"gpt-4o-2024-11-20"`, true}, {``, `"gpt-5.4-mini-0125"`, true}, {``, `"main"`, false}, {``, `"gpt-4o-mini"`, false},
		// A deployment that is named after another model than its own.
		{`,"deployments":[{"name":"gpt-4o","model":"gpt-5"},{"name":"x","model":"gpt-4o"}]`, `"gpt-4o"`, false},
		{`,"deployments":[{"name":"gpt-4o","model":"gpt-5"}]`, `"gpt-4o"`, true}, // the key is bound to that deployment
		{`,"deployments":[{"name":"gpt-5","model":"gpt-4o"}]`, `"gpt-5"`, true},
		{`,"deployments":[{"name":"gpt-5","model":"gpt-4o"},{"name":"y","model":"gpt-5"}]`, `"gpt-5"`, false}, // or is it y's
		{`,"deployments":[{"name":"gpt-5","model":"gpt-4o"},{"name":"y","model":"gpt-5"}]`, `"gpt-4o"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.listed+" "+tt.made, func(t *testing.T) {
			s := open(t, tt.listed)
			body := `{"id":"resp_1","object":"response"}`
			if tt.made != "" {
				body = `{"id":"resp_1","output":[{"model":"gpt-4o"}],"model":` + tt.made + `,"metadata":{"model":"gpt-4o"}}`
			}
			s.azure.QueueAnswer(azureopenai.Answer{Body: body})
			w, _ := s.ask(withKey("few", request("GET /v1/responses/resp_1", "")))
			if (w.Code == 200) != tt.may || tt.may && w.Body.String() != body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if !tt.may {
				checkError(t, w, 404, invalid, "response_id", "not_found", "resp_1")
			}
		})
	}
}

// TestMadeByAlias is about a key that is bound to a deployment by a name which is no model's.
func TestMadeByAlias(t *testing.T) {
	s := open(t, deployments)
	s.store.Put("callers", fmt.Sprintf(`{"callers":[{"name":"alias","sha256":"%x","models":["main"]}]}`, sha256.Sum256([]byte("alias"))))
	for made, may := range map[string]bool{"main": true, "gpt-4o": true, "gpt-4o-2024-11-20": true, "gpt-4o-mini": false, "gpt-5.4-mini": false} {
		s.azure.QueueAnswer(azureopenai.Answer{Body: fmt.Sprintf(`{"id":"x","model":%q}`, made)})
		if w, _ := s.ask(withKey("alias", request("GET /v1/responses/x", ""))); (w.Code == 200) != may {
			t.Errorf("%s: got %d %s", made, w.Code, w.Body)
		}
	}
}

// TestLookUpFails has Azure answer the look-up with an error, or with no response.
func TestLookUpFails(t *testing.T) {
	tests := []struct {
		name   string
		answer azureopenai.Answer
		status int
	}{
		{"busy", azureopenai.Answer{Status: 429, Headers: map[string]string{"Retry-After": "30"}, Body: `{"error":{"code":"429","message":"m"}}`}, 429},
		{"failed", azureopenai.Answer{Status: 500, Body: `{"error":{"code":"x","message":"m"}}`}, 500},
		{"not JSON", azureopenai.Answer{Body: `<html>"model":"gpt-4o"`}, 404},
		{"cut", azureopenai.Answer{Body: `{"id":"x","model`}, 502},
		{"a list", azureopenai.Answer{Body: `[{"model":"gpt-4o"}]`}, 404},
	}
	for _, tt := range tests {
		for _, line := range []string{"GET /v1/responses/resp_1", "DELETE /v1/responses/resp_1"} {
			t.Run(tt.name+" "+line, func(t *testing.T) {
				s := open(t, deployments)
				s.azure.QueueAnswer(tt.answer)
				w, _ := s.ask(withKey("few", request(line, "")))
				if asked := s.upstreamRequests(); w.Code != tt.status || len(asked) != 1 || asked[0].Method != "GET" {
					t.Errorf("got %d %s, asked %v", w.Code, w.Body, asked)
				}
				if tt.status == 429 && w.Header().Get("Retry-After") != "30" {
					t.Errorf("header %v", w.Header())
				}
			})
		}
	}
}

// TestLargeResponse has a bound key retrieve a response that is too large to be held.
func TestLargeResponse(t *testing.T) {
	s := open(t, deployments)
	for _, form := range []string{`{"id":"x","model":"gpt-4o","output":"%s"}`, `{"output":"%s","model":"gpt-4o"}`} {
		body := fmt.Sprintf(form, strings.Repeat("x", 3<<20))
		s.azure.QueueAnswer(azureopenai.Answer{Body: body})
		if w, _ := s.ask(withKey("few", request("GET /v1/responses/x", ""))); w.Code != 200 || w.Body.String() != body {
			t.Errorf("%.30s: got %d and %d bytes, want %d", form, w.Code, w.Body.Len(), len(body))
		}
	}
}

// TestHeadOfStored is about the header of a stored response alone.
func TestHeadOfStored(t *testing.T) {
	s := open(t, deployments)
	for model, status := range map[string]int{"gpt-4o": 200, "gpt-4o-mini": 404} {
		w, _ := s.ask(withKey("few", request("HEAD /v1/responses/"+s.create(t, model, ""), "")))
		if w.Code != status || w.Body.Len() != 0 {
			t.Errorf("%s: got %d %s", model, w.Code, w.Body)
		}
	}
}

// TestConversationIsRemembered has the second of two resources have a conversation: from then on it is asked at once.
func TestConversationIsRemembered(t *testing.T) {
	s := openTwoResources(t)
	missing := azureopenai.Answer{Status: 404, Body: `{"error":{"code":null,"message":"Conversation with id 'conv_1' not found."}}`}
	found := azureopenai.Answer{Body: `{"id":"conv_1","object":"conversation"}`}
	for i, answers := range [][]azureopenai.Answer{{missing, found}, {found}, {found}} {
		for _, answer := range answers {
			s.azure.QueueAnswer(answer)
		}
		line, body := "GET /v1/conversations/conv_1", ""
		if i == 2 {
			line, body = "POST /v1/conversations/conv_1/items", `{"items":[]}`
		}
		w, record := s.ask(request(line, body))
		if w.Code != 200 || record.Resource != "second" || record.Tries != len(answers) {
			t.Errorf("call %d: got %d %s from %s after %d tries", i, w.Code, w.Body, record.Resource, record.Tries)
		}
	}
}

// TestPreviousResponseIDs is about ids that cannot be a part of a path, and members that a reader might take for the id.
func TestPreviousResponseIDs(t *testing.T) {
	s := open(t, deployments)
	for _, id := range []string{"..", "../models", "a/b", "%2e%2e", "x\\n"} {
		w, _ := s.ask(withKey("few", request("POST /v1/responses", `{"model":"gpt-4o","input":"x","previous_response_id":"`+id+`"}`)))
		if asked := s.upstreamRequests(); w.Code != 404 || len(asked) != 0 {
			t.Errorf("%q: got %d %s, asked %v", id, w.Code, w.Body, asked)
		}
	}
	for _, members := range []string{
		`"previous_response_id":null,"previous_response_id":"resp_1"`, `"previous_response_id":"resp_1","previous_response_id":null`,
		`"Previous_Response_Id":"resp_1"`, `"previous_re\u0073ponse_id":null,"previous_response_id":"resp_1"`,
	} {
		w, _ := s.ask(withKey("few", request("POST /v1/responses", `{"model":"gpt-4o","input":"x",`+members+`}`)))
		if asked := s.upstreamRequests(); w.Code != 400 || len(asked) != 0 {
			t.Errorf("%s: got %d %s, asked %v", members, w.Code, w.Body, asked)
		}
	}
}

// TestNoOtherState goes over every operation of the package: a bound key names a response, a conversation and an item
// that another model has made, wherever the operation can name one. Nothing but the look-up of the response may reach Azure.
func TestNoOtherState(t *testing.T) {
	var patterns []string
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"((?:GET|POST|PUT|PATCH|DELETE) /[^" ]+)"`).FindAllStringSubmatch(string(source), -1) {
			patterns = append(patterns, match[1])
		}
	}
	if len(patterns) < 9 || !slices.Contains(patterns, "POST /responses") {
		t.Fatalf("found %v only", patterns)
	}
	for _, pattern := range patterns {
		for _, family := range []string{"/v1", "/openai/v1", "/openai"} {
			s := open(t, deployments)
			response := s.create(t, "gpt-4o-mini", "")
			for name, id := range map[string]string{"response": response, "conversation": "conv_1"} {
				line := strings.NewReplacer(" /", " "+family+"/", "{id}", id, "{item}", "msg_1", "{model}", "gpt-4o").Replace(pattern)
				if family == "/openai" {
					line += "?api-version=2025-04-01-preview"
				}
				inPath := strings.Contains(pattern, "{id}")
				states := []string{""}
				if strings.HasPrefix(pattern, "POST") {
					states = append(states, `"previous_response_id":"`+id+`"`, `"conversation":"`+id+`"`, `"conversation":{"id":"`+id+`"}`,
						`"input":[{"type":"item_reference","id":"`+id+`"}]`, `"input":[{"id":"`+id+`"}]`, `"items":[{"type":"message","role":"user","content":[{"type":"input_file","file_id":"`+id+`"}]}]`)
				}
				for _, state := range states {
					t.Run(line+" "+name+" "+state, func(t *testing.T) {
						body := ""
						if strings.HasPrefix(pattern, "POST") && !strings.HasSuffix(pattern, "/cancel") {
							body = `{"model":"gpt-4o",` + hello
							if !strings.Contains(state, `"input"`) {
								body += `,"input":"x"`
							}
							if state != "" {
								body += "," + state
							}
							body += "}"
						}
						w, _ := s.ask(withKey("few", request(line, body)))
						for _, asked := range s.upstreamRequests() {
							isLookUp := asked.Method == "GET" && strings.HasSuffix(asked.Path, "/responses/"+id)
							if !isLookUp && (strings.Contains(asked.Path, id) || strings.Contains(string(asked.Body), id)) && !isPlainMember(pattern, state) {
								t.Errorf("Azure was asked %s %s %s", asked.Method, asked.Path, asked.Body)
							}
						}
						if inPath && w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "canary") {
							t.Errorf("got %d %s", w.Code, w.Body)
						}
					})
				}
			}
			if w, _ := s.ask(request("GET /v1/responses/"+response, "")); w.Code != 200 || !strings.Contains(w.Body.String(), "canary") {
				t.Fatalf("after %s: the response is %d %s", pattern, w.Code, w.Body)
			}
		}
	}
}

// isPlainMember reports whether a member means nothing to an operation: Azure knows previous_response_id in the
// responses API only.
func isPlainMember(pattern, state string) bool {
	return strings.HasPrefix(state, `"previous_response_id"`) && !strings.HasPrefix(pattern, "POST /responses")
}
