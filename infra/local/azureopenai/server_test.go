package azureopenai

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var fixedNow = func() time.Time { return time.Unix(1785610058, 0) }

// start serves an emulator on a real socket; its key is "k".
func start(t *testing.T, change func(*Options)) (*Server, string) {
	t.Helper()
	o := Options{APIKeys: []string{"k"}, Now: fixedNow}
	if change != nil {
		change(&o)
	}
	s := New(o)
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, ts.URL
}

// do sends a request with the key and any "Name: value" headers, and returns the answer, body read.
func do(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	resp, err := open(t.Context(), method, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v after %q", method, url, err, b)
	}
	return resp, string(b)
}

func open(ctx context.Context, method, url, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", "k")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	return http.DefaultClient.Do(req)
}

// events splits a stream's body into the events' data.
func events(t *testing.T, body string) []string {
	t.Helper()
	var data []string
	scanner := bufio.NewScanner(strings.NewReader(body))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if d, ok := strings.CutPrefix(scanner.Text(), "data: "); ok {
			data = append(data, d)
		}
	}
	return data
}

func ask(prompt string) string {
	return `{"model":"gpt-4o","messages":[{"role":"user","content":` + quote(prompt) + `}]}`
}

const chatPath = "/openai/v1/chat/completions"

func TestRefusals(t *testing.T) {
	_, url := start(t, nil)
	const dated = "?api-version=2024-10-21"
	hi := ask("hi")
	with := func(member string) string { return strings.TrimSuffix(hi, "}") + "," + member + "}" }
	tests := []struct {
		name, method, path, body string
		header                   string
		status                   int
		want                     string // the whole body, or a part of it
	}{
		{"no key", "POST", chatPath, hi, "Api-Key: ", 401, string(errBadKey.body)},
		{"wrong key", "POST", chatPath, hi, "Api-Key: wrong", 401, string(errBadKey.body)},
		{"unknown path", "POST", "/openai/v1/nothing", hi, "", 404, `{"error":{"code":"404","message":"Resource not found"}}`},
		{"outside openai", "GET", "/favicon.ico", "", "", 404, `{"error":{"code":"404","message":"Resource not found"}}`},
		{"wrong method", "GET", chatPath, "", "", 404, string(errNotFound.body)},
		{"no api-version", "POST", "/openai/deployments/gpt-4o/chat/completions", hi, "", 404, string(errNotFound.body)},
		{"garbage api-version", "POST", "/openai/deployments/gpt-4o/chat/completions?api-version=soon", hi, "", 404, `{"error":{"code":"404","message":"Unsupported api-version 'soon'."}}`},
		{"old api-version", "GET", "/openai/models?api-version=2019-01-01", "", "", 404, `{"error":{"code":"404","message":"Unsupported api-version '2019-01-01'."}}`},
		{"dated api-version on v1", "POST", chatPath + dated, hi, "", 400, string(errVersionV1.body)},
		{"unknown deployment, v1", "POST", chatPath, `{"model":"x"}`, "", 404, string(errDeploymentNotFoundV1.body)},
		{"unknown deployment, dated", "POST", "/openai/deployments/x/chat/completions" + dated, hi, "", 404, string(errDeploymentNotFound.body)},
		{"dated path outside deployments", "POST", "/openai/chat/completions" + dated, hi, "", 404, string(errNotFound.body)},
		{"embeddings of a chat model", "POST", "/openai/deployments/gpt-4o/embeddings" + dated, `{"input":"x"}`, "", 400,
			"The embeddings operation does not work with the specified model, gpt-4o. Please choose different model and try again."},
		{"chat of an embedding model", "POST", "/openai/deployments/text-embedding-3-small/chat/completions" + dated, hi, "", 400, `"code":"OperationNotSupported","message":"The chatCompletion operation`},
		{"online call on a batch deployment", "POST", "/openai/deployments/gpt-4o-mini-batch/chat/completions" + dated, hi, "", 400, `"code":"OperationNotSupported"`},
		{"no model", "POST", chatPath, `{}`, "", 400, string(errNoModel.body)},
		{"broken JSON", "POST", chatPath, `{"model":`, "", 400, string(errBadJSON.body)},
		{"empty body", "POST", chatPath, ``, "", 400, string(errBadJSON.body)},
		{"stream no boolean", "POST", chatPath, with(`"stream":"yes"`), "", 400,
			`{"error":{"message":"Invalid type for 'stream': expected a boolean, but got a string instead.","type":"invalid_request_error","param":"stream","code":"invalid_type"}}`},
		{"no messages", "POST", chatPath, `{"model":"gpt-4o"}`, "", 400, `"param":"messages","code":"missing_required_parameter"`},
		{"empty messages", "POST", chatPath, `{"model":"gpt-4o","messages":[]}`, "", 400, `"code":"empty_array"`},
		{"unknown role", "POST", chatPath, `{"model":"gpt-4o","messages":[{"role":"boss","content":"x"}]}`, "", 400, `"param":"messages[0].role"`},
		{"null content", "POST", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":null}]}`, "", 400, `expected a string, got null`},
		{"tool message without call", "POST", chatPath, `{"model":"gpt-4o","messages":[{"role":"tool","tool_call_id":"a","content":"x"}]}`, "", 400, `must be a response to a preceeding message`},
		{"call without tool message", "POST", chatPath, `{"model":"gpt-4o","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"x"}]}`, "", 400, `did not have response messages: a"`},
		{"bad image", "POST", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`, "", 400, `"code":"invalid_image_format"`},
		{"max_tokens too large", "POST", chatPath, with(`"max_tokens":99999`), "", 400, "max_tokens is too large: 99999. This model supports at most 16384 completion tokens"},
		{"n too large", "POST", chatPath, with(`"n":129`), "", 400, `"param":"n"`},
		{"max_tokens of a reasoning model", "POST", chatPath, `{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"x"}],"max_tokens":5}`, "", 400,
			`{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`},
		{"temperature of a reasoning model", "POST", chatPath, `{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"x"}],"temperature":0.7}`, "", 400,
			`{"error":{"message":"Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}`},
		{"prompt too long", "POST", chatPath, ask(strings.Repeat("word ", 130000)), "", 400, `"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 13`},
		{"json_object without the word", "POST", chatPath, with(`"response_format":{"type":"json_object"}`), "", 400, "must contain the word 'json'"},
		{"loose schema called strict", "POST", chatPath, with(`"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{"b":{"type":"string"}}}}}`), "", 400,
			"Invalid schema for response_format 'a': In context=(), 'additionalProperties' is required"},
		{"filtered prompt", "POST", chatPath, ask("a trigger-hate word"), "", 400,
			`"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"},"jailbreak":{"filtered":false,"detected":false}`},
		{"jailbreak", "POST", chatPath, ask("trigger-jailbreak"), "", 400, `"jailbreak":{"filtered":true,"detected":true}`},
		{"unknown model", "GET", "/openai/v1/models/x", "", "", 404, `"code":"model_not_found"`},
		{"unknown response", "GET", "/openai/v1/responses/x", "", "", 404, `Response with id 'x' not found.`},
		{"no input", "POST", "/openai/v1/embeddings", `{"model":"text-embedding-3-small"}`, "", 400, `"param":"input"`},
		{"empty input", "POST", "/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":""}`, "", 400, `'$.input' is invalid`},
		{"dimensions of ada", "POST", "/openai/v1/embeddings", `{"model":"text-embedding-ada-002","input":"x","dimensions":5}`, "", 400, `does not support specifying dimensions`},
		{"dimensions too many", "POST", "/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":"x","dimensions":1537}`, "", 400, `Must be less than or equal to 1536`},
		{"unknown fault", "POST", chatPath, ask("[[fault: explode]]"), "", 400, `there are statuses from 400 to 599, and cut, reset`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			resp, body := do(t, tt.method, url+tt.path, tt.body, headers...)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s\nwant %d %s", resp.StatusCode, body, tt.status, tt.want)
			}
			if resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Apim-Request-Id") == "" {
				t.Errorf("headers: %v", resp.Header)
			}
		})
	}
}

