package estimateapi_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/estimateapi"
	"aoai-bridge/shared/secrets"
)

const secret = `{"endpoint":"https://r.openai.azure.com","api_key":"k",
	"deployments":[{"name":"night","model":"gpt-4o","type":"GlobalBatch"},{"name":"odd","model":"nobody-knows"}],
	"prices":{"gpt-4o-mini":{"Standard":{"input":1,"output":2}}},
	"models":{"mine":{"like":"gpt-4o","context":100}}}`

// today is between the retirement of gpt-4o and that of gpt-5.
func today() time.Time { return time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) }

// open serves estimates to two callers: "any" may use every model, "few" only gpt-4o.
func open(t testing.TB, secret string) http.Handler {
	t.Helper()
	store := local.New()
	store.Put("azure", secret)
	store.Put("callers", fmt.Sprintf(`{"callers":[{"name":"any","sha256":"%x","models":["*"]},{"name":"few","sha256":"%x","models":["gpt-4o"]}]}`,
		sha256.Sum256([]byte("any")), sha256.Sum256([]byte("few"))))
	service := httptest.NewServer(store)
	t.Cleanup(service.Close)
	manager := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &service.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	client := azure.New(azure.Options{Secrets: manager, Env: config.Env{AzureSecretID: "azure"}})
	api := estimateapi.New(client, estimateapi.Files{}, today)
	return callers.Require(secrets.New(manager, "callers", callers.TTL, callers.Parse, nil), api)
}

