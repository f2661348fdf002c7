package estimateapi_test

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/plan"
	s3bucket "aoai-bridge/shared/bucket"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/estimateapi"
)

const bucket = "aoai-bridge-batch"

// openFiles serves estimates of files in a bucket to any invoker.
func openFiles(t testing.TB, files map[string]string) http.Handler {
	t.Helper()
	a := testaws.New(t, bucket)
	a.Secrets.Put("azure", `{"endpoint":"https://r.openai.azure.com","api_key":"k","deployments":[{"model":"gpt-5.4","type":"GlobalBatch"},
		{"model":"gpt-4o","type":"GlobalStandard"},{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch","capacity":1},
		{"name":"gpt-4.1-batch","model":"gpt-4.1","type":"GlobalBatch"},{"name":"own","model":"nobody-knows","type":"GlobalStandard"},
		{"model":"text-embedding-3-small","type":"GlobalStandard"},{"model":"gpt-6.1-sol","type":"GlobalStandard"}]}`)
	for name, content := range files {
		a.Put(name, content)
	}
	client := azure.New(azure.Options{Secrets: secretsmanager.NewFromConfig(a.Config), Env: config.Env{AzureSecretID: "azure"}})
	planner := plan.New(plan.Options{Store: s3bucket.New(a.Config, bucket), Azure: client, Env: config.Batch{Bucket: bucket, OutputTokens: 100}})
	return callers.Trust("workflow", estimateapi.New(client, estimateapi.Files{Planner: planner}, today))
}

func line(model, url, members string) string {
	return `{"custom_id":"x","method":"POST","url":"/v1/` + url + `","body":{"model":"` + model + `",` + members + `}}` + "\n"
}

func TestFile(t *testing.T) {
	hello := line("gpt-4o", "chat/completions", `"messages":[{"role":"user","content":"hello"}],"max_tokens":50`)
	h := openFiles(t, map[string]string{
		"a.jsonl": strings.Repeat(hello, 200) + "not JSON\n" +
			line("gpt-4.1", "responses", `"input":"hello"`) + line("text-embedding-3-small", "embeddings", `"input":["hello","hello world"]`) +
			line("nobody", "chat/completions", `"messages":[]`),
		"priced.jsonl": strings.Repeat(hello, 1000),
		"zones.jsonl":  strings.Repeat(line("gpt-6.1-sol", "responses", `"input":"`+strings.Repeat("hello ", 993)+`","max_output_tokens":100`), 300),
		"odd.jsonl":    line("own", "chat/completions", `"messages":[]`),
	})
	get := func(key string) (r estimateapi.FileReport) {
		w := post(h, "", "/v1/tokens/estimate", `{"s3":{"key":"`+key+`"}}`)
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != 200 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		return r
	}
	r := get("a.jsonl")
	if !r.Complete || r.Next != nil || r.Lines != 204 || r.Refused != 2 || r.Refusals[0].Line != 201 || r.Refusals[1].Code != "model_not_found" {
		t.Errorf("got %+v", r)
	}
	if len(r.Models) != 3 || r.Total.InputTokens != 200*8+8+3 || r.Total.OutputTokens != 200*50+100 || r.Total.Lines != 202 {
		t.Errorf("total is %+v of %+v", r.Total, r.Models)
	}
	if m := r.Models[0]; m.Parts != 2 || !m.QuotaShort || m.MostTokens > 1000 || m.Guessed != 0 || m.Quota != nil {
		t.Errorf("gpt-4o is %+v", m)
	}
	if m := r.Models[1]; m.Quota == nil || *m.Quota.Default != 200000000 {
		t.Errorf("gpt-4.1 is %+v", m)
	}
	// Embeddings have no batch, so there is no sum of it.
	if r.Total.USD["GlobalStandard"] == nil || r.Total.USD["GlobalBatch"] != nil {
		t.Errorf("sums are %v", r.Total.USD)
	}
	if usd := get("priced.jsonl").Total.USD; *usd["GlobalStandard"] != 0.52 || *usd["GlobalBatch"] != 0.26 || usd["Standard"] != nil {
		t.Errorf("sums are %v", usd)
	}
	// Three data zones have two prices, and 300 calls of 1,000 tokens are no long prompt.
	if usd := get("zones.jsonl").Total.USD; *usd["GlobalStandard"] != 0.9 || *usd["DataZoneStandard"] != 1.08 || usd["GlobalBatch"] != nil {
		t.Errorf("sums are %g, %g and %v", *usd["GlobalStandard"], *usd["DataZoneStandard"], usd["GlobalBatch"])
	}
	if m := get("odd.jsonl").Models[0]; m.Guessed != 1 || m.Tokens == 0 || m.Cost != nil {
		t.Errorf("a model that nobody knows is %+v", m)
	}
}

