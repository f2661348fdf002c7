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
	"aoai-bridge/shared/batch/job"
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
			w.Put("inputs/n.jsonl", manyLines(2, "gpt-4o-mini-batch"))
			a := w.plan(bound("inputs/n.jsonl", tt.limits), "execution-1")
			w.secret(fmt.Sprintf(listed, w.url, "gpt-4o"))
			w.now = w.now.Add(time.Hour) // the secret is read again
			step := &job.Step{Job: a.Job, Part: w.parts(a.Job)[0].Number}
			_, err := task[*job.Step](w, "submit", object{"task": "submit", "step": step})
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
			w.Put("inputs/n.jsonl", manyLines(20, "gpt-4o-mini"))
			sum := w.run(bound("inputs/n.jsonl", object{"models": tt.models}))
			if sum.Lines.Succeeded != 20 || (keys["second"] > 0) != tt.second || keys["local"] == 0 {
				t.Errorf("%+v, by key %v", sum.Lines, keys)
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
	w.Put("inbox/dots.jsonl", file.String(), "cost-ceiling", "none")
	w.run(w.event("inbox/dots.jsonl"))
	for _, r := range w.results("results/dots.jsonl") {
		if r.says() != "status 404" {
			t.Errorf("got %s", r.says())
		}
	}
}
