package inference_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/telemetry"
)

func TestRoutes(t *testing.T) {
	s := open(t, deployments)
	const chat, embed = `{"model":"gpt-4o",` + hello + `}`, `{"model":"text-embedding-3-small","input":"x"}`
	tests := []struct {
		line, body string
		want       string // what Azure is asked
		operation  string
	}{
		{"POST /v1/chat/completions", chat, "POST /openai/v1/chat/completions?", "chat.completions"},
		{"POST /openai/v1/chat/completions", chat, "POST /openai/v1/chat/completions?", "chat.completions"},
		{"POST /openai/v1/chat/completions?api-version=preview", chat, "POST /openai/v1/chat/completions?api-version=preview", "chat.completions"},
		{"POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", chat, "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", "chat.completions"},
		{"POST /openai/deployments/main/chat/completions?api-version=2024-10-21", `{` + hello + `}`, "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", "chat.completions"},
		{"POST /v1/embeddings", embed, "POST /openai/v1/embeddings?", "embeddings"},
		{"POST /openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21", embed, "POST /openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21", "embeddings"},
		{"POST /v1/responses", `{"model":"gpt-4o","input":"x"}`, "POST /openai/v1/responses?", "responses"},
		{"POST /openai/responses?api-version=2025-04-01-preview", `{"model":"gpt-4o","input":"x"}`, "POST /openai/responses?api-version=2025-04-01-preview", "responses"},
		{"GET /v1/responses/resp_1", "", "GET /openai/v1/responses/resp_1?", "responses.retrieve"},
		{"GET /v1/responses/resp_1?include%5B%5D=a&include%5B%5D=b", "", "GET /openai/v1/responses/resp_1?include%5B%5D=a&include%5B%5D=b", "responses.retrieve"},
		{"DELETE /openai/responses/resp_1?api-version=2025-04-01-preview", "", "DELETE /openai/responses/resp_1?api-version=2025-04-01-preview", "responses.delete"},
		{"POST /v1/responses/resp_1/cancel", "", "POST /openai/v1/responses/resp_1/cancel?", "responses.cancel"},
		{"GET /v1/responses/resp_1/input_items?limit=2", "", "GET /openai/v1/responses/resp_1/input_items?limit=2", "responses.input_items"},
		{"GET /v1/responses/a%20b%3Fc", "", "GET /openai/v1/responses/a b?c?", "responses.retrieve"}, // as decoded by the server
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			s.azure.QueueAnswer(azureopenai.Answer{Body: `{"id":"x"}`})
			w, record := s.ask(request(tt.line, tt.body))
			asked := s.upstreamRequests()
			if len(asked) != 1 {
				t.Fatalf("Azure was asked %d times; got %d %s", len(asked), w.Code, w.Body)
			}
			if got := asked[0].Method + " " + asked[0].Path + "?" + asked[0].Query; got != tt.want {
				t.Errorf("Azure was asked %s, want %s", got, tt.want)
			}
			if w.Code != 200 || w.Body.String() != `{"id":"x"}` || record.Operation != tt.operation {
				t.Errorf("got %d %s, operation %s", w.Code, w.Body, record.Operation)
			}
		})
	}
}

