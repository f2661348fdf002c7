package inference_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/config"
)

// retryOnce has a call retried once.
func retryOnce(e *config.Env) { e.MaxRetries = 1 }

// openTwoResources lists two resources, both at the emulator, of which each has a deployment of one name for a model of
// its own.
func openTwoResources(t *testing.T) *stage {
	t.Helper()
	s := open(t, "", retryOnce)
	resource := func(name, model string) string {
		return fmt.Sprintf(`{"name":%q,"endpoint":%q,"api_key":%q,"deployments":[{"name":"gpt-4o-mini","model":%q},{"model":"gpt-5.4-mini"}]}`, name, s.upstream, azureKey, model)
	}
	s.store.Put("azure", `{"resources":[`+resource("first", "gpt-4o")+`,`+resource("second", "gpt-5")+`]}`)
	return s
}

// TestPermitsOfTargets is about a key that is bound to the model of one of two deployments of the same name.
func TestPermitsOfTargets(t *testing.T) {
	tests := []struct {
		name, caller, model string
		busy                bool // the first one that is asked is
		status              int
		code                string
		want                string // the resource that is asked last
		tries               int
	}{
		{"its own", "few", "gpt-4o-mini", false, 200, "", "first", 1},
		{"its own by the model", "few", "gpt-4o", false, 200, "", "first", 1},
		{"busy, and not the other one", "few", "gpt-4o-mini", true, 429, "429", "first", 1},
		{"a key for any", "any", "gpt-4o-mini", true, 200, "", "second", 2},
		{"a model of both", "few", "gpt-5.4-mini", true, 200, "", "second", 2},
		{"the other one's model", "few", "gpt-5", false, 403, "model_not_allowed", "", 0},
		{"unknown to the secret and to the key", "few", "gpt-9", false, 403, "model_not_allowed", "", 0},
		{"unknown to the secret", "any", "gpt-9", false, 404, "model_not_found", "", 0},
	}
	for _, path := range []string{"/v1/chat/completions", "/openai/deployments/MODEL/chat/completions?api-version=2024-10-21"} {
		for _, tt := range tests {
			t.Run(tt.name+path, func(t *testing.T) {
				s := openTwoResources(t)
				if tt.busy {
					if err := s.azure.AddFault(azureopenai.FaultRule{Fault: "429;retry-after=30", Count: 1}); err != nil {
						t.Fatal(err)
					}
				}
				body := `{"model":"` + tt.model + `",` + hello + `}`
				w, record := s.ask(withKey(tt.caller, request("POST "+strings.Replace(path, "MODEL", tt.model, 1), body)))
				if n := len(s.upstreamRequests()); w.Code != tt.status || n != tt.tries || record.Resource != tt.want {
					t.Errorf("got %d %s; asked %d times, last %q, want %q", w.Code, w.Body, n, record.Resource, tt.want)
				}
				if tt.code != "" && !strings.Contains(w.Body.String(), `"code":"`+tt.code+`"`) {
					t.Errorf("got %s", w.Body)
				}
			})
		}
	}
}