func post(h http.Handler, key, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func report(t testing.TB, h http.Handler, body string) *estimate.Report {
	t.Helper()
	w := post(h, "any", "/v1/tokens/estimate", body)
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	var r estimate.Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestChat(t *testing.T) {
	r := report(t, open(t, secret), `{"model":"gpt-4o-2024-11-20","max_completion_tokens":1000,"messages":[{"role":"user","content":"hello"}],
		"estimate":{"calls_per_minute":100,"output_tokens":92,"tokens":true}}`)
	if r.Object != "token_estimate" || r.Request != estimate.Chat || r.Model != "gpt-4o" || r.Version != "2024-11-20" || r.Encoding != "o200k_base" {
		t.Errorf("got %+v", r)
	}
	if r.InputTokens != 8 || r.Basis != estimate.Documented || r.InputMin != nil {
		t.Errorf("input is %d (%s)", r.InputTokens, r.Basis)
	}
	if o := r.Output; *o.Bound != 1000 || o.From != "max_completion_tokens" || o.Paid != 92 {
		t.Errorf("output is %+v", o)
	}
	if c := r.Context; *c.Window != 128000 || !*c.Fits {
		t.Errorf("context is %+v", c)
	}
	if len(r.Cost) != 5 || *r.Cost[0].USD != 0.00094 || *r.Cost[3].USD != 0.00047 || *r.Cost[3].Saving != 0.00047 || *r.Cost[4].USD != 0.000517 || !slices.Equal(r.Cost[4].Zones, []string{"us", "eu"}) {
		t.Errorf("cost is %+v", r.Cost)
	}
	if len(r.Provisioned) != 3 || *r.Provisioned[0].PTUs != 20 || *r.Provisioned[2].PTUs != 50 {
		t.Errorf("provisioned is %+v", r.Provisioned)
	}
	if r.Retirement.Passed || r.Retirement.Date != "2027-04-14" || r.Sources[r.Retirement.Source].Date == nil {
		t.Errorf("retirement is %+v", r.Retirement)
	}
	if len(r.Tokens) != 1 || r.Tokens[0].Param != "messages[0].content" || r.Tokens[0].Tokens[0].Text != "hello" || r.Tokens[0].Tokens[0].End != 5 {
		t.Errorf("tokens are %+v", r.Tokens)
	}
	for _, id := range []string{"litellm", "azure-ptu", "azure-models", "usage", "tiktoken"} {
		if r.Sources[id].What == "" {
			t.Errorf("source %s is not told", id)
		}
	}
}

func TestReports(t *testing.T) {
	h := open(t, secret)
	for _, tt := range []struct {
		name, body string
		check      func(*estimate.Report) bool
	}{
		{"text by model", `{"model":"gpt-4o","text":"hello world"}`, func(r *estimate.Report) bool {
			return r.Request == estimate.Text && r.InputTokens == 2 && r.Output == nil && r.Basis == estimate.Exact
		}},
		{"text by encoding", `{"encoding":"r50k_base","text":"hamburger","estimate":{"tokens":true}}`, func(r *estimate.Report) bool {
			return r.InputTokens == 3 && r.Model == "" && r.Cost == nil && len(r.Tokens[0].Tokens) == 3 && r.Tokens[0].Tokens[2].Text == "ger"
		}},
		{"a character in several tokens", `{"encoding":"cl100k_base","text":"🫠","estimate":{"tokens":true}}`, func(r *estimate.Report) bool {
			return len(r.Tokens[0].Tokens) > 1 && strings.Contains(r.Tokens[0].Tokens[0].Text, "\ufffd")
		}},
		{"an unknown model by encoding", `{"model":"odd","messages":[{"role":"user","content":"hello"}],"estimate":{"encoding":"o200k_base"}}`, func(r *estimate.Report) bool {
			return r.InputTokens == 8 && r.Basis == estimate.Estimated && r.Cost == nil
		}},
		{"a model of no known encoding", `{"model":"gpt-chat-latest","text":"hello","estimate":{"encoding":"o200k_base"}}`, func(r *estimate.Report) bool {
			return r.InputTokens == 1 && *r.Cost[0].USD == 5e-06
		}},
		{"a response", `{"model":"gpt-5","input":"hello","max_output_tokens":10}`, func(r *estimate.Report) bool {
			return r.Request == estimate.Responses && r.InputTokens == 7 && *r.Output.Bound == 10 && r.Output.Paid == 10 && !r.Retirement.Passed
		}},
		{"a model that is retired", `{"model":"gpt-5-chat","messages":[{"role":"user","content":"hello"}]}`, func(r *estimate.Report) bool {
			return r.Retirement.Date == "2026-06-29" && r.Retirement.Passed
		}},
		{"a service tier", `{"model":"gpt-5.5","input":"hello","max_output_tokens":1000,"service_tier":"priority"}`, func(r *estimate.Report) bool {
			return r.InputTokens == 7 && *r.Cost[0].USD == 0.0750875 && r.Cost[0].Tier == "priority" && *r.Cost[3].USD == 0.0150175
		}},
		{"a service tier without a price", `{"model":"gpt-4o","input":"hello","service_tier":"flex"}`, func(r *estimate.Report) bool {
			return r.Cost[0].USD == nil && strings.Contains(r.Cost[0].Reason, "flex")
		}},
		{"the tier by default", `{"model":"gpt-5.5","input":"hello","max_output_tokens":1000,"service_tier":"auto"}`, func(r *estimate.Report) bool {
			return *r.Cost[0].USD == 0.030035 && r.Cost[0].Tier == ""
		}},
		{"a long prompt", `{"model":"gpt-5.5","text":"` + strings.Repeat("hello ", 300_000) + `"}`, func(r *estimate.Report) bool {
			return r.InputTokens > 272_000 && *r.Cost[0].USD == catalog.Rounded(float64(r.InputTokens)*10/1e6) && r.Cost[0].Above == 272_000
		}},
		{"written to the cache, as a first call", `{"model":"gpt-5.6-terra","text":"` + strings.Repeat("hello ", 2000) + `"}`, func(r *estimate.Report) bool {
			return r.CacheWrite.Paid == r.InputTokens && *r.Cost[0].USD == catalog.Rounded(float64(r.InputTokens)*2.5/1e6)
		}},
		{"written to the cache, as the caller says", `{"model":"gpt-5.6-terra","text":"` + strings.Repeat("hello ", 2000) + `","estimate":{"cache_write_tokens":1000,"cached_tokens":1000}}`, func(r *estimate.Report) bool {
			return r.CacheWrite.Paid == 1000 && *r.Cost[0].USD == catalog.Rounded((float64(r.InputTokens-2000)*2+1000*2.5+1000*0.2)/1e6)
		}},
		{"too short to be written", `{"model":"gpt-5.6-terra","text":"hello"}`, func(r *estimate.Report) bool {
			return r.CacheWrite.Paid == 0 && *r.Cost[0].USD == 2e-06
		}},
		{"written to a cache that costs nothing", `{"model":"gpt-5","text":"` + strings.Repeat("hello ", 2000) + `"}`, func(r *estimate.Report) bool {
			return r.CacheWrite == nil && *r.Cost[0].USD == catalog.Rounded(float64(r.InputTokens)*1.25/1e6)
		}},
		{"no bound in the request", `{"model":"gpt-5","input":"hello"}`, func(r *estimate.Report) bool {
			return *r.Output.Bound == 128000 && r.Output.Paid == 0 && r.Output.From == "the model's maximum"
		}},
		{"a model without chat", `{"model":"gpt-5-pro","messages":[{"role":"user","content":"hello"}]}`, func(r *estimate.Report) bool {
			return len(r.Notes) == 1
		}},
		{"choices", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"max_tokens":5,"n":3}`, func(r *estimate.Report) bool {
			return *r.Output.Bound == 15
		}},
		{"embeddings", `{"model":"text-embedding-3-small","input":["hello","hello world"]}`, func(r *estimate.Report) bool {
			return r.Request == estimate.Embeddings && r.InputTokens == 3 && *r.Context.Fits && len(r.Cost) == 3
		}},
		{"an embedding that is too long", `{"model":"text-embedding-3-small","input":"` + strings.Repeat("hello ", 8193) + `"}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits
		}},
		{"a batch deployment", `{"model":"night","messages":[{"role":"user","content":"hello"}]}`, func(r *estimate.Report) bool {
			return r.Model == "gpt-4o" && r.InputTokens == 8
		}},
		{"a price of the owner's", `{"model":"gpt-4o-mini","text":"hello"}`, func(r *estimate.Report) bool {
			return *r.Cost[2].USD == 1e-06 && r.Sources["override"].What != ""
		}},
		{"a model of the owner's, and a window that is too small", `{"model":"mine","messages":[{"role":"user","content":"hello"}],"max_tokens":99}`, func(r *estimate.Report) bool {
			return r.Model == "mine" && !*r.Context.Fits && strings.Contains(r.Context.Reason, "7 tokens more")
		}},
		{"windows by deployment type", `{"model":"gpt-4.1","messages":[{"role":"user","content":"` + strings.Repeat("hello ", 110_000) + `"}],"max_tokens":30000}`, func(r *estimate.Report) bool {
			return *r.Context.Fits && *r.Context.ByType["GlobalStandard"].Fits && !*r.Context.ByType["GlobalBatch"].Fits
		}},
		{"more output than the model gives", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"max_completion_tokens":100000}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits && strings.Contains(r.Context.Reason, "16384") && *r.Output.Bound == 100000
		}},
		{"more output than an old version gives", `{"model":"gpt-4o-2024-05-13","messages":[{"role":"user","content":"hello"}],"max_tokens":4097}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits && strings.Contains(r.Context.Reason, "4096")
		}},
		{"more output than a response gives", `{"model":"gpt-5","input":"hello","max_output_tokens":128001}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits && strings.Contains(r.Context.Reason, "128000")
		}},
		{"more output than a model gives whose window is not known", `{"model":"gpt-5-codex","input":"hello","max_output_tokens":128001}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits
		}},
		{"a model whose window is not known", `{"model":"gpt-5-codex","input":"hello","max_output_tokens":128000}`, func(r *estimate.Report) bool {
			return r.Context.Fits == nil && r.Context.Reason != ""
		}},
		{"choices that have the window each", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"max_tokens":16384,"n":8}`, func(r *estimate.Report) bool {
			return *r.Context.Fits && *r.Output.Bound == 8*16384
		}},
		{"a file, which may not fit", `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,AAAA"}]}]}`, func(r *estimate.Report) bool {
			return r.Context.Fits == nil && strings.Contains(r.Context.Reason, "files")
		}},
		{"an image that may not fit", `{"model":"mine","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}],"estimate":{"output_tokens":0}}`, func(r *estimate.Report) bool {
			return !*r.Context.Fits
		}},
		{"an image of unknown size", `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}]}`, func(r *estimate.Report) bool {
			return r.InputTokens == 1452 && *r.InputMin == 262
		}},
		{"an image whose size is given", `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}],"estimate":{"images":[{"width":1024,"height":1024}]}}`, func(r *estimate.Report) bool {
			return r.InputTokens == 772 && r.InputMin == nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := report(t, h, tt.body); !tt.check(r) {
				b, _ := json.MarshalIndent(r, "", " ")
				t.Errorf("got %s", b)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	h := open(t, secret)
	const hello = `"messages":[{"role":"user","content":"hello"}]`
	for _, tt := range []struct {
		name, key, body string
		status          int
		param, code     string
	}{
		{"nothing", "any", ``, 400, "", "empty_body"},
		{"not JSON", "any", `{`, 400, "", "invalid_json"},
		{"not an object", "any", `[]`, 400, "", "invalid_json"},
		{"no model", "any", `{` + hello + `}`, 400, "model", "missing_required_parameter"},
		{"two models", "any", `{"model":"gpt-4o","model":"gpt-5",` + hello + `}`, 400, "model", "duplicate_parameter"},
		{"a model in another case", "any", `{"model":"gpt-4o","Model":"gpt-5",` + hello + `}`, 400, "Model", "unknown_parameter"},
		{"messages twice", "any", `{"model":"gpt-4o",` + hello + `,` + hello + `}`, 400, "messages", "duplicate_parameter"},
		{"half a token id", "any", `{"model":"text-embedding-3-small","input":[1.5]}`, 400, "input", "invalid_type"},
		{"a negative token id", "any", `{"model":"text-embedding-3-small","input":[[1],[-1]]}`, 400, "input[1]", "invalid_type"},
		{"a number for a model", "any", `{"model":4,` + hello + `}`, 400, "model", "invalid_type"},
		{"an unknown model", "any", `{"model":"gpt-x",` + hello + `}`, 404, "model", "model_not_found"},
		{"a deployment of an unknown model", "any", `{"model":"odd",` + hello + `}`, 404, "model", "model_not_found"},
		{"no known encoding", "any", `{"model":"codex-mini",` + hello + `}`, 400, "estimate.encoding", "missing_required_parameter"},
		{"an unknown encoding", "any", `{"encoding":"x","text":"y"}`, 400, "encoding", "invalid_value"},
		{"an unknown encoding in the options", "any", `{"text":"y","estimate":{"encoding":"x"}}`, 400, "estimate.encoding", "invalid_value"},
		{"a model that is not allowed", "few", `{"model":"gpt-5",` + hello + `}`, 403, "model", "model_not_allowed"},
		{"nothing to count", "any", `{"model":"gpt-4o"}`, 400, "messages", "missing_required_parameter"},
		{"options of another type", "any", `{"model":"gpt-4o",` + hello + `,"estimate":1}`, 400, "estimate", "invalid_type"},
		{"an unknown option", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"cost":1}}`, 400, "estimate.cost", "unknown_parameter"},
		{"a string for a rate", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"calls_per_minute":"1"}}`, 400, "estimate.calls_per_minute", "invalid_type"},
		{"a rate above all numbers", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"calls_per_minute":1e400}}`, 400, "estimate.calls_per_minute", "invalid_type"},
		{"a rate without end", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"calls_per_minute":1e308}}`, 400, "estimate.calls_per_minute", "invalid_value"},
		{"two service tiers", "any", `{"model":"gpt-4o","service_tier":"flex","service_tier":"priority",` + hello + `}`, 400, "service_tier", "duplicate_parameter"},
		{"a number for a service tier", "any", `{"model":"gpt-4o","service_tier":1,` + hello + `}`, 400, "service_tier", "invalid_type"},
		{"more written to the cache than there is", "any", `{"model":"gpt-5.6-sol",` + hello + `,"estimate":{"cached_tokens":5,"cache_write_tokens":6}}`, 400, "estimate.cache_write_tokens", "invalid_value"},
		{"less than nothing written to the cache", "any", `{"model":"gpt-5.6-sol",` + hello + `,"estimate":{"cache_write_tokens":-1}}`, 400, "estimate.cache_write_tokens", "invalid_value"},
		{"half a token written to the cache", "any", `{"model":"gpt-5.6-sol",` + hello + `,"estimate":{"cache_write_tokens":1.5}}`, 400, "estimate.cache_write_tokens", "invalid_type"},
		{"tokens without end", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"output_tokens":9223372036854775807}}`, 400, "estimate.output_tokens", "invalid_value"},
		{"cached tokens without end", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"cached_tokens":9223372036854775807}}`, 400, "estimate.cached_tokens", "invalid_value"},
		{"a negative rate", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"calls_per_minute":-1}}`, 400, "estimate.calls_per_minute", "invalid_value"},
		{"more cached than there is", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"cached_tokens":9}}`, 400, "estimate.cached_tokens", "invalid_value"},
		{"an image of no size", "any", `{"model":"gpt-4o",` + hello + `,"estimate":{"images":[{"width":1}]}}`, 400, "estimate.images[0]", "invalid_value"},
		{"a chat with a model for embeddings", "any", `{"model":"text-embedding-3-small",` + hello + `}`, 400, "model", "OperationNotSupported"},
		{"instructions for a model for embeddings", "any", `{"model":"text-embedding-ada-002","instructions":"x"}`, 400, "model", "OperationNotSupported"},
		{"a string for a bound", "any", `{"model":"gpt-4o",` + hello + `,"max_tokens":"x"}`, 400, "max_tokens", "invalid_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := post(h, tt.key, "/v1/tokens/estimate", tt.body)
			checkError(t, w, tt.status, tt.param, tt.code)
		})
	}
	if w := post(h, "few", "/v1/tokens/estimate", `{"model":"night",`+hello+`}`); w.Code != 200 {
		t.Errorf("a deployment of an allowed model: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("GET", "/v1/tokens/estimate", nil)
	r.Header.Set("Authorization", "Bearer any")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	checkError(t, w, 405, "", "method_not_allowed")
}

func checkError(t *testing.T, w *httptest.ResponseRecorder, status int, param, code string) {
	t.Helper()
	var body struct {
		Error struct {
			Message, Param, Code string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error.Message == "" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w.Code != status || body.Error.Param != param || body.Error.Code != code {
		t.Errorf("got %d %s %s (%s), want %d %s %s", w.Code, body.Error.Param, body.Error.Code, body.Error.Message, status, param, code)
	}
}

// A price that is wrong fails no estimate.
func TestWrongOverrides(t *testing.T) {
	h := open(t, `{"endpoint":"https://r.openai.azure.com","api_key":"k","prices":{"gpt-4o":{"Cheap":{}},"my-batch":{"GlobalBatch":{"input":1,"output":2}}}}`)
	for _, body := range []string{`{"model":"gpt-4o","text":"x"}`, `{"model":"my-batch","text":"x","estimate":{"encoding":"o200k_base"}}`} {
		if w := post(h, "any", "/v1/tokens/estimate", body); w.Code != 200 {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
}

func TestInputTokens(t *testing.T) {
	h := open(t, secret)
	const body = `{"model":"gpt-4o","input":"This is a test."}`
	for _, path := range []string{"/v1/responses/input_tokens", "/openai/v1/responses/input_tokens", "/openai/responses/input_tokens?api-version=2025-04-01-preview"} {
		if w := post(h, "few", path, body); w.Code != 200 || w.Body.String() != `{"object":"response.input_tokens","input_tokens":12}` {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	checkError(t, post(h, "any", "/openai/responses/input_tokens", body), 400, "api-version", "missing_api_version")
}

// OpenAI's own SDK must be able to ask.
func TestInputTokensBySDK(t *testing.T) {
	server := httptest.NewServer(open(t, secret))
	defer server.Close()
	client := openai.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("any"))
	got, err := client.Responses.InputTokens.Count(t.Context(), responses.InputTokenCountParams{
		Model:        openai.String("gpt-4o"),
		Instructions: openai.String("You are a bot."),
		Input:        responses.InputTokenCountParamsInputUnion{OfString: openai.String("Hello, how are you?")},
	})
	if err != nil || got.InputTokens != 9+13 {
		t.Errorf("got %+v, %v, want 22 tokens", got, err)
	}
}

func TestPath(t *testing.T) {
	if path, err := estimateapi.Path([]byte(`{"text":"x"}`)); err != nil || path != "/v1/tokens/estimate" {
		t.Errorf("got %s, %v", path, err)
	}
}
