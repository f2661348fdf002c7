package jsonl

import (
	"strings"
	"testing"

	"aoai-bridge/shared/rawjson"
)

func TestParseURL(t *testing.T) {
	for _, tt := range []struct{ url, endpoint, deployment string }{
		{"/v1/chat/completions", ChatCompletions, ""},
		{"/chat/completions", ChatCompletions, ""},
		{"chat/completions", ChatCompletions, ""},
		{"v1/responses", Responses, ""},
		{"/chat/completions/", ChatCompletions, ""},
		{"//v1//embeddings//", Embeddings, ""},
		{" /v1/embeddings\n", Embeddings, ""},
		{"/openai/v1/chat/completions", ChatCompletions, ""},
		{"/openai/responses", Responses, ""},
		{"/V1/Chat/Completions", ChatCompletions, ""},
		{"/v1/chat/completions?api-version=2024-10-21", ChatCompletions, ""},
		{"/openai/deployments/gpt-4o/chat/completions", ChatCompletions, "gpt-4o"},
		{"openai/deployments/My-4o/chat/completions/?api-version=2024-10-21", ChatCompletions, "My-4o"},
		{"/deployments/v1/embeddings", Embeddings, "v1"},
		{"/openai/deployments/a%2Fb%20c/responses", Responses, "a/b c"},
		{"https://one.openai.azure.com/openai/deployments/X/chat/completions?api-version=2024-10-21", ChatCompletions, "X"},
		{"https://api.openai.com/v1/chat/completions", ChatCompletions, ""},
		{"HTTPS://one.services.ai.azure.com/openai/v1/responses/", Responses, ""},
		{"https://abc.execute-api.eu-west-1.amazonaws.com/prod/v1/embeddings", Embeddings, ""},
		{"http://127.0.0.1:8080/v1/embeddings#x", Embeddings, ""},

		{"", "", ""},
		{"/", "", ""},
		{"/v1/completions", "", ""},
		{"/completions", "", ""},
		{"/v1/chat", "", ""},
		{"/v1/chat/completions/extra", "", ""},
		{"/v2/chat/completions", "", ""},
		{"/prod/v1/chat/completions", "", ""},
		{"/v1/v1/responses", "", ""},
		{"/deployments/responses", "", ""},
		{"https://one.openai.azure.com", "", ""},
		{"https://one.openai.azure.com/openai/deployments/X/completions", "", ""},
		{"mailto:chat/completions", "", ""},
		{"%zz/chat/completions", "", ""},
		{"/v1/responses/resp_1", "", ""},
	} {
		if endpoint, deployment := parseURL(tt.url); endpoint != tt.endpoint || deployment != tt.deployment {
			t.Errorf("%q: got %q and %q, want %q and %q", tt.url, endpoint, deployment, tt.endpoint, tt.deployment)
		}
	}
}

// What is refused of a line's target says what it is and what to write.
func TestTargetIsRefused(t *testing.T) {
	for _, tt := range []struct{ members, code, want string }{
		{`"url":"/v1/responses"`, "invalid_method", `There is no 'method'. Write "method": "POST".`},
		{`"method":"GET","url":"/v1/responses"`, "invalid_method", `'method' is "GET", and requests of a batch are posted.`},
		{`"method":1,"url":"/v1/responses"`, "invalid_method", `'method' is a number.`},
		{`"method":"post"`, "invalid_url", `There is no 'url'. Write "/v1/chat/completions",`},
		{`"method":"Post","url":"/v1/completions"`, "invalid_url", `'url' is "/v1/completions", which is none of`},
		{`"method":" POST ","url":["/v1/responses"]`, "invalid_url", `'url' is an array. Write "/v1/chat/completions",`},
	} {
		var tree rawjson.Tree
		_, bad := Parse(&tree, RawLine{Number: 1, Text: []byte(`{` + tt.members + `,"body":{"model":"m"}}`)})
		if bad == nil || bad.Code != tt.code || !strings.HasPrefix(bad.Message, "Line 1: "+tt.want) {
			t.Errorf("%s: got %+v, want %s: %s", tt.members, bad, tt.code, tt.want)
		}
	}
}

// A model that only the url names is put into the body.
func TestModelOfTheURL(t *testing.T) {
	const url = `"method":"POST","url":"/openai/deployments/dep/responses","body":`
	for _, tt := range []struct{ body, model, want string }{
		{`{}`, "dep", `{"model":"dep"}`},
		{`{"input":"a"}`, "dep", `{"input":"a","model":"dep"}`},
		{`{"model":null,"input":"a"}`, "dep", `{"model":"dep","input":"a"}`},
		{`{"model":"","input":"a"}`, "dep", `{"model":"dep","input":"a"}`},
		{`{"input":"a","model":"dep"}`, "dep", `{"input":"a","model":"dep"}`},
		{`{"model":"other"}`, "other", `{"model":"other"}`},
		{`{"model":7}`, "", ""},
	} {
		var tree rawjson.Tree
		l, bad := Parse(&tree, RawLine{Number: 1, Text: []byte(`{` + url + tt.body + `}`)})
		if bad != nil {
			if tt.want != "" || bad.Code != "missing_required_parameter" {
				t.Errorf("%s: %+v", tt.body, bad)
			}
			continue
		}
		body := l.BodyFor(l.Model)
		if got := string(body.Bytes()); l.Model != tt.model || l.Deployment != "dep" || got != tt.want || body.Len() != len(got) {
			t.Errorf("%s: got %s of %q and %q, want %s", tt.body, got, l.Model, l.Deployment, tt.want)
		}
	}
}