func TestModelsOfTwins(t *testing.T) {
	s := openTwoResources(t)
	for caller, want := range map[string]string{"few": "gpt-4o gpt-4o-mini gpt-5.4-mini", "any": "gpt-4o gpt-4o-mini gpt-5 gpt-5.4-mini"} {
		w, _ := s.ask(withKey(caller, request("GET /v1/models", "")))
		var got []string
		for _, part := range strings.Split(w.Body.String(), `"id":"`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			got = append(got, id)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", caller, got, want)
		}
	}
	if w, _ := s.ask(withKey("few", request("GET /v1/models/gpt-5", ""))); w.Code != 403 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestDeploymentHeaders is about the headers by which a caller names another deployment.
func TestDeploymentHeaders(t *testing.T) {
	s := open(t, deployments)
	tests := []struct {
		caller, deployment string
		status             int
		sent               string
	}{
		{"any", "gpt-4o-mini", 200, "gpt-4o-mini"}, {"any", "gpt-4o", 200, "main"}, {"any", "nobody", 404, ""}, {"any", "", 200, ""},
		{"few", "gpt-4o", 200, "main"}, {"few", "main", 200, "main"}, {"few", "gpt-4o-mini", 403, ""}, {"few", "nobody", 403, ""}, {"few", "main, gpt-4o-mini", 403, ""}, {"few", "", 403, ""},
	}
	for _, header := range []string{"x-ms-spillover-deployment", "x-ms-oai-image-generation-deployment", "x-ms-of-next-year-deployment"} {
		for _, line := range []string{"POST /v1/chat/completions", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", "GET /v1/responses/resp_1"} {
			for _, tt := range tests {
				t.Run(header+" "+line+" "+tt.caller+" "+tt.deployment, func(t *testing.T) {
					body := ""
					if strings.HasPrefix(line, "POST") {
						body = `{"model":"gpt-4o",` + hello + `}`
					} else if tt.status == 404 {
						tt.status, tt.sent = 200, tt.deployment // which no model of its own chooses a resource for
					}
					s.azure.QueueAnswer(azureopenai.Answer{Body: `{"id":"x","model":"gpt-4o"}`})
					r := withKey(tt.caller, request(line, body))
					r.Header.Set(header, tt.deployment)
					w, _ := s.ask(r)
					asked := s.upstreamRequests()
					switch tt.status {
					case 403:
						checkError(t, w, 403, "permission_error", header, "model_not_allowed", tt.deployment)
					case 404:
						checkError(t, w, 404, "invalid_request_error", header, "model_not_found", tt.deployment)
					}
					if w.Code != tt.status || (len(asked) == 1) != (tt.status == 200) {
						t.Fatalf("got %d %s, asked %d times", w.Code, w.Body, len(asked))
					}
					if tt.status == 200 && asked[0].Header.Get(header) != tt.sent {
						t.Errorf("Azure got %v", asked[0].Header)
					}
				})
			}
		}
	}
	r := withKey("few", request("POST /v1/chat/completions", `{"model":"gpt-4o",`+hello+`}`))
	r.Header["X-Ms-Spillover-Deployment"] = []string{"main", "gpt-4o-mini"}
	if w, _ := s.ask(r); w.Code != 403 || len(s.upstreamRequests()) != 0 {
		t.Errorf("the second of two: %d %s", w.Code, w.Body)
	}
}

// TestBoundBodies is about what the body of a bound key may name. What is found where is the matter of permits.
func TestBoundBodies(t *testing.T) {
	const chat, responses = "POST /v1/chat/completions", "POST /v1/responses"
	const dated = "POST /openai/deployments/main/chat/completions?api-version=2024-10-21"
	search := func(parameters string) string {
		return `{"model":"gpt-4o",` + hello + `,"data_sources":[{"type":"azure_search","parameters":{"endpoint":"https://s","index_name":"i",` + parameters + `}}]}`
	}
	const key, identity = `"authentication":{"type":"api_key","key":"k"}`, `"authentication":{"type":"system_assigned_managed_identity"}`
	file := `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}`
	tests := []struct {
		name, caller, line, body string
		status                   int
		param, code              string
	}{
		{"an embedding's deployment", "few", chat, search(key + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"text-embedding-3-small"}`), 403, "data_sources[0].parameters.embedding_dependency.deployment_name", "model_not_allowed"},
		{"on Azure's path", "few", dated, search(key + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"text-embedding-3-small"}`), 403, "data_sources[0].parameters.embedding_dependency.deployment_name", "model_not_allowed"},
		{"that of one it may use", "few", chat, search(key + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"main"}`), 200, "", ""},
		{"also where more is allowed", "more", chat, search(identity + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"text-embedding-3-small"}`), 403, "data_sources[0].parameters.embedding_dependency.deployment_name", "model_not_allowed"},
		{"for a key that is not bound", "any", chat, search(identity + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"text-embedding-3-small"}`), 200, "", ""},
		{"Azure's identity", "few", chat, search(identity), 403, "data_sources[0].parameters.authentication", "managed_identity_not_allowed"},
		{"where it is allowed", "more", chat, search(identity), 200, "", ""},
		{"a tool's model", "few", responses, `{"model":"gpt-4o","input":"x","tools":[{"type":"image_generation","model":"gpt-image-1"}]}`, 403, "tools[0].model", "model_not_allowed"},
		{"a file", "few", responses, file, 404, "input[0].content[0].file_id", "not_found"},
		{"where it is allowed", "more", responses, file, 200, "", ""},
		{"a file of a key that is not bound", "any", responses, file, 200, "", ""},
		{"a conversation", "few", responses, `{"model":"gpt-4o","input":"x","conversation":"conv_1"}`, 404, "conversation", "not_found"},
		{"nothing", "few", responses, `{"model":"gpt-4o","input":"x","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}`, 200, "", ""},
	}
	s := open(t, deployments)
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.caller, func(t *testing.T) {
			s.azure.QueueAnswer(azureopenai.Answer{Body: `{"id":"x"}`})
			w, record := s.ask(withKey(tt.caller, request(tt.line, tt.body)))
			asked := s.upstreamRequests()
			if w.Code != tt.status || (len(asked) == 1) != (tt.status == 200) || record.Code != tt.code {
				t.Fatalf("got %d %s, asked %d times", w.Code, w.Body, len(asked))
			}
			if tt.code != "" {
				kind, remedy := "permission_error", "the owner of this endpoint can"
				if tt.status == 404 {
					kind, remedy = invalid, "ALLOW=state"
				}
				if tt.code == "managed_identity_not_allowed" {
					remedy = "ALLOW=data_sources"
				}
				checkError(t, w, tt.status, kind, tt.param, tt.code, remedy)
			} else if string(asked[0].Body) != strings.Replace(tt.body, `"model":"gpt-4o"`, `"model":"main"`, 1) {
				t.Errorf("Azure got %s", asked[0].Body)
			}
		})
	}
}

