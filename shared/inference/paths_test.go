package inference_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

// TestDatesOnV1 is about clients that add an api-version to every URL.
func TestDatesOnV1(t *testing.T) {
	s := open(t, deployments)
	const body = `{"model":"gpt-4o",` + hello + `}`
	tests := []struct{ line, want string }{
		{"POST /v1/chat/completions?api-version=2024-05-01-preview", ""},
		{"POST /openai/v1/chat/completions?api-version=2024-10-21", ""},
		{"POST /v1/chat/completions?api-version=2025-01-01&x=1", "x=1"},
		{"POST /v1/chat/completions?api-version=preview", "api-version=preview"},
		{"POST /openai/v1/chat/completions?api-version=latest", "api-version=latest"},
		{"POST /v1/chat/completions?api-version=v1", "api-version=v1"},
		{"POST /v1/chat/completions?api-version=2024-10-21&api-version=preview", "api-version=preview"},
		{"POST /openai/deployments/main/chat/completions?api-version=2024-10-21", "api-version=2024-10-21"},
	}
	for _, tt := range tests {
		w, _ := s.ask(request(tt.line, body))
		if asked := s.upstreamRequests(); w.Code != 200 || len(asked) != 1 || asked[0].Query != tt.want {
			t.Errorf("%s: got %d %s; Azure was asked %+v", tt.line, w.Code, w.Body, asked)
		}
	}
}

// TestHead is about monitors and clients that ask for a header only. Azure knows no HEAD.
func TestHead(t *testing.T) {
	for name, secret := range map[string]string{"an open resource": "", "listed deployments": deployments} {
		s := open(t, secret)
		w, _ := s.ask(request("POST /v1/responses", `{"model":"gpt-4o","input":"x"}`))
		var stored struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &stored); err != nil || stored.ID == "" {
			t.Fatal(w.Body)
		}
		for _, path := range []string{"/v1/models", "/v1/models/gpt-4o", "/openai/models?api-version=2024-10-21", "/v1/responses/" + stored.ID} {
			w, _ := s.ask(request("HEAD "+path, ""))
			get, _ := s.ask(request("GET "+path, ""))
			if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != get.Header().Get("Content-Length") {
				t.Errorf("%s: HEAD %s: got %d %v %q", name, path, w.Code, w.Header(), w.Body)
			}
		}
		for path, want := range map[string]int{"/v1/responses/resp_none": 404, "/v1/chat/completions": 405, "/v1/nothing": 404} {
			if w, _ := s.ask(request("HEAD "+path, "")); w.Code != want {
				t.Errorf("%s: HEAD %s: got %d", name, path, w.Code)
			}
		}
	}
}

// TestWebSocket is about clients that try one first.
func TestWebSocket(t *testing.T) {
	s := open(t, deployments)
	upgrade := func(r *http.Request) { r.Header.Set("Upgrade", "WebSocket"); r.Header.Set("Connection", "Upgrade") }
	handshake := func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }
	tests := []struct {
		name, line string
		edit       func(*http.Request)
		status     int
		code       string
	}{
		{"Upgrade", "GET /v1/responses", upgrade, 426, "websocket_not_supported"},
		{"behind a gateway that takes Upgrade away", "GET /v1/responses", handshake, 426, "websocket_not_supported"},
		{"Azure's path", "GET /openai/responses?api-version=2025-04-01-preview", upgrade, 426, "websocket_not_supported"},
		{"for a chat", "GET /v1/chat/completions", upgrade, 426, "websocket_not_supported"},
		{"no WebSocket", "GET /v1/responses", func(*http.Request) {}, 405, "method_not_allowed"},
		{"another protocol", "GET /v1/responses", func(r *http.Request) { r.Header.Set("Upgrade", "h2c") }, 405, "method_not_allowed"},
		{"realtime", "GET /v1/realtime?model=gpt-realtime", upgrade, 404, "not_served"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.line, "")
			tt.edit(r)
			w, record := s.ask(r)
			checkError(t, w, tt.status, invalid, "", tt.code, "")
			if upgrade := w.Header().Get("Upgrade"); (upgrade != "") != (tt.status == 426) || record.Code != tt.code || len(s.upstreamRequests()) != 0 {
				t.Errorf("Upgrade %q, in the log %q", upgrade, record.Code)
			}
		})
	}
}

