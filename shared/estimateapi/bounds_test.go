package estimateapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/estimateapi"
)

// What is not counted must be named and bounded from above, both in the estimate and in the answer of OpenAI's own
// operation, which has the same body except for the output.
func TestNotCounted(t *testing.T) {
	h := open(t, secret)
	const hello = `"input":"hello"`
	content := func(piece string) string { return `"input":[{"role":"user","content":[` + piece + `]}]` }
	for _, tt := range []struct {
		name, model, members string
		missing              string
		least                int
		most                 int    // 0: nothing bounds it
		why                  string // part of the reason then
	}{
		{"all counted", "gpt-4o", hello, "", 8, 8, ""},
		{"an earlier response", "gpt-4o", hello + `,"previous_response_id":"resp_1"`, "stored", 8, 128000, ""},
		{"a conversation", "gpt-5.5", hello + `,"conversation":"conv_1"`, "stored", 7, 922000, ""},
		{"a conversation by object", "gpt-4.1", hello + `,"conversation":{"id":"conv_1"}`, "stored", 8, 1047576, ""},
		{"a stored prompt", "gpt-4o", hello + `,"prompt":{"id":"pmpt_1"}`, "stored", 8, 0, "prompt"},
		{"an item that is stored", "gpt-4o", `"input":[{"role":"user","content":"hello"},{"type":"item_reference","id":"msg_1"}]`, "stored", 8, 128000, ""},
		{"a PDF", "gpt-4o", content(`{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}`), "files", 7, 128000, ""},
		{"a file by URL", "gpt-5", content(`{"type":"input_file","file_url":"https://example.com/a.pdf"}`), "files", 6, 272000, ""},
		{"a file that is stored", "gpt-4o", content(`{"type":"input_file","file_id":"file-1"}`), "files", 7, 0, "file_id"},
		{"a web search", "gpt-4o", hello + `,"tools":[{"type":"web_search"}]`, "built_in_tools", 8, 0, "web_search"},
		{"a search of files and a function", "gpt-4o", hello + `,"tools":[{"type":"file_search","vector_store_ids":["vs_1"]},{"type":"function","name":"f"}]`, "built_in_tools", 30, 0, "file_search"},
		{"a server of tools", "gpt-5", hello + `,"tools":[{"type":"mcp","server_label":"x"}]`, "built_in_tools", 7, 0, "mcp"},
		{"reasoning", "gpt-5", `"input":[{"type":"reasoning","id":"rs_1","summary":[]},{"role":"user","content":"hello"}]`, "reasoning", 7, 272000, ""},
		{"an item of no known kind", "gpt-5", `"input":[{"role":"user","content":"hello"},{"type":"shell_call_output","output":"x"}]`, "other", 7, 272000, ""},
		{"an image without a rule", "gpt-5.2-codex", content(`{"type":"input_image","image_url":"https://example.com/a.png"}`), "images", 6, 272000, ""},
		{"a model whose window is not known", "gpt-4.5-preview", `"input":[{"role":"user","content":"x"},{"type":"reasoning","summary":[]}]`, "reasoning", 6, 0, "no source states"},
		{"what nothing bounds beside what the window does", "gpt-4o", hello + `,"previous_response_id":"resp_1","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]`, "stored,built_in_tools", 8, 0, "code_interpreter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"model":"` + tt.model + `",` + tt.members
			r := report(t, h, body+`,"max_output_tokens":100}`)
			got := strings.Join(r.NotCounted, ",")
			if sorted(got) != sorted(tt.missing) || r.InputTokens < tt.least || tt.missing == "" && r.InputTokens != tt.most {
				t.Errorf("not counted is %q, and %d tokens are; want %q and %d or more", got, r.InputTokens, tt.missing, tt.least)
			}
			checkMost(t, r, tt.missing, tt.most, tt.why)

			w := post(h, "any", "/v1/responses/input_tokens", body+`}`)
			var in estimateapi.InputTokens
			if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != 200 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if in.Tokens != r.InputTokens || !slices.Equal(in.NotCounted, r.NotCounted) || (in.Most == nil) != (r.InputMost == nil) || in.Most != nil && *in.Most != *r.InputMost {
				t.Errorf("got %s, want the figures of the estimate: %d, without %q", w.Body, r.InputTokens, r.NotCounted)
			}
			if tt.missing != "" && (in.Exact == nil || *in.Exact) {
				t.Errorf("got %s, want exact to be false", w.Body)
			}
		})
	}
}