// TestPathsOfDots is about the one-endpoint secret, with which every name is passed on.
func TestPathsOfDots(t *testing.T) {
	s := open(t, "")
	const tail = "/chat/completions?api-version=2024-10-21"
	for _, line := range []string{
		"POST /openai/deployments/.." + tail, "POST /openai/deployments/." + tail, "POST /openai/deployments/%2e%2e" + tail, "POST /openai/deployments/%2E." + tail,
		"POST /openai/deployments/..%2f" + tail, "POST /openai/deployments/..%2fx" + tail, "POST /openai/deployments/%252e%252e" + tail, "POST /openai/deployments/..%252f" + tail,
		"POST /openai/deployments/..%5c" + tail, "POST /openai/deployments/a%0Ab" + tail, "POST /openai/deployments/" + tail, "POST /openai/deployments/a/.." + tail,
		"GET /v1/responses/..", "GET /v1/responses/%2e%2e", "GET /v1/responses/..%2fmodels", "GET /v1/responses/%252e%252e", "GET /v1/responses/..%5c..%5cmodels",
		"GET /openai/responses/..?api-version=2025-04-01-preview", "POST /v1/responses/../cancel", "DELETE /v1/responses/%2e%2e", "GET /v1/models/..", "GET /v1/models/%2e%2e",
	} {
		t.Run(line, func(t *testing.T) {
			body := ""
			if strings.HasPrefix(line, "POST") {
				body = `{"model":"gpt-4o",` + hello + `}`
			}
			w, _ := s.ask(request(line, body))
			checkError(t, w, http.StatusNotFound, invalid, "", "unknown_url", "typos")
			if asked := s.upstreamRequests(); len(asked) != 0 {
				t.Errorf("Azure was asked %s %s", asked[0].Method, asked[0].Path)
			}
		})
	}
	// In a body such a name is a name, which Azure does not know.
	if w, _ := s.ask(request("POST /v1/chat/completions", `{"model":"..",`+hello+`}`)); w.Code != 404 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if asked := s.upstreamRequests(); len(asked) != 1 || asked[0].Path != "/openai/v1/chat/completions" {
		t.Errorf("Azure was asked %v", asked)
	}
}