// TestNotServed is about OpenAI's other operations.
func TestNotServed(t *testing.T) {
	s := open(t, deployments)
	for line, code := range map[string]string{
		"POST /v1/images/generations":         "not_served",
		"POST /v1/audio/speech":               "not_served",
		"POST /v1/completions":                "not_served",
		"GET /openai/v1/vector_stores/vs_1":   "not_served",
		"POST /v1/fine_tuning/jobs":           "not_served",
		"GET /v1/chat/completions/chatcmpl-1": "not_served",
		"POST /openai/deployments/main/images/generations?api-version=2024-10-21": "not_served",
		"GET /v1/assistants":          "not_served",
		"POST /v1/image/generations":  "unknown_url",
		"POST /v1/responses/a/b":      "unknown_url",
		"POST /v1/completions/":       "unknown_url",
		"POST /v2/images/generations": "unknown_url",
	} {
		w, _ := s.ask(request(line, ""))
		message := map[string]string{"not_served": "embeddings, models, files", "unknown_url": "typos"}[code]
		checkError(t, w, 404, invalid, "", code, message)
		if t.Failed() {
			t.Fatal(line)
		}
	}
}

func TestCompact(t *testing.T) {
	s := open(t, deployments)
	for _, line := range []string{"POST /v1/responses/compact", "POST /openai/responses/compact?api-version=2025-04-01-preview"} {
		w, record := s.ask(request(line, `{"model":"gpt-4o","input":[{"role":"user","content":"x"}]}`))
		asked := s.upstreamRequests()
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"object":"response.compaction"`) || record.Operation != "responses.compact" || !record.Usage.Known || len(asked) != 1 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		if !strings.HasSuffix(asked[0].Path, "/responses/compact") || !strings.Contains(string(asked[0].Body), `"model":"main"`) {
			t.Errorf("Azure was asked %s %s", asked[0].Path, asked[0].Body)
		}
	}
	w, _ := s.ask(withKey("few", request("POST /v1/responses/compact", `{"model":"gpt-4o-mini","input":"x"}`)))
	checkError(t, w, 403, "permission_error", "model", "model_not_allowed", "`gpt-4o-mini`")
	w, _ = s.ask(withKey("few", request("POST /v1/responses/compact", `{"model":"gpt-4o","input":[{"type":"item_reference","id":"msg_1"}]}`)))
	checkError(t, w, 404, invalid, "input[0].id", "not_found", "msg_1")
	w, _ = s.ask(request("POST /v1/responses/compact", `{"input":"x"}`))
	checkError(t, w, 400, invalid, "model", "missing_required_parameter", "")
}

// TestConversations goes through one's life.
func TestConversations(t *testing.T) {
	s := open(t, deployments)
	ask := func(line, body, operation string) map[string]any {
		t.Helper()
		w, record := s.ask(request(line, body))
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || record.Operation != operation {
			t.Fatalf("%s: got %d %s, operation %s", line, w.Code, w.Body, record.Operation)
		}
		return answer
	}
	ask("POST /v1/conversations", "", "conversations.create")
	conversation := ask("POST /v1/conversations", `{"metadata":{"a":"b"},"items":[{"type":"message","role":"user","content":"hi"}]}`, "conversations.create")["id"].(string)
	path := "/v1/conversations/" + conversation
	if got := ask("GET "+path, "", "conversations.retrieve"); got["metadata"].(map[string]any)["a"] != "b" {
		t.Errorf("got %v", got)
	}
	ask("POST "+path, `{"metadata":{"a":"c"}}`, "conversations.update")
	added := ask("POST "+path+"/items", `{"items":[{"type":"message","role":"user","content":"more"}]}`, "conversations.items.create")
	item := added["data"].([]any)[0].(map[string]any)["id"].(string)
	if list := ask("GET "+path+"/items?limit=9", "", "conversations.items.list")["data"].([]any); len(list) != 2 {
		t.Errorf("got %v", list)
	}
	if got := ask("GET "+path+"/items/"+item, "", "conversations.items.retrieve"); got["content"] != "more" {
		t.Errorf("got %v", got)
	}
	ask("DELETE "+path+"/items/"+item, "", "conversations.items.delete")
	ask("GET "+strings.Replace(path, "/v1/", "/openai/v1/", 1), "", "conversations.retrieve")
	ask("DELETE "+path, "", "conversations.delete")
	w, _ := s.ask(request("GET "+path, ""))
	checkError(t, w, 404, invalid, "", "", "not found")
}

// TestConversationsOfBoundKeys has a key that is bound to models try every operation.
func TestConversationsOfBoundKeys(t *testing.T) {
	s := open(t, deployments)
	w, _ := s.ask(request("POST /v1/conversations", `{"items":[{"type":"message","role":"user","content":"hi"}]}`))
	var made struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	s.upstreamRequests()
	for line, param := range map[string]string{
		"POST /v1/conversations":                  "",
		"GET /v1/conversations/ID":                "conversation",
		"HEAD /v1/conversations/ID":               "conversation",
		"POST /v1/conversations/ID":               "conversation",
		"DELETE /v1/conversations/ID":             "conversation",
		"POST /v1/conversations/ID/items":         "conversation",
		"GET /openai/v1/conversations/ID/items":   "conversation",
		"GET /v1/conversations/ID/items/msg_1":    "conversation",
		"DELETE /v1/conversations/ID/items/msg_1": "conversation",
	} {
		line = strings.Replace(line, "ID", made.ID, 1)
		w, _ := s.ask(withKey("few", request(line, "")))
		if strings.HasPrefix(line, "HEAD") {
			if w.Code != 404 {
				t.Errorf("%s: got %d", line, w.Code)
			}
			continue
		}
		checkError(t, w, 404, invalid, param, "not_found", "ALLOW=state")
		if n := len(s.upstreamRequests()); n != 0 {
			t.Errorf("%s: Azure was asked %d times", line, n)
		}
	}
	if w, _ := s.ask(withKey("more", request("GET /v1/conversations/"+made.ID, ""))); w.Code != 200 {
		t.Errorf("allowed: got %d %s", w.Code, w.Body)
	}
	w, _ = s.ask(withKey("more", request("POST /v1/conversations", `{"items":[{"tools":[{"model":"gpt-4o-mini"}]}]}`)))
	checkError(t, w, 403, "permission_error", "items[0].tools[0].model", "model_not_allowed", "gpt-4o-mini")
}

// TestDataSources is about a stream whose options Azure refuses.
func TestDataSources(t *testing.T) {
	s := open(t, deployments)
	const sources = `,"data_sources":[{"type":"azure_search","parameters":{"authentication":{"type":"api_key","key":"k"}}}]`
	for _, path := range []string{"/v1/chat/completions", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"} {
		body := `{"model":"gpt-4o-mini","stream":true,` + hello + sources + `}`
		w, _ := s.ask(request("POST "+path, body))
		if asked := s.upstreamRequests(); w.Code != 200 || !strings.HasSuffix(w.Body.String(), "data: [DONE]\n\n") || len(asked) != 1 || string(asked[0].Body) != body {
			t.Errorf("%s: got %d %.200s; Azure was asked %d times", path, w.Code, w.Body, len(asked))
		}
	}
	w, _ := s.ask(request("POST /v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},`+hello+sources+`}`))
	if asked := s.upstreamRequests(); w.Code != 400 || !strings.Contains(w.Body.String(), "#/stream_options") || len(asked) != 1 {
		t.Errorf("the caller's own: got %d %s; Azure was asked %d times", w.Code, w.Body, len(asked))
	}
	w, _ = s.ask(request("POST /v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"data_sources":null,`+hello+`}`))
	if asked := s.upstreamRequests(); w.Code != 200 || !strings.Contains(string(asked[0].Body), "include_usage") {
		t.Errorf("null: got %d; Azure was asked %s", w.Code, asked[0].Body)
	}
}

// TestRefusedStreamOptions is about deployments that do not know them.
func TestRefusedStreamOptions(t *testing.T) {
	const stream, plain = `{"model":"gpt-4o","stream":true,` + hello + `}`, `{"model":"main","stream":true,` + hello + `}`
	refuse := func(t *testing.T, s *stage, fault string) {
		t.Helper()
		if err := s.azure.AddFault(azureopenai.FaultRule{Fault: fault, Deployment: "main", Count: -1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, fault := range []string{"no-stream-options", "no-stream-options;status=422"} {
		s := open(t, deployments)
		refuse(t, s, fault)
		w, record := s.ask(request("POST /v1/chat/completions", stream))
		requests := s.azure.Requests()
		if w.Code != 200 || len(requests) != 2 || string(requests[1].Body) != plain || record.Tries != 2 || record.Code != "" {
			t.Fatalf("%s: got %d %.200s; Azure was asked %d times", fault, w.Code, w.Body, len(requests))
		}
		if w, _ := s.ask(request("POST /v1/chat/completions", stream)); w.Code != 200 || len(s.azure.Requests()) != 3 {
			t.Errorf("%s: it was not remembered: Azure was asked %d times", fault, len(s.azure.Requests()))
		}
		// Another deployment is asked as before, and so is this one in the caller's own words.
		s.ask(request("POST /v1/chat/completions", strings.Replace(stream, "gpt-4o", "gpt-4o-mini", 1)))
		if requests := s.azure.Requests(); !strings.Contains(string(requests[3].Body), "include_usage") {
			t.Errorf("%s: Azure got %s", fault, requests[3].Body)
		}
		w, _ = s.ask(request("POST /v1/chat/completions", strings.Replace(stream, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)))
		if n := len(s.azure.Requests()); w.Code < 400 || n != 5 {
			t.Errorf("%s: got %d; Azure was asked %d times", fault, w.Code, n)
		}
	}

	// A caller whose own options are at fault gets the error, and nothing is remembered.
	s := open(t, deployments)
	refuse(t, s, "no-stream-options")
	w, _ := s.ask(request("POST /v1/chat/completions", strings.Replace(stream, `"stream":true`, `"stream":true,"stream_options":{"x":1}`, 1)))
	if n := len(s.upstreamRequests()); w.Code != 400 || n != 2 {
		t.Errorf("got %d; Azure was asked %d times", w.Code, n)
	}
	s.ask(request("POST /v1/chat/completions", stream))
	if asked := s.upstreamRequests(); !strings.Contains(string(asked[0].Body), "include_usage") {
		t.Errorf("Azure got %s", asked[0].Body)
	}

	// Another error goes back as it is.
	s.azure.QueueAnswer(azureopenai.Answer{Status: 400, Body: `{"error":{"message":"no","code":"x"}}`})
	w, _ = s.ask(request("POST /v1/chat/completions", stream))
	if n := len(s.upstreamRequests()); w.Code != 400 || n != 1 {
		t.Errorf("got %d; Azure was asked %d times", w.Code, n)
	}
}

// TestByteOrderMark is about editors and libraries of Windows.
func TestByteOrderMark(t *testing.T) {
	s := open(t, deployments)
	const mark = "\xef\xbb\xbf"
	for line, body := range map[string]string{
		"POST /v1/chat/completions": `{"model":"gpt-4o-mini",` + hello + `}`,
		"POST /v1/responses":        `{"model":"gpt-4o-mini","input":"x"}`,
		"POST /v1/embeddings":       `{"model":"text-embedding-3-small","input":"x"}`,
		"POST /v1/conversations":    `{"metadata":{}}`,
	} {
		w, _ := s.ask(request(line, mark+body))
		if asked := s.upstreamRequests(); w.Code != 200 || len(asked) != 1 || string(asked[0].Body) != body {
			t.Errorf("%s: got %d %s", line, w.Code, w.Body)
		}
	}
	w, _ := s.ask(request("POST /v1/responses", mark))
	checkError(t, w, 400, invalid, "", "empty_body", "")
	w, _ = s.ask(request("POST /v1/responses", mark+mark+`{}`))
	checkError(t, w, 400, invalid, "", "invalid_json", "")
}