func sorted(list string) string {
	names := strings.Split(list, ",")
	slices.Sort(names)
	return strings.Join(names, ",")
}

// checkMost checks the bounds of a report, and that each known price is applied to them.
func checkMost(t *testing.T, r *estimate.Report, missing string, most int, why string) {
	t.Helper()
	switch {
	case missing == "":
	case most == 0 && (r.InputMost != nil || !strings.Contains(r.UnboundedWhy, why) || r.UnboundedWhy == ""):
		t.Errorf("at most %v tokens (%s), want none for %q", r.InputMost, r.UnboundedWhy, why)
	case most > 0 && (r.InputMost == nil || *r.InputMost != most):
		t.Errorf("at most %v tokens (%s), want %d", r.InputMost, r.UnboundedWhy, most)
	}
	for _, c := range r.Cost {
		switch {
		case c.AtMost == nil && c.AtMostReason == "", c.AtMost != nil && c.AtMostReason != "":
			t.Errorf("%s: at most %v, because %q", c.Type, c.AtMost, c.AtMostReason)
		case most == 0 && (c.AtMost != nil || !strings.Contains(c.AtMostReason, why)):
			t.Errorf("%s: at most %v (%s), want null for %q", c.Type, c.AtMost, c.AtMostReason, why)
		case most > 0 && c.USD != nil && (c.AtMost == nil || *c.AtMost < *c.USD || missing != "" && *c.AtMost <= *c.USD):
			t.Errorf("%s: at most %v (%s), and %g is counted", c.Type, c.AtMost, c.AtMostReason, *c.USD)
		}
	}
}

func TestNotCountedOfChats(t *testing.T) {
	h := open(t, secret)
	const hello = `"messages":[{"role":"user","content":"hello"}]`
	for _, tt := range []struct {
		name, members, missing string
		usd                    float64 // at most, on Global Standard; 0: not known
		why                    string
	}{
		{"your data", hello + `,"data_sources":[{"type":"azure_search","parameters":{}}]`, "data_sources", 0, "data_sources"},
		{"a web search", hello + `,"web_search_options":{}`, "web_search_options", 0, "web search"},
		{"a prediction", hello + `,"prediction":{"type":"content","content":"hello world"}`, "prediction", 0.00002 + (100+2)*10e-6, ""},
		{"a prediction in parts", hello + `,"prediction":{"type":"content","content":[{"type":"text","text":"hello"},{"type":"text","text":" world"}]}`, "prediction", 0.00002 + (100+2)*10e-6, ""},
		{"an answer in audio", hello + `,"modalities":["text","audio"],"audio":{"voice":"alloy","format":"wav"}`, "audio_output", 0, "audio"},
		{"an answer in text", hello + `,"modalities":["text"]`, "", 0.00002 + 100*10e-6, ""},
		{"a question in audio", `"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]`, "audio", 0, "audio"},
		{"a file", `"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}]`, "files", 0.32 + 100*10e-6, ""},
		{"a file that is stored", `"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]`, "files", 0, "file_id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := report(t, h, `{"model":"gpt-4o","max_tokens":100,`+tt.members+`}`)
			if got := strings.Join(r.NotCounted, ","); got != tt.missing {
				t.Errorf("not counted is %q, want %q", got, tt.missing)
			}
			c := r.Cost[0]
			if tt.usd == 0 && (c.AtMost != nil || !strings.Contains(c.AtMostReason, tt.why)) ||
				tt.usd > 0 && (c.AtMost == nil || *c.AtMost < tt.usd-1e-9 || *c.AtMost > tt.usd+1e-9) {
				t.Errorf("at most %s (%s), want %g", show(c.AtMost), c.AtMostReason, tt.usd)
			}
		})
	}
}