// What is not counted in a file must be named and bounded, as of one request.
func TestFileNotCounted(t *testing.T) {
	hello := line("gpt-4o", "responses", `"input":"hello","max_output_tokens":100`)
	unlimited := line("gpt-4o", "responses", `"input":"hello"`)
	pdf := line("gpt-4o", "responses", `"input":[{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,JVBERi0="}]}],"max_output_tokens":100`)
	stored := line("gpt-4o", "responses", `"input":"hello","previous_response_id":"resp_1","max_output_tokens":100`)
	search := line("gpt-4o", "responses", `"input":"hello","tools":[{"type":"web_search"}],"max_output_tokens":100`)
	image := line("gpt-4o", "responses", `"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png"}]}],"max_output_tokens":100`)
	long := line("gpt-6.1-sol", "responses", `"input":"hello","previous_response_id":"resp_1","max_output_tokens":100`)
	short := strings.Repeat(line("gpt-6.1-sol", "responses", `"input":"hello","max_output_tokens":100`), 9)
	for _, tt := range []struct {
		name, file string
		basis      estimate.Basis
		missing    string
		input      string // at most, as JSON
		usd        string // at most, on Global Standard
		bound      string // of output
		why        string
	}{
		{"all counted", hello + hello, estimate.Documented, "", "null", "0.00204", "200", ""},
		{"no limit of output", unlimited + hello, estimate.Documented, "", "null", "0.16488", "16484", ""},
		{"a PDF", hello + pdf, estimate.Documented, "files", "128008", "0.32202", "200", ""},
		{"a PDF and what is stored", pdf + stored + pdf, estimate.Documented, "files,stored", "384000", "0.963", "300", ""},
		{"a search", pdf + search, estimate.Documented, "files,built_in_tools", "null", "null", "200", "web_search"},
		{"an image by URL", image, estimate.Estimated, "", "null", "0.00463", "100", ""},
		{"a line that cannot be counted", hello + line("gpt-4o", "responses", `"input":7`), estimate.Estimated, "", "null", "null", "null", "guessed"},
		// One of ten calls may be a long prompt, which costs twice as much, and all of it may be written to the cache.
		{"a call that may be long", short + long, estimate.Estimated, "stored", "922063", "*", "1000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := post(openFiles(t, map[string]string{"a.jsonl": tt.file}), "", "/v1/tokens/estimate", `{"s3":{"key":"a.jsonl"}}`)
			var r estimateapi.FileReport
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != 200 || len(r.Models) != 1 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			m := r.Models[0]
			if r.Basis != tt.basis || m.Basis != tt.basis || strings.Join(r.NotCounted, ",") != tt.missing || strings.Join(m.NotCounted, ",") != tt.missing {
				t.Errorf("got %s without %q, of a row that is %s without %q; want %s without %q", r.Basis, r.NotCounted, m.Basis, m.NotCounted, tt.basis, tt.missing)
			}
			c := m.Cost[0]
			if show(m.InputMost) != tt.input || show(c.OutputBound) != tt.bound || !strings.Contains(c.AtMostReason, tt.why) || (c.AtMost == nil) != (c.AtMostReason != "") {
				t.Errorf("at most %s tokens and %s of output (%q), want %s and %s", show(m.InputMost), show(c.OutputBound), c.AtMostReason, tt.input, tt.bound)
			}
			if tt.usd != "*" && (show(c.AtMost) != tt.usd || show(r.Total.AtMost["GlobalStandard"]) != tt.usd) {
				t.Errorf("at most %s USD, and %s in all, want %s", show(c.AtMost), show(r.Total.AtMost["GlobalStandard"]), tt.usd)
			}
			for _, id := range []string{"azure-models", "litellm"} {
				if r.Sources[id].What == "" {
					t.Errorf("source %s is not in %v", id, r.Sources)
				}
			}
			if long := c.AtMost != nil && tt.missing == "stored"; long && *c.AtMost < 922_000*2*2*1.25/1e6 {
				t.Errorf("at most %g USD, which is no bound of a long prompt that is written to the cache", *c.AtMost)
			}
		})
	}
}

