package batch_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/config"
)

// The summary's money is what a count by hand comes to: the tokens that Azure reports, each line by its own size, model,
// tier and mode.
func TestSummaryByHand(t *testing.T) {
	const (
		sold = `"deployments":[{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch"},{"name":"gpt-4o-old","model":"gpt-4o-2024-05-13","type":"GlobalBatch"},
			{"name":"gpt-5.4-batch","model":"gpt-5.4","type":"GlobalBatch"},{"model":"gpt-5.6-sol","type":"GlobalStandard"},{"name":"house","model":"house-model","type":"GlobalBatch"}]`
		pdf   = `{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}`
		image = `{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}`
		audio = `{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}`
	)
	hello := `"messages":[{"role":"user","content":"hello"}]`
	of := func(piece string) string { return `"messages":[{"role":"user","content":[` + piece + `]}]` }
	type answer struct {
		model, tier                    string
		input, cached, written, output int
	}
	for _, tt := range []struct {
		name, secret string // members of the secret beside the endpoint and its key
		model, body  string
		answers      []answer // one for each line
		kind         string   // of the deployment at Azure, of which the secret says nothing; "" is GlobalBatch
		usd          float64  // below 0: not known
		most         float64  // then
		guess        string
	}{
		// gpt-4o's GlobalBatch is 1.25 and 5 USD per million.
		{"a text", sold, "gpt-4o", hello, []answer{{"gpt-4o-2024-11-20", "default", 1000, 0, 0, 200}}, "", (1000*1.25 + 200*5) / 1e6, 0, ""},
		{"a PDF", sold, "gpt-4o", of(pdf), []answer{{"gpt-4o-2024-11-20", "", 9000, 0, 0, 300}}, "", (9000*1.25 + 300*5) / 1e6, 0, ""},
		{"an image by URL", sold, "gpt-4o", of(image), []answer{{"gpt-4o-2024-11-20", "", 772, 0, 0, 10}}, "", (772*1.25 + 10*5) / 1e6, 0, ""},
		{"audio", sold, "gpt-4o", of(audio), []answer{{"gpt-4o-2024-11-20", "", 500, 0, 0, 10}}, "", (500*1.25 + 10*5) / 1e6, 0, ""},
		{"a version with a price of its own", sold, "gpt-4o", hello, []answer{{"gpt-4o-2024-05-13", "", 1000, 0, 0, 200}}, "", (1000*2.5 + 200*7.5) / 1e6, 0, ""},
		{"a version that the secret names", sold, "gpt-4o-old", hello, []answer{{"gpt-4o-2024-05-13", "", 1000, 0, 0, 200}}, "", (1000*2.5 + 200*7.5) / 1e6, 0, ""},
		{"an answer that names another model", sold, "gpt-4o", hello, []answer{{"gpt-5-pro", "", 1000, 0, 0, 200}}, "", (1000*1.25 + 200*5) / 1e6, 0, ""},
		// Two lines of three have a long context, which costs twice as much, and its output one and a half times.
		{"long contexts", sold, "gpt-5.4", hello, []answer{{"gpt-5.4-2026-03-05", "", 300_000, 0, 0, 1000}, {"gpt-5.4-2026-03-05", "", 100, 0, 0, 50}, {"gpt-5.4-2026-03-05", "", 272_001, 272_000, 0, 10}}, "",
			(300_000*2.5 + 1000*11.25 + 100*1.25 + 50*7.5 + 1*2.5 + 272_000*0.25 + 10*11.25) / 1e6, 0, ""},
		{"a prompt that is written to the cache", sold, "gpt-5.6-sol", hello, []answer{{"gpt-5.6-sol", "", 2000, 500, 1500, 100}}, "", (500*0.5 + 1500*6.25 + 100*30) / 1e6, 0, ""},
		{"another tier", sold, "gpt-5.6-sol", hello, []answer{{"gpt-5.6-sol", "priority", 1000, 0, 0, 100}}, "", (1000*10 + 100*60) / 1e6, 0, ""},
		{"an unknown name, and a model that is known", "", "my-gpt4o-batch-eus", hello, []answer{{"gpt-4o-2024-11-20", "", 1000, 0, 0, 200}}, "", (1000*1.25 + 200*5) / 1e6, 0, ""},
		{"an unknown name for two models", "", "my-gpt4o-batch-eus", hello, []answer{{"gpt-4o-mini-2024-07-18", "", 1000, 0, 0, 200}, {"gpt-4.1", "", 1000, 0, 0, 200}}, "", (1000*(0.075+1) + 200*(0.3+4)) / 1e6, 0, ""},
		{"an unknown name and a model that is not known", "", "my-gpt4o-batch-eus", hello, []answer{{"gpt-99", "", 1000, 0, 0, 200}}, "", -1, (1000*16.5 + 200*99) / 1e6, "gpt-4o"},
		{"an unknown name and a model without batch", "", "prod", hello, []answer{{"gpt-4-turbo-2024-04-09", "", 1000, 0, 0, 200}}, "", -1, (1000*16.5 + 200*99) / 1e6, ""},
		{"a name that is one model's and serves another", "", "gpt-4o-mini", hello, []answer{{"gpt-4o-2024-11-20", "", 1000, 0, 0, 200}}, "", (1000*1.25 + 200*5) / 1e6, 0, ""},
		{"the owner's own price", `"prices":{"prod":{"GlobalBatch":{"input":3,"output":4}}}`, "prod", hello, []answer{{"gpt-4o-2024-11-20", "", 1000, 0, 0, 200}}, "", (1000*3 + 200*4) / 1e6, 0, ""},
		{"a model of the house", sold, "house", hello, []answer{{"gpt-4o-2024-11-20", "", 1000, 0, 0, 200}}, "", (1000*1.25 + 200*5) / 1e6, 0, ""},
		{"online in place of a batch", "", "prod", hello, []answer{{"gpt-4o-2024-11-20", "", 1000, 400, 0, 200}}, "GlobalStandard", (600*2.5 + 400*1.25 + 200*10) / 1e6, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(env *config.Batch) { env.CostCeiling = 100 })
			secret := `{"endpoint":"` + w.url + `","api_key":"local"` + "," + tt.secret + "}"
			if strings.HasPrefix(tt.secret, `"deployments"`) {
				secret = `{"resources":[{"endpoint":"` + w.url + `","api_key":"local",` + tt.secret + `}]}`
			}
			w.secret(strings.Replace(secret, ",}", "}", 1))
			at := []azureopenai.Deployment{{Name: tt.model, Model: "gpt-4o", Type: cmp.Or(tt.kind, "GlobalBatch")}}
			if strings.HasPrefix(tt.secret, `"deployments"`) {
				at = nil
				for _, name := range []string{"gpt-4o-batch", "gpt-4o-old", "gpt-5.4-batch", "house"} {
					at = append(at, azureopenai.Deployment{Name: name, Model: "gpt-4o", Type: "GlobalBatch"})
				}
				at = append(at, azureopenai.Deployment{Name: "gpt-5.6-sol", Model: "gpt-4o", Type: "GlobalStandard"})
			}
			w.azure.SetDeployments(at)
			var file strings.Builder
			for _, a := range tt.answers {
				fmt.Fprintf(&file, `{"method":"POST","url":"/v1/chat/completions","body":{"model":%q,%s}}`+"\n", tt.model, tt.body)
				w.azure.QueueAnswer(azureopenai.Answer{Path: "chat/completions", Body: fmt.Sprintf(
					`{"id":"c","object":"chat.completion","model":%q,"service_tier":%q,"choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d}}}`,
					a.model, a.tier, a.input, a.output, a.input+a.output, a.cached, a.written)})
			}
			w.Put("inbox/a.jsonl", file.String())
			sum := w.run(w.event("inbox/a.jsonl"))
			if sum.Lines.Succeeded != len(tt.answers) {
				raw, _ := w.Get("results/a.jsonl")
				t.Fatalf("got %+v: %s", sum, raw)
			}
			c := sum.Cost
			near := func(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 1e-6 }
			if tt.usd < 0 && (c.USD != nil || !near(c.AtMost, tt.most) || !slices.Equal(c.Unpriced, []string{tt.model}) || c.Guesses[tt.model] != tt.guess) || tt.usd >= 0 && (!near(c.USD, tt.usd) || c.AtMost != nil) {
				t.Errorf("got %s and at most %s of %q, want %g or %g", money(c.USD), money(c.AtMost), c.Unpriced, tt.usd, tt.most)
			}
			spent, open := w.accountOf(sum.Job)
			if want := max(tt.usd, tt.most); math.Abs(spent-want) > 1e-6 || open != 0 {
				t.Errorf("the account says %g and %g under way, want %g", spent, open, want)
			}
		})
	}
}

func money(usd *float64) string {
	if usd == nil {
		return "null"
	}
	return fmt.Sprintf("%g", *usd)
}