// TestBackground is about a response that goes on without its caller, and whose create was lost.
func TestBackground(t *testing.T) {
	const create = `{"model":"gpt-4o-mini","input":"Say hello","background":true%s}`
	tests := []struct {
		name, line, body, fault string
		asked                   int
		final                   bool
	}{
		{"500", "POST /v1/responses", fmt.Sprintf(create, ""), "500", 1, true},
		{"lost", "POST /v1/responses", fmt.Sprintf(create, ""), "lost", 1, true},
		{"503 on Azure's path", "POST /openai/responses?api-version=2025-04-01-preview", fmt.Sprintf(create, ""), "503", 1, true},
		{"a stream", "POST /v1/responses", fmt.Sprintf(create, `,"stream":true`), "502", 1, true},
		{"429", "POST /v1/responses", fmt.Sprintf(create, ""), "429;retry-after-ms=1", 2, false},
		{"not in the background", "POST /v1/responses", strings.Replace(fmt.Sprintf(create, ""), "true", "false", 1), "503;retry-after-ms=1", 2, false},
		{"null", "POST /v1/responses", strings.Replace(fmt.Sprintf(create, ""), "true", "null", 1), "503;retry-after-ms=1", 2, false},
		{"stored, and waited for", "POST /v1/responses", strings.Replace(fmt.Sprintf(create, ""), `"background"`, `"store"`, 1), "503;retry-after-ms=1", 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, deployments, retryOnce)
			if err := s.azure.AddFault(azureopenai.FaultRule{Fault: tt.fault, Count: 1}); err != nil {
				t.Fatal(err)
			}
			w, _ := s.ask(request(tt.line, tt.body))
			if n := len(s.upstreamRequests()); n != tt.asked || (w.Code == 200) != (tt.asked == 2) {
				t.Errorf("got %d %s, asked %d times", w.Code, w.Body, n)
			}
			if final := w.Header().Get("X-Should-Retry") == "false"; final != tt.final {
				t.Errorf("X-Should-Retry: %q", w.Header().Get("X-Should-Retry"))
			}
		})
	}
}

// TestOtherCase is about members that a reader takes for ours who does not mind the case.
func TestOtherCase(t *testing.T) {
	s := open(t, deployments)
	const chat, responses = "POST /v1/chat/completions", "POST /v1/responses"
	tests := []struct{ name, line, body, param, spelling string }{
		{"a model beside the model", chat, `{"model":"gpt-4o","Model":"gpt-5.4-mini",` + hello + `}`, "Model", "'model'"},
		{"before it", chat, `{"MODEL":"gpt-5.4-mini","model":"gpt-4o",` + hello + `}`, "MODEL", "'model'"},
		{"alone", chat, `{"Model":"gpt-4o",` + hello + `}`, "Model", "'model'"},
		{"beside a deployment in the path", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", `{"Model":"gpt-5.4-mini",` + hello + `}`, "Model", "'model'"},
		{"with an escape", chat, `{"model":"gpt-4o","\u004dodel":"gpt-5.4-mini",` + hello + `}`, "Model", "'model'"},
		{"a stream", chat, `{"model":"gpt-4o","Stream":true,` + hello + `}`, "Stream", "'stream'"},
		{"a stream with a long s", chat, `{"model":"gpt-4o","ſtream":true,` + hello + `}`, "ſtream", "'stream'"},
		{"its options", chat, `{"model":"gpt-4o","stream":true,"Stream_Options":{},` + hello + `}`, "Stream_Options", "'stream_options'"},
		{"and what they have", chat, `{"model":"gpt-4o","stream":true,"stream_options":{"Include_Usage":false},` + hello + `}`, "stream_options.Include_Usage", "'stream_options.include_usage'"},
		{"messages", chat, `{"model":"gpt-4o","Messages":[],` + hello + `}`, "Messages", "'messages'"},
		{"messages alone", chat, `{"model":"gpt-4o","Messages":[]}`, "Messages", "'messages'"},
		{"background, with a Kelvin sign", responses, `{"model":"gpt-4o","input":"x","bac\u212aground":true}`, "bac\u212aground", "'background'"},
		{"embeddings", "POST /v1/embeddings", `{"model":"text-embedding-3-small","input":"x","INPUT":"y"}`, "INPUT", "'input'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := s.ask(request(tt.line, tt.body))
			checkError(t, w, 400, invalid, tt.param, "unknown_parameter", tt.spelling)
			if n := len(s.upstreamRequests()); n != 0 {
				t.Errorf("Azure was asked %d times", n)
			}
		})
	}
	// Other names pass in any case.
	s.azure.QueueAnswer(azureopenai.Answer{Body: `{}`})
	if w, _ := s.ask(request(chat, `{"model":"gpt-4o","Temperature":1,"metadata":{"Model":"x"},`+hello+`}`)); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