// Each line is priced by its own size, and what a job is held against its ceiling with stands beside the costs.
func TestFileOfLongLines(t *testing.T) {
	short := strings.Repeat(line("gpt-5.4", "responses", `"input":"x","max_output_tokens":1000`), 9)
	long := line("gpt-5.4", "responses", `"input":"`+strings.Repeat("word ", 300_000)+`","max_output_tokens":1000`)
	for _, tt := range []struct {
		name, file              string
		standard, batch, atMost float64
	}{
		{"short ones", short, 9 * (7*2.5 + 1000*15) / 1e6, 9 * (7*1.25 + 1000*7.5) / 1e6, 9 * (7*2.5 + 1000*15) / 1e6},
		{"a long one", long, (300_007*5 + 1000*22.5) / 1e6, (300_007*2.5 + 1000*11.25) / 1e6, (300_007*5 + 1000*22.5) / 1e6},
		{"both", short + long, (9*(7*2.5+1000*15) + 300_007*5 + 1000*22.5) / 1e6, (9*(7*1.25+1000*7.5) + 300_007*2.5 + 1000*11.25) / 1e6, (9*(7*2.5+1000*15) + 300_007*5 + 1000*22.5) / 1e6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := post(openFiles(t, map[string]string{"a.jsonl": tt.file}), "", "/v1/tokens/estimate", `{"s3":{"key":"a.jsonl"}}`)
			var r estimateapi.FileReport
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != 200 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			near := func(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 1e-8 }
			if !near(r.Total.USD["GlobalStandard"], tt.standard) || !near(r.Total.USD["GlobalBatch"], tt.batch) || !near(r.Total.AtMost["GlobalStandard"], tt.atMost) {
				t.Errorf("got %s, %s by batch and at most %s, want %g, %g and %g", show(r.Total.USD["GlobalStandard"]), show(r.Total.USD["GlobalBatch"]), show(r.Total.AtMost["GlobalStandard"]), tt.standard, tt.batch, tt.atMost)
			}
			if !near(r.Job.USD, tt.batch) || !near(r.Job.AtMost, tt.batch) {
				t.Errorf("a job costs %s, and at most %s", show(r.Job.USD), show(r.Job.AtMost))
			}
		})
	}
}

func TestFileGoesOn(t *testing.T) {
	h := openFiles(t, map[string]string{"a.jsonl": "bad\n" + line("gpt-4o", "chat/completions", `"messages":[{"role":"user","content":"hello"}]`)})
	w := post(h, "", "/v1/tokens/estimate", `{"s3":{"key":"a.jsonl","offset":4,"line":1}}`)
	var r estimateapi.FileReport
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.Lines != 1 || r.Refused != 0 || !r.Complete {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestFileErrors(t *testing.T) {
	h := openFiles(t, nil)
	for _, tt := range []struct {
		name, body  string
		status      int
		param, code string
	}{
		{"a string", `{"s3":"s3://a/b"}`, 400, "s3", "invalid_type"},
		{"no key", `{"s3":{}}`, 400, "s3.key", "missing_required_parameter"},
		{"options of one request", `{"s3":{"key":"x"},"estimate":{"output_tokens":5}}`, 400, "estimate", "unsupported_parameter"},
		{"a misspelt member", `{"s3":{"bucket":"a","path":"b"}}`, 400, "s3.path", "unknown_parameter"},
		{"a negative offset", `{"s3":{"key":"a","offset":-1}}`, 400, "s3", "invalid_type"},
		{"a folder in the bucket's name", `{"s3":{"bucket":"aoai-bridge-batch/api","key":"files/a"}}`, 400, "s3.bucket", "invalid_value"},
		{"an ARN", `{"s3":{"bucket":"arn:aws:s3:us-east-1:123456789012:accesspoint/a","key":"a"}}`, 400, "s3.bucket", "invalid_value"},
		{"no such object", `{"s3":{"key":"a"}}`, 404, "s3.key", "not_found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkError(t, post(h, "", "/v1/tokens/estimate", tt.body), tt.status, tt.param, tt.code)
		})
	}
	limited := open(t, secret)
	checkError(t, post(limited, "few", "/v1/tokens/estimate", `{"s3":{"key":"a"}}`), 400, "s3", "unsupported_value")
}