func TestBodiesReachAzureAsTheyAre(t *testing.T) {
	s := open(t, deployments)
	const tail = ` "z":1, "messages":[ {"role":"user","content":"\u00e9\ud83d\ude00 é"} ],"big":123456789012345678901234567890,"a" : {"new":[null]},"z":2 } `
	tests := []struct{ name, line, body, want string }{
		{"the deployment has the model's name", "POST /v1/chat/completions", ` { "model":"gpt-4o-mini",` + tail, ` { "model":"gpt-4o-mini",` + tail},
		{"it has another one", "POST /v1/chat/completions", `{ "x":1,"model" : "gpt-4o" ,` + tail, `{ "x":1,"model" : "main" ,` + tail},
		{"escapes in the key and the name", "POST /v1/chat/completions", `{"mod\u0065l":"gpt-4\u006f",` + tail, `{"mod\u0065l":"main",` + tail},
		{"the deployment in the path", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", `{` + tail, `{` + tail},
		{"and another name in the body", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21", `{"model":"x",` + tail, `{"model":"main",` + tail},
		{"responses stream with their usage unasked", "POST /v1/responses", `{"model":"gpt-4o","stream":true,` + tail, `{"model":"main","stream":true,` + tail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.azure.QueueAnswer(azureopenai.Answer{Body: `{}`})
			w, _ := s.ask(request(tt.line, tt.body))
			asked := s.upstreamRequests()
			if w.Code != 200 || len(asked) != 1 || string(asked[0].Body) != tt.want {
				t.Errorf("got %d %s\nAzure got %s\nwant      %s", w.Code, w.Body, asked[0].Body, tt.want)
			}
		})
	}
}

func TestChunkedBody(t *testing.T) {
	s := open(t, deployments)
	r := request("POST /v1/chat/completions", `{"model":"gpt-4o",`+hello+`}`)
	r.ContentLength = -1
	r.Header.Del("Content-Type") // curl -d without -H has one, a careless client none
	if w, record := s.ask(r); w.Code != 200 || record.Model != "gpt-4o" || record.Deployment != "main" || record.Stream {
		t.Errorf("got %d %s, record %+v", w.Code, w.Body, record)
	}
}

func TestStreamOptions(t *testing.T) {
	s := open(t, deployments)
	const v1, old, new = "/v1/chat/completions", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-06-01", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"
	tests := []struct {
		name, path, in string
		want           string // what Azure gets
		usage          bool   // the caller gets the usage chunk
		metered        bool
	}{
		{"not asked for", v1, `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`, false, true},
		{"asked for", v1, `,"stream":true,"stream_options":{"include_usage":true}`, `,"stream":true,"stream_options":{"include_usage":true}`, true, true},
		{"declined", v1, `,"stream":true,"stream_options":{ "include_usage" : false }`, `,"stream":true,"stream_options":{ "include_usage" : true }`, false, true},
		{"null", v1, `,"stream":true,"stream_options":null`, `,"stream":true,"stream_options":{"include_usage":true}`, false, true},
		{"null inside", v1, `,"stream":true,"stream_options":{"include_usage":null}`, `,"stream":true,"stream_options":{"include_usage":true}`, false, true},
		{"other options stay", v1, `,"stream_options":{"include_obfuscation":false,"x":1.0},"stream":true`,
			`,"stream_options":{"include_obfuscation":false,"x":1.0,"include_usage":true},"stream":true`, false, true},
		{"Azure's path", new, `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`, false, true},
		{"an api-version that does not know it", old, `,"stream":true`, `,"stream":true`, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const form = `{"model":"gpt-4o-mini",` + hello + `%}`
			w, record := s.ask(request("POST "+tt.path, strings.Replace(form, "%", tt.in, 1)))
			if w.Code != 200 || !strings.HasSuffix(w.Body.String(), "data: [DONE]\n\n") {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if got, want := string(s.upstreamRequests()[0].Body), strings.Replace(form, "%", tt.want, 1); got != want {
				t.Errorf("Azure got %s\nwant      %s", got, want)
			}
			if usage := strings.Contains(w.Body.String(), `"usage":{`); usage != tt.usage || record.Usage.Known != tt.metered || !record.Stream {
				t.Errorf("usage for the caller: %v, want %v; record %+v", usage, tt.usage, record)
			}
			if !strings.HasPrefix(w.Body.String(), `data: {"choices":[],"created":0`) {
				t.Errorf("Azure's first chunk is missing: %.200s", w.Body)
			}
		})
	}
	// Without a stream there are no options to add.
	s.ask(request("POST "+v1, `{"model":"gpt-4o-mini",`+hello+`,"stream":false}`))
	if got := string(s.upstreamRequests()[0].Body); strings.Contains(got, "stream_options") {
		t.Errorf("Azure got %s", got)
	}
}

// TestBrokenStream is about how the end of a broken answer reaches a caller over net/http.
func TestBrokenStream(t *testing.T) {
	s := open(t, deployments)
	if err := s.azure.AddFault(azureopenai.FaultRule{Fault: "cut;after=3"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.http)
	defer server.Close()
	r, err := http.NewRequest(http.MethodPost, server.URL+"/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o","stream":true,`+hello+`}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Api-Key", "any")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(string(body), `data: {"error":{`) || strings.Contains(string(body), "[DONE]") {
		t.Errorf("got %v after %s", err, body)
	}
}

func TestModelOfAnotherName(t *testing.T) {
	s := open(t, deployments)
	// The caller may use gpt-4o, and so a deployment of it by whatever name.
	for _, line := range []string{"POST /v1/chat/completions", "POST /openai/deployments/main/chat/completions?api-version=2024-10-21"} {
		if w, record := s.ask(withKey("few", request(line, `{"model":"main",`+hello+`}`))); w.Code != 200 || record.Caller != "few" {
			t.Errorf("%s: got %d %s", line, w.Code, w.Body)
		}
	}
}

// TestTier is about which calls leave a deployment alone that has answered 429 to one of a service tier.
func TestTier(t *testing.T) {
	tests := []struct {
		limited, next string // members of the body
		want          string // the resource that the next call is answered by
	}{
		{`"service_tier":"flex",`, ``, "first"},
		{`"service_tier":"flex",`, `"service_tier":"auto",`, "first"},
		{`"service_tier":"flex",`, `"service_tier":"priority",`, "first"},
		{`"service_tier":"flex",`, `"service_tier":null,`, "first"},
		{`"service_tier":"fl\u0065x",`, `"service_tier":"flex",`, "second"},
		{``, ``, "second"},
		{`"service_tier":"default",`, ``, "second"},
		{`"service_tier":"priority",`, ``, "second"},
		{`"service_tier":5,`, ``, "second"},
	}
	for _, line := range []string{"POST /v1/chat/completions", "POST /v1/responses", "POST /openai/deployments/gpt-5.4-mini/chat/completions?api-version=2025-04-01-preview"} {
		for _, tt := range tests {
			t.Run(line+" "+tt.limited+tt.next, func(t *testing.T) {
				s := openTwoResources(t)
				ask := func(members string) *telemetry.Call {
					body := `{"model":"gpt-5.4-mini",` + members + hello + `}`
					if strings.Contains(line, "responses") {
						body = `{"model":"gpt-5.4-mini",` + members + `"input":"Say hello"}`
					}
					s.azure.QueueAnswer(azureopenai.Answer{Body: `{"id":"x"}`})
					w, record := s.ask(request(line, body))
					if w.Code != 200 {
						t.Fatalf("%d %s", w.Code, w.Body)
					}
					s.azure.Reset()
					return record
				}
				s.azure.QueueAnswer(azureopenai.Answer{Status: 429, Headers: map[string]string{"Retry-After": "60"}})
				if record := ask(tt.limited); record.Resource != "second" || record.Tries != 2 {
					t.Fatalf("%s answered after %d tries", record.Resource, record.Tries)
				}
				if record := ask(tt.next); record.Resource != tt.want || record.Tries != 1 {
					t.Errorf("%s answered after %d tries, want %s", record.Resource, record.Tries, tt.want)
				}
			})
		}
	}
}