// A deployment answers as soon as it is there, and no longer than that.
func TestSetDeployments(t *testing.T) {
	s, url := start(t, nil)
	ask := func(model string) int {
		t.Helper()
		resp, _ := do(t, "POST", url+"/openai/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"hello"}]}`)
		return resp.StatusCode
	}
	if status := ask("mine"); status != http.StatusNotFound {
		t.Errorf("before it is there: %d", status)
	}
	s.SetDeployments([]Deployment{{Name: "mine", Model: "gpt-5.4-mini", Type: "GlobalStandard"}})
	if status := ask("mine"); status != http.StatusOK {
		t.Errorf("once it is there: %d", status)
	}
	s.SetDeployments(nil)
	if status := ask("mine"); status != http.StatusNotFound {
		t.Errorf("once it is gone: %d", status)
	}
}

func TestCredentials(t *testing.T) {
	s, url := start(t, func(o *Options) {
		o.VerifyBearer = func(token string) error {
			if token != "entra" {
				return io.EOF
			}
			return nil
		}
	})
	const dated = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
	tests := []struct {
		name, path, header string
		status             int
		auth               string
	}{
		{"api-key", chatPath, "Api-Key: k", 200, "api-key"},
		{"key as bearer on v1", chatPath, "Authorization: Bearer k", 200, "bearer key"},
		{"key as bearer on a dated path", dated, "Authorization: Bearer k", 401, "bearer token"},
		{"Entra token", dated, "Authorization: Bearer entra", 200, "bearer token"},
		{"bad Entra token", chatPath, "Authorization: Bearer other", 401, "bearer token"},
		{"basic", chatPath, "Authorization: Basic abc", 401, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.Reset()
			resp, body := do(t, "POST", url+tt.path, ask("hi"), "Api-Key: ", tt.header)
			if resp.StatusCode != tt.status {
				t.Errorf("got %d %s", resp.StatusCode, body)
			}
			got := s.Requests()[0]
			if got.Auth != tt.auth || got.Header.Get("Authorization")+got.Header.Get("Api-Key") != "" {
				t.Errorf("recorded %q with %v", got.Auth, got.Header)
			}
		})
	}
	s.SetAPIKeys("old", "new")
	for key, status := range map[string]int{"old": 200, "new": 200, "k": 401} {
		if resp, _ := do(t, "POST", url+chatPath, ask("hi"), "Api-Key: "+key); resp.StatusCode != status {
			t.Errorf("after rotation %q: %d", key, resp.StatusCode)
		}
	}
}