func show(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// Each row says whether output is in its sum, and how long the answer may be.
func TestOutputOfCosts(t *testing.T) {
	h := open(t, secret)
	for _, tt := range []struct {
		name, body string
		included   string // as JSON
		bound      string
		usd, most  string // of the first row
	}{
		{"no limit", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`, "false", "16384", "0.00002", "0.16386"},
		{"no limit, two choices", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"n":2}`, "false", "32768", "0.00002", "0.3277"},
		{"a limit", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"max_tokens":100}`, "true", "100", "0.00102", "0.00102"},
		{"a limit, and what is expected", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"max_tokens":100,"estimate":{"output_tokens":50}}`, "true", "100", "0.00052", "0.00102"},
		{"what is expected", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"estimate":{"output_tokens":0}}`, "true", "16384", "0.00002", "0.16386"},
		{"a response", `{"model":"gpt-4o","input":"hello"}`, "false", "16384", "0.00002", "0.16386"},
		{"no known limit", `{"model":"gpt-oss-120b","input":"hello"}`, "false", "null", "", "null"},
		{"embeddings", `{"model":"text-embedding-3-small","input":"hello"}`, "null", "null", "0.000000022", "0.000000022"},
		{"a text", `{"model":"gpt-4o","text":"hello"}`, "null", "null", "0.0000025", "0.0000025"},
		{"a first call that writes to the cache", `{"model":"gpt-5.6-terra","input":"` + strings.Repeat("hello ", 1993) + `","previous_response_id":"x","max_output_tokens":0}`, "true", "0", "0.005", "4.61"},
		{"a long prompt that is not counted", `{"model":"gpt-5.5","input":"hello","previous_response_id":"x","max_output_tokens":1000}`, "true", "1000", "0.030035", "9.265"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := report(t, h, tt.body)
			for _, c := range r.Cost {
				if show(c.OutputIncluded) != tt.included || show(c.OutputBound) != tt.bound {
					t.Errorf("%s: output included %s, bound %s; want %s, %s", c.Type, show(c.OutputIncluded), show(c.OutputBound), tt.included, tt.bound)
				}
			}
			c := r.Cost[0]
			var usd, most *float64
			_ = json.Unmarshal([]byte(tt.usd), &usd)
			_ = json.Unmarshal([]byte(tt.most), &most)
			if tt.usd != "" && show(c.USD) != show(usd) || show(c.AtMost) != show(most) || c.AtMost == nil && c.AtMostReason == "" {
				t.Errorf("got %s, at most %s (%s); want %s, %s", show(c.USD), show(c.AtMost), c.AtMostReason, tt.usd, tt.most)
			}
		})
	}
}

func TestInputTokensErrors(t *testing.T) {
	h := open(t, secret)
	for _, tt := range []struct{ name, body, param, code string }{
		{"no input", `{"model":"gpt-4o"}`, "input", "missing_required_parameter"},
		{"instructions only", `{"model":"gpt-4o","instructions":"x"}`, "input", "missing_required_parameter"},
		{"null", `{"model":"gpt-4o","input":null}`, "input", "missing_required_parameter"},
		{"a text", `{"model":"gpt-4o","text":"x"}`, "input", "missing_required_parameter"},
		{"a chat", `{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}`, "messages", "unsupported_parameter"},
		{"a chat with input", `{"model":"gpt-4o","input":"x","messages":[]}`, "messages", "unsupported_parameter"},
		{"a model for embeddings", `{"model":"text-embedding-3-small","input":"x"}`, "model", "OperationNotSupported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkError(t, post(h, "any", "/v1/responses/input_tokens", tt.body), 400, tt.param, tt.code)
		})
	}
}

// OpenAI's own SDK must read the number where it is not exact.
func TestInexactInputTokensBySDK(t *testing.T) {
	server := httptest.NewServer(open(t, secret))
	defer server.Close()
	client := openai.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("any"))
	got, err := client.Responses.InputTokens.Count(t.Context(), responses.InputTokenCountParams{
		Model: openai.String("gpt-4o"), PreviousResponseID: openai.String("resp_1"),
		Input: responses.InputTokenCountParamsInputUnion{OfString: openai.String("hello")},
	})
	if err != nil || got.InputTokens != 8 || !strings.Contains(got.RawJSON(), `"not_counted":["stored"]`) {
		t.Errorf("got %s, %v, want 8 tokens and what is not counted", got.RawJSON(), err)
	}
}
