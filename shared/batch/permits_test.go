package batch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/config"
)

// twins lists two resources, both at the emulator, of which each has a deployment of one name for a model of its
// own. The emulator sees by the key which of them is asked.
func (w *world) twins(deployment, kind string) {
	w.azure.SetAPIKeys("local", "second")
	resource := func(name, key, model string) string {
		return fmt.Sprintf(`{"name":%q,"endpoint":%q,"api_key":%q,"deployments":[{"name":%q,"model":%q,"type":%q,"capacity":1}]}`, name, w.url, key, deployment, model, kind)
	}
	w.secret(`{"resources":[` + resource("one", "local", "gpt-4o-mini") + `,` + resource("two", "second", "gpt-4o") + `],"prices":` + prices + `}`)
}

// bound is the input of a job whose owner's key is bound to models.
func bound(key string, limits object) string {
	raw, _ := json.Marshal(object{"bucket": bucket, "key": key, "limits": limits})
	return string(raw)
}

// TestPartsOfTwins cuts a file for a deployment's name that stands for two models.
func TestPartsOfTwins(t *testing.T) {
	const deployment = "gpt-4o-mini-batch"
	tests := []struct {
		name   string
		limits object
		want   string // resource and model of each part
		failed int
	}{
		{"bound to the first one's model", object{"models": []string{"gpt-4o-mini"}}, "one gpt-4o-mini, one gpt-4o-mini", 0},
		{"bound to the second one's", object{"models": []string{"gpt-4o"}}, "two gpt-4o, two gpt-4o", 0},
		{"bound to the name", object{"models": []string{deployment}}, "one gpt-4o-mini, two gpt-4o", 0},
		{"not bound", object{}, "one gpt-4o-mini, two gpt-4o", 0},
		{"bound to neither", object{"models": []string{"o4-mini"}}, "", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.twins(deployment, "GlobalBatch")
			w.put("inputs/n.jsonl", manyLines(200, deployment))
			a := w.plan(bound("inputs/n.jsonl", tt.limits), "execution-1")
			var got []string
			for _, p := range w.parts(a.Job) {
				got = append(got, p.Resource+" "+p.Serves)
			}
			if strings.Join(sort(got), ", ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
			rejected, _ := w.get("jobs/" + a.Job + "/rejected-0000.jsonl")
			if n := strings.Count(rejected, "model_not_allowed"); n != tt.failed {
				t.Errorf("%d lines may not be sent, want %d", n, tt.failed)
			}
		})
	}
}

// TestPartOfAnotherModel has a part's deployment serve another model before the part is sent.
func TestPartOfAnotherModel(t *testing.T) {
	const listed = `{"endpoint":%q,"api_key":"local","deployments":[{"name":"gpt-4o-mini-batch","model":%q,"type":"GlobalBatch"}]}`
	for name, tt := range map[string]struct {
		limits object
		status int // of the submit; 0 is sent
	}{"bound": {object{"models": []string{"gpt-4o-mini"}}, http.StatusBadRequest}, "bound to both": {object{"models": []string{"gpt-4o-mini", "gpt-4o"}}, 0}, "not bound": {object{}, 0}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.secret(fmt.Sprintf(listed, w.url, "gpt-4o-mini"))
			w.put("inputs/n.jsonl", manyLines(2, "gpt-4o-mini-batch"))
			a := w.plan(bound("inputs/n.jsonl", tt.limits), "execution-1")
			w.secret(fmt.Sprintf(listed, w.url, "gpt-4o"))
			w.now = w.now.Add(time.Hour) // the secret is read again
			step := &batch.Step{Job: a.Job, Part: w.parts(a.Job)[0].Number}
			_, err := task[*batch.Step](w, "submit", object{"task": "submit", "step": step})
			if f, _ := err.(*failure); (f != nil) != (tt.status > 0) || f != nil && (f.status != tt.status || !strings.Contains(f.body, "model_not_allowed")) {
				t.Errorf("got %v", err)
			}
			if n := len(w.azureList("batches")); (n == 1) != (tt.status == 0) {
				t.Errorf("Azure has %d batches", n)
			}
		})
	}
}

