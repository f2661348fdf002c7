package workflows_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

// limitedKey is of a caller that may use one model only.
const limitedKey = "sk-limited"

// upgradeWorld is a world in which a job is recorded or finished: batches can be held up, and Azure's requests are kept.
type upgradeWorld struct {
	*world
	gate *gate
}

func newUpgradeWorld(t *testing.T, pass int, change func(*stack.Options)) *upgradeWorld {
	t.Helper()
	w := &upgradeWorld{gate: &gate{pass: pass, reached: make(chan struct{}), opened: make(chan time.Time)}}
	w.world = newWorld(t, map[string]string{"BatchOnlineConcurrency": "1"}, func(o *stack.Options) {
		o.Azure.Emulator.DisableRecording = false
		o.Azure.Emulator.After = w.gate.after
		change(o)
	})
	t.Cleanup(w.gate.open)
	w.stack.Secrets.Put(w.stack.Template.Parameters["AzureSecretId"], `{"resources":[{"name":"one","endpoint":"`+w.stack.AzureURL+`","api_key":"local","deployments":[
		{"model":"gpt-4o","type":"GlobalStandard"},{"model":"gpt-4o-mini","type":"GlobalStandard"},
		{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]}],
		"prices":{"gpt-4o-mini":{"GlobalStandard":{"input":1,"output":1}}}}`)
	w.stack.Secrets.Put(w.stack.CallersSecretID(),
		fmt.Sprintf(`{"callers":[{"name":"limited","sha256":"%x","models":["gpt-4o-mini"]}]}`, sha256.Sum256([]byte(limitedKey))))
	return w
}

// held is a time that lasts until the gate is opened.
const held = time.Hour

// paces hold batches up, by the status in which they do; one in progress has executed a line.
var paces = map[string]azureopenai.Pace{"validating": {Validating: held}, "in_progress": {PerLine: held}}

// gate is the clock of the emulator's batches. It is shut in the beginning.
type gate struct {
	mu      sync.Mutex
	pass    int           // how often a batch still gets through
	waiting bool          // a batch has come to it
	reached chan struct{} // closed then
	isOpen  bool
	opened  chan time.Time // closed then
}

func (g *gate) after(d time.Duration) <-chan time.Time {
	if d != held {
		return time.After(d)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pass > 0 {
		g.pass--
		past := make(chan time.Time)
		close(past)
		return past
	}
	if !g.waiting {
		g.waiting = true
		close(g.reached)
	}
	return g.opened
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isOpen {
		g.isOpen = true
		close(g.opened)
	}
}

// request is one to the stack's API or to Azure.
type request struct {
	method, url string
	header      map[string]string
	body        []byte
	contentType string
}

// api sends a request of the limited caller to the stack, azure one to the emulator. They return the body of a 2xx.
func (w *upgradeWorld) api(r request) []byte {
	w.t.Helper()
	r.url, r.header = w.stack.URL+r.url, map[string]string{"Authorization": "Bearer " + limitedKey}
	return w.send(r)
}

func (w *upgradeWorld) azure(r request) []byte {
	w.t.Helper()
	r.url = w.stack.AzureURL + "/openai/v1" + r.url
	if r.header == nil {
		r.header = map[string]string{"X-Emulator-Fault": "delay=0s"} // none, and no rule's either
	}
	r.header["Api-Key"] = "local"
	return w.send(r)
}

func (w *upgradeWorld) send(r request) []byte {
	w.t.Helper()
	out, err := http.NewRequest(r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range r.header {
		out.Header.Set(name, value)
	}
	if r.contentType != "" {
		out.Header.Set("Content-Type", r.contentType)
	}
	answer, err := http.DefaultClient.Do(out)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		w.t.Fatalf("%s %s: %s %s %v", r.method, r.url, answer.Status, body, err)
	}
	return body
}

// upload is a request that uploads a batch's input.
func upload(url, name string, content []byte) request {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("purpose", "batch") // a buffer takes everything
	file, _ := form.CreateFormFile("file", name)
	_, _ = file.Write(content)
	_ = form.Close()
	return request{method: http.MethodPost, url: url, body: body.Bytes(), contentType: form.FormDataContentType()}
}

func post(url string, body any) request {
	raw, _ := json.Marshal(body) // the tests' own values always marshal
	return request{method: http.MethodPost, url: url, body: raw, contentType: "application/json"}
}

func get(url string) request { return request{method: http.MethodGet, url: url} }

// decode reads JSON that has to be of its type.
func decode[T any](t *testing.T, raw []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

// batches are Azure's, the oldest first.
func (w *upgradeWorld) batches() []*azureBatch {
	w.t.Helper()
	list := decode[struct{ Data []*azureBatch }](w.t, w.azure(get("/batches?limit=100"))).Data
	slices.Reverse(list)
	return list
}