func TestHeaders(t *testing.T) {
	_, url := start(t, func(o *Options) {
		o.EnforceRateLimits = true
		o.Deployments = []Deployment{
			{Name: "gpt-4o", Model: "gpt-4o", Version: "2024-11-20", Type: "Standard", Capacity: 1},
			{Name: "ptu", Model: "gpt-4o", Version: "2024-11-20", Type: "GlobalProvisionedManaged", Capacity: 15},
		}
	})
	resp, _ := do(t, "POST", url+chatPath, ask("hi"), "X-Ms-Client-Request-Id: mine")
	for name, want := range map[string]string{
		"X-Ms-Region": "East US 2", "X-Ms-Deployment-Name": "gpt-4o", "X-Ms-Client-Request-Id": "mine",
		"X-Ratelimit-Limit-Requests": "6", "X-Ratelimit-Remaining-Requests": "5", "X-Ratelimit-Limit-Tokens": "1000",
		"X-Ratelimit-Reset-Tokens": "60", "X-Ms-Rai-Invoked": "true", "Azureml-Model-Session": "d089-20240815073451",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	resp, _ = do(t, "POST", url+chatPath, strings.Replace(ask("hi"), "gpt-4o", "ptu", 1))
	if got := resp.Header.Get("X-Ratelimit-Limit-Requests"); got != "" || resp.Header.Get("X-Ms-Client-Request-Id") != "Not-Set" {
		t.Errorf("provisioned: %v", resp.Header)
	}
	var body string
	for range 6 {
		resp, body = do(t, "POST", url+chatPath, ask("hi"))
	}
	want := "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version v1 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 60 seconds."
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "60" || resp.Header.Get("Retry-After-Ms") != "60000" || !strings.Contains(body, want) {
		t.Errorf("seventh call: %d %v %s", resp.StatusCode, resp.Header, body)
	}
}