// TestOnlineLinesOfTwins has the first of two deployments of a name be busy.
func TestOnlineLinesOfTwins(t *testing.T) {
	for name, tt := range map[string]struct {
		models []string
		second bool // is asked
	}{"bound to the first one's model": {[]string{"gpt-4o-mini"}, false}, "not bound": {nil, true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.twins("gpt-4o-mini", "GlobalStandard")
			var mu sync.Mutex
			keys := map[string]int{}
			w.asked = func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				keys[r.Header.Get("Api-Key")]++
			}
			w.fault(azureopenai.FaultRule{Fault: "429;retry-after=1", Count: 2})
			w.put("inputs/n.jsonl", manyLines(20, "gpt-4o-mini"))
			sum := w.run(bound("inputs/n.jsonl", object{"models": tt.models}))
			if sum.Lines.Succeeded != 20 || (keys["second"] > 0) != tt.second || keys["local"] == 0 {
				t.Errorf("%+v, by key %v", sum.Lines, keys)
			}
		})
	}
}

// TestLinesOfBoundKeys is about what else a line may name, with records as they were before there was "allow", too.
func TestLinesOfBoundKeys(t *testing.T) {
	line := func(url, members string) string {
		return `{"custom_id":"x","method":"POST","url":"` + url + `","body":{"model":"gpt-4o-mini",` + members + `}}`
	}
	const chat, responses, say = "/v1/chat/completions", "/v1/responses", `"messages":[{"role":"user","content":"Say yes"}]`
	search := func(authentication, deployment string) string {
		return line(chat, say+`,"data_sources":[{"type":"azure_search","parameters":{"endpoint":"https://s","index_name":"i","authentication":{"type":"`+authentication+`"},`+
			`"embedding_dependency":{"type":"deployment_name","deployment_name":"`+deployment+`"}}}]`)
	}
	tests := []struct{ name, line, bound, allowed string }{
		{"nothing", line(chat, say), "sent", "sent"},
		{"a tool's model", line(responses, `"input":"Say yes","tools":[{"type":"image_generation","model":"gpt-4o"}]`), "model_not_allowed", "model_not_allowed"},
		{"one that the key may use", line(responses, `"input":"Say yes","tools":[{"type":"image_generation","model":"gpt-4o-mini-batch"}]`), "sent", "sent"},
		{"an embedding's deployment", search("api_key", "text-embedding-3-small"), "model_not_allowed", "model_not_allowed"},
		{"Azure's identity", search("system_assigned_managed_identity", "gpt-4o-mini"), "managed_identity_not_allowed", "sent"},
		{"a file", line(responses, `"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]`), "not_found", "sent"},
		{"a prompt", line(responses, `"input":"x","prompt":{"id":"pmpt_1"}`), "not_found", "sent"},
		{"another case", line(responses, `"input":"x","Conversation":"conv_1"`), "not_found", "sent"},
	}
	var file strings.Builder
	for _, tt := range tests {
		file.WriteString(tt.line + "\n")
	}
	models := []string{"gpt-4o-mini"}
	for name, limits := range map[string]object{
		"bound": {"models": models}, "allowed": {"models": models, "allow": []string{"state", "data_sources"}}, "any": {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.put("inputs/n.jsonl", file.String())
			a := w.plan(bound("inputs/n.jsonl", limits), "execution-1")
			rejected, _ := w.get("jobs/" + a.Job + "/rejected-0000.jsonl")
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

// TestLinesWithDots is about a secret that lists no deployments, with which a line's model stands in a dated path.
func TestLinesWithDots(t *testing.T) {
	w := newWorld(t, func(env *config.Batch) { env.APIVersion = "2024-10-21" })
	w.secret(fmt.Sprintf(`{"endpoint":%q,"api_key":"local"}`, w.url))
	w.asked = func(r *http.Request) { t.Errorf("Azure was asked %s %s", r.Method, r.URL.Path) }
	names := []string{"..", "../../models", "%2e%2e"}
	var file strings.Builder
	for _, name := range names {
		file.WriteString(strings.Replace(chat("x", name, "yes"), `"method"`, `"mode":"online","method"`, 1) + "\n")
	}
	w.put("inbox/dots.jsonl", file.String(), "cost-ceiling", "none")
	w.run(w.event("inbox/dots.jsonl"))
	for _, r := range w.results("results/dots.jsonl") {
		if r.says() != "status 404" {
			t.Errorf("got %s", r.says())
		}
	}
}
