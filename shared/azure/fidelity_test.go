package azure_test

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/telemetry"
)

// odd has what a re-encoded document would lose.
const odd = `{ "z":1, "a" : 123456789012345678901234567890, "f":1.0e+2,"u":"\u00e9\u003c\/", "é<>&":"é<>&","z":2,"nested":{"unknown":[ null ]} }`

func TestBytesPass(t *testing.T) {
	e, s := one(t)
	for _, call := range []*azure.Call{
		{Method: http.MethodPost, Path: "chat/completions", Name: "gpt-4o"},
		{Method: http.MethodPost, Path: "responses", Name: "gpt-4o"},
		{Method: http.MethodPost, Path: "embeddings", Name: "text-embedding-3-small"},
	} {
		t.Run(call.Path, func(t *testing.T) {
			var sent string
			call.Body = func(deployment string) rawjson.Pieces {
				sent = strings.Replace(odd, "{", `{"model":"`+deployment+`",`, 1)
				return rawjson.Pieces{[]byte(sent)}
			}
			e.QueueAnswer(azureopenai.Answer{Body: odd})
			r := s.do(t.Context(), call, false)
			r.ok(t)
			if got := string(last(t, e).Body); got != sent {
				t.Errorf("sent %s\ngot  %s", sent, got)
			}
			if got := r.Body.String(); got != odd || r.Header().Get("Content-Length") != strconv.Itoa(len(odd)) {
				t.Errorf("got  %s of %s bytes\nwant %s", got, r.Header().Get("Content-Length"), odd)
			}
		})
	}
}

