package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/shared/batch/job"
)

// twins lists two resources of which each has a deployment of one name for a model of its own.
func (w *world) twins(deployment, kind string) {
	resource := func(name, key, model string) string {
		return fmt.Sprintf(`{"name":%q,"endpoint":%q,"api_key":%q,"deployments":[{"name":%q,"model":%q,"type":%q,"capacity":1}]}`, name, url, key, deployment, model, kind)
	}
	w.secret(`{"resources":[` + resource("one", "local", "gpt-4o-mini") + `,` + resource("two", "second", "gpt-4o") + `],"prices":` + prices + `}`)
}

// bound is the input of a job whose owner's key is bound to models.
func bound(key string, limits job.Limits) string {
	raw, _ := json.Marshal(job.Input{Bucket: bucket, Key: key, Limits: limits})
	return string(raw)
}

// TestPartsOfTwins cuts a file for a deployment's name that stands for two models.
func TestPartsOfTwins(t *testing.T) {
	const deployment = "gpt-4o-mini-batch"
	tests := []struct {
		name   string
		limits job.Limits
		want   string // resource and model of each part
		failed int
	}{
		{"bound to the first one's model", job.Limits{Models: []string{"gpt-4o-mini"}}, "one gpt-4o-mini, one gpt-4o-mini", 0},
		{"bound to the second one's", job.Limits{Models: []string{"gpt-4o"}}, "two gpt-4o, two gpt-4o", 0},
		{"bound to the name", job.Limits{Models: []string{deployment}}, "one gpt-4o-mini, two gpt-4o", 0},
		{"not bound", job.Limits{}, "one gpt-4o-mini, two gpt-4o", 0},
		{"bound to neither", job.Limits{Models: []string{"o4-mini"}}, "", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.twins(deployment, "GlobalBatch")
			w.Put("inputs/n.jsonl", manyLines(200, deployment))
			a := w.plan(bound("inputs/n.jsonl", tt.limits))
			var got []string
			for _, p := range w.planOf(a.Job).Parts {
				got = append(got, p.Resource+" "+p.Serves)
			}
			if strings.Join(slices.Sorted(slices.Values(got)), ", ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
			rejected, _ := w.Get("jobs/" + a.Job + "/rejected-0000.jsonl")
			if n := strings.Count(rejected, "model_not_allowed"); n != tt.failed {
				t.Errorf("%d lines may not be sent, want %d", n, tt.failed)
			}
		})
	}
}

// TestLinesOfBoundKeys is about what else a line may name, with records as they were before there was "allow", too.
func TestLinesOfBoundKeys(t *testing.T) {
	line := func(url, members string) string {
		return `{"custom_id":"x","method":"POST","url":"` + url + `","body":{"model":"gpt-4o-mini",` + members + `}}`
	}
	const chats, responses, say = "/v1/chat/completions", "/v1/responses", `"messages":[{"role":"user","content":"Say yes"}]`
	search := func(authentication, deployment string) string {
		return line(chats, say+`,"data_sources":[{"type":"azure_search","parameters":{"endpoint":"https://s","index_name":"i","authentication":{"type":"`+authentication+`"},`+
			`"embedding_dependency":{"type":"deployment_name","deployment_name":"`+deployment+`"}}}]`)
	}
	tests := []struct{ name, line, bound, allowed string }{
		{"nothing", line(chats, say), "sent", "sent"},
		{"a tool's model", line(responses, `"input":"Say yes","tools":[{"type":"image_generation","model":"gpt-4o"}]`), "model_not_allowed", "model_not_allowed"},
		{"one that the key may use", line(responses, `"input":"Say yes","tools":[{"type":"image_generation","model":"gpt-4o-mini-batch"}]`), "sent", "sent"},
		{"an embedding's deployment", search("api_key", "text-embedding-3-small"), "model_not_allowed", "model_not_allowed"},
		{"Azure's identity", search("system_assigned_managed_identity", "gpt-4o-mini"), "managed_identity_not_allowed", "sent"},
		{"a file", line(responses, `"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]`), "not_found", "sent"},
		{"a prompt", line(responses, `"input":"x","prompt":{"id":"pmpt_1"}`), "not_found", "sent"},
		{"a response before it", line(responses, `"input":"x","previous_response_id":"resp_1"`), "not_found", "sent"},
		{"which another member hides", line(responses, `"input":"x","previous_response_id":null,"previous_respon\u0073e_id":"resp_1"`), "not_found", "sent"},
		{"no response before it", line(responses, `"input":"x","previous_response_id":null`), "sent", "sent"},
		{"another case", line(responses, `"input":"x","Conversation":"conv_1"`), "not_found", "sent"},
	}
	var file strings.Builder
	for _, tt := range tests {
		file.WriteString(tt.line + "\n")
	}
	models := []string{"gpt-4o-mini"}
	for name, limits := range map[string]job.Limits{
		"bound": {Models: models}, "allowed": {Models: models, Allow: []string{"state", "data_sources"}}, "any": {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Put("inputs/n.jsonl", file.String())
			a := w.plan(bound("inputs/n.jsonl", limits))
			rejected, _ := w.Get("jobs/" + a.Job + "/rejected-0000.jsonl")
			codes := map[int]string{}
			for i := range tests {
				codes[i] = "sent"
			}
			for text := range strings.Lines(rejected) {
				var e struct {
					Error struct {
						Code, Message string
						Line          int
					}
				}
				if err := json.Unmarshal([]byte(text[strings.IndexByte(text, '{'):]), &e); err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				codes[e.Error.Line-1] = e.Error.Code
			}
			for i, tt := range tests {
				want := map[string]string{"bound": tt.bound, "allowed": tt.allowed, "any": "sent"}[name]
				if codes[i] != want {
					t.Errorf("%s: %s, want %s", tt.name, codes[i], want)
				}
			}
		})
	}
}

// A deployment in a url gives a bound key nothing that a model in the body would not.
func TestDeploymentInURL(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ deployment, body, bound, free string }{
		{"gpt-4o-mini", `{"input":"a"}`, "sent", "sent"},
		{"gpt-4o-mini-batch", `{"model":"gpt-4o-mini","input":"a"}`, "sent", "sent"},
		{"gpt-4o", `{"input":"a"}`, "model_not_allowed", "sent"},
		{"gpt-4o", `{"model":"gpt-4o-mini","input":"a"}`, "model_mismatch", "model_mismatch"},
		{"gpt-4o-mini", `{"model":"gpt-4o","input":"a"}`, "model_not_allowed", "model_mismatch"},
		{"nothing", `{"input":"a"}`, "model_not_allowed", "model_not_found"},
	} {
		for _, caller := range []struct {
			models []string
			want   string
		}{{[]string{"gpt-4o-mini"}, tt.bound}, {nil, tt.free}} {
			w.Put("inputs/n.jsonl", `{"method":"POST","url":"/openai/deployments/`+tt.deployment+`/responses","body":`+tt.body+`}`)
			a := w.plan(bound("inputs/n.jsonl", job.Limits{Models: caller.models}))
			code := "sent"
			if rejected, _ := w.Get("jobs/" + a.Job + "/rejected-0000.jsonl"); rejected != "" {
				_, code, _ = strings.Cut(rejected, `"code":"`)
				code, _, _ = strings.Cut(code, `"`)
			}
			if code != caller.want {
				t.Errorf("%s with %s for %v: %s, want %s", tt.deployment, tt.body, caller.models, code, caller.want)
			}
		}
	}
}