func TestURLs(t *testing.T) {
	e, s := one(t)
	body := func(string) rawjson.Pieces { return rawjson.Pieces{[]byte(`{}`)} }
	tests := []struct {
		name string
		call azure.Call
		want string
	}{
		{"v1", azure.Call{Method: "POST", Path: "chat/completions", Name: "gpt-4o", Body: body}, "POST /openai/v1/chat/completions?"},
		{"v1 with a query", azure.Call{Method: "GET", Path: "responses/resp_1", Query: "include=a&include=b"}, "GET /openai/v1/responses/resp_1?include=a&include=b"},
		{"dated, deployment in the path", azure.Call{Method: "POST", Dated: true, InPath: true, Path: "chat/completions", Query: "api-version=2024-10-21", Name: "gpt-4o", Body: body},
			"POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"},
		{"dated, deployment in the body", azure.Call{Method: "POST", Dated: true, Path: "responses", Query: "api-version=2025-04-01-preview", Name: "gpt-4o", Body: body},
			"POST /openai/responses?api-version=2025-04-01-preview"},
		{"escapes", azure.Call{Method: "POST", Dated: true, InPath: true, Path: "chat/completions", Query: "api-version=2024-10-21", Name: "a?b c", Body: body},
			"POST /openai/deployments/a?b c/chat/completions?api-version=2024-10-21"}, // as decoded by the server
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.do(t.Context(), &tt.call, false)
			r := last(t, e)
			if got := r.Method + " " + r.Path + "?" + r.Query; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if hasBody := len(r.Body) > 0; hasBody != (tt.call.Body != nil) {
				t.Errorf("body %q", r.Body)
			}
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	pass := map[string]string{
		"Apim-Request-Id": "1", "Azureml-Model-Session": "2", "Openai-Model": "3", "Openai-Processing-Ms": "4", "Request-Id": "5",
		"Retry-After": "6", "Retry-After-Ms": "7", "X-Envoy-Upstream-Service-Time": "0", "X-Ms-Client-Request-Id": "9", "X-Ms-Deployment-Name": "10",
		"X-Ms-Is-Spilled-Over": "11", "X-Ms-Rai-Invoked": "12", "X-Ms-Region": "13", "X-Ms-Request-Id": "14", "X-Request-Id": "15",
		"X-Ratelimit-Limit-Requests": "16", "X-Ratelimit-Limit-Tokens": "17", "X-Ratelimit-Remaining-Requests": "18", "X-Ratelimit-Remaining-Tokens": "19",
		"X-Ratelimit-Reset-Requests": "20", "X-Ratelimit-Reset-Tokens": "21", "X-Ratelimit-Of-Next-Year": "22",
		"Ms-Azureml-Model-Error-Reason": "23", "Ms-Azureml-Model-Error-Statuscode": "24", "X-Ms-Spillover-From-Deployment": "25", "X-Ms-Spillover-Error": "26",
		"Azure-Openai-Deployment-Utilization": "27%", "X-Ms-Throttle-Scope": "28", "X-Ms-Of-Next-Year": "29", "Azure-Openai-Of-Next-Year": "30",
	}
	stop := map[string]string{
		"Strict-Transport-Security": "max-age=1", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*",
		"Set-Cookie": "a=b", "Server": "istio", "Connection": "close", "Www-Authenticate": "Bearer", "X-Unknown": "1",
		"X-Ms-Authorization-Auxiliary": "Bearer", "X-Ms-Token-Aad-Access-Token": "e", "X-Amzn-Requestid": "1", "Via": "1.1 a", "X-Forwarded-For": "10.0.0.1", "Api-Key": "k",
	}
	sent := maps.Clone(pass)
	maps.Copy(sent, stop)
	for _, tt := range []struct {
		name   string
		status int
		body   string
		header map[string]string
	}{
		{"JSON", 200, `{}`, map[string]string{"Content-Type": "application/json"}},
		{"a stream", 200, "data: [DONE]\n\n", map[string]string{"Content-Type": "text/event-stream; charset=utf-8"}},
		{"an error", 400, `{"error":{"message":"m"}}`, map[string]string{"Content-Type": "application/json; charset=utf-8"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			e, url := emulator(t, azureopenai.Options{Now: func() time.Time { return noon }}) // and so x-envoy-upstream-service-time is 0
			s := open(t, single(url, "k"))
			maps.Copy(tt.header, sent)
			e.QueueAnswer(azureopenai.Answer{Status: tt.status, Body: tt.body, Headers: tt.header})
			r := s.do(t.Context(), chat("hi"), false)
			for name, want := range pass {
				if got := r.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			for name := range stop {
				if got := r.Header().Get(name); got != "" {
					t.Errorf("%s: %q came through", name, got)
				}
			}
			if want := strings.TrimSuffix(tt.header["Content-Type"], map[bool]string{true: "; charset=utf-8"}[tt.status >= 400]); r.Header().Get("Content-Type") != want {
				t.Errorf("Content-Type %q, want %q", r.Header().Get("Content-Type"), want)
			}
			if r.record.AzureID != "1" {
				t.Errorf("the log has apim-request-id %q", r.record.AzureID)
			}
		})
	}
}

func TestMetering(t *testing.T) {
	padding := strings.Repeat("x", 2<<20)
	tests := []struct {
		name, path, body string
		want             telemetry.Usage
	}{
		{"chat", "chat/completions", `{"usage":{"prompt_tokens":23,"completion_tokens":11,"total_tokens":34,"prompt_tokens_details":{"cached_tokens":16}},"choices":[]}`,
			telemetry.Usage{Known: true, Input: 23, CachedInput: 16, Output: 11}},
		{"embeddings", "embeddings", `{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}`, telemetry.Usage{Known: true, Input: 7}},
		{"responses", "responses", `{"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens":3}}`,
			telemetry.Usage{Known: true, Input: 5, CachedInput: 4, Output: 3}},
		{"a large answer, usage at its end", "embeddings", `{"data":["` + padding + `"],"usage":{"prompt_tokens":9,"total_tokens":9}}`, telemetry.Usage{Known: true, Input: 9}},
		{"none", "responses", `{"object":"list"}`, telemetry.Usage{}},
		{"null", "responses", `{"usage":null}`, telemetry.Usage{}},
		{"a form we do not know", "responses", `{"usage":{"prompt_tokens":"many"}}`, telemetry.Usage{}},
		{"a large answer without", "embeddings", `{"data":["` + padding + `"]}`, telemetry.Usage{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Body: tt.body})
			name := map[bool]string{true: "text-embedding-3-small", false: "gpt-4o"}[tt.path == "embeddings"]
			r := s.do(t.Context(), post(tt.path, name, `"x":1`), false)
			r.ok(t)
			if r.Body.String() != tt.body {
				t.Errorf("got %d bytes, want the %d sent", r.Body.Len(), len(tt.body))
			}
			if r.record.Usage != tt.want {
				t.Errorf("metered %+v, want %+v", r.record.Usage, tt.want)
			}
			if r.record.FirstByte <= 0 || r.record.Tries != 1 || r.record.Deployment != name || r.record.Resource != "resource-1" {
				t.Errorf("record %+v", r.record)
			}
		})
	}
}
