package plan_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
)

// ask is a line for a model with these further members of its body.
func ask(model, members string) string {
	return `{"method":"POST","url":"/v1/responses","body":{"model":"` + model + `",` + members + "}}\n"
}

// piece is a line with one piece of content.
func piece(model, content, members string) string {
	return ask(model, `"input":[{"role":"user","content":[`+content+`]}]`+members)
}

const (
	pdf     = `{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}`
	image   = `{"type":"input_image","image_url":"https://example.com/a.png"}`
	audio   = `{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}`
	limit   = `,"max_output_tokens":1000`
	dearest = 16.5 // USD per million tokens of input by batch, and output six times as much: gpt-5.4-pro's in a data zone
)

// What a job may cost is what a count by hand comes to, and a survey says the same.
func TestEstimates(t *testing.T) {
	const batches = `{"model":"gpt-4o","type":"GlobalBatch"},{"model":"gpt-4.1","type":"GlobalStandard"},{"model":"gpt-5.4","type":"GlobalBatch"},
		{"model":"gpt-5.6-sol","type":"GlobalStandard"},{"name":"batch","model":"house-model","type":"GlobalBatch"},{"name":"online","model":"house-model","type":"GlobalStandard"},
		{"model":"gpt-audio","type":"GlobalStandard"},{"model":"gpt-4","type":"GlobalStandard"}`
	long := ask("gpt-5.4", `"input":"`+strings.Repeat("word ", 300_000)+`"`+limit)
	short := strings.Repeat(ask("gpt-5.4", `"input":"x"`+limit), 9)
	for _, tt := range []struct {
		name, file string
		usd        float64 // below 0: not known
		most       float64 // below 0: nothing bounds it
		missing    string
		noLimit    int
	}{
		// 8 tokens of input each; gpt-4o's GlobalBatch is 1.25 and 5 USD per million.
		{"all counted", ask("gpt-4o", `"input":"hello"`+limit), (8*1.25 + 1000*5) / 1e6, (8*1.25 + 1000*5) / 1e6, "", 0},
		{"no limit", ask("gpt-4o", `"input":"hello"`), (8*1.25 + 100*5) / 1e6, (8*1.25 + 100*5) / 1e6, "", 1},
		{"a PDF", piece("gpt-4o", pdf, limit), (7*1.25 + 1000*5) / 1e6, (128000*1.25 + 1000*5) / 1e6, "files", 0},
		{"audio for a model that reads none", piece("gpt-4o", audio, limit), (7*1.25 + 1000*5) / 1e6, (128000*1.25 + 1000*5) / 1e6, "audio", 0},
		{"an image by URL", piece("gpt-4o", image, limit), ((7+1445)*1.25 + 1000*5) / 1e6, ((7+1445)*1.25 + 1000*5) / 1e6, "", 0},
		{"four choices", chat("a", "gpt-4o", "hi")[:len(chat("a", "gpt-4o", "hi"))-2] + `,"n":4,"max_tokens":10}}`, (9*1.25 + 40*5) / 1e6, (9*1.25 + 40*5) / 1e6, "", 0},
		{"four choices without a limit", chat("a", "gpt-4o", "hi")[:len(chat("a", "gpt-4o", "hi"))-2] + `,"n":4}}`, (9*1.25 + 400*5) / 1e6, (9*1.25 + 400*5) / 1e6, "", 1},
		{"a prediction", chat("a", "gpt-4o", "hi")[:len(chat("a", "gpt-4o", "hi"))-2] + `,"max_tokens":10,"prediction":{"type":"content","content":"one two"}}}`, (9*1.25 + 10*5) / 1e6, (9*1.25 + 12*5) / 1e6, "prediction", 0},
		// A long line costs twice as much and its output one and a half times, and the short ones beside it do not.
		{"a long line among short ones", short + long, (9*(7*1.25+1000*7.5) + (300_007)*2.5 + 1000*11.25) / 1e6, (9*(7*1.25+1000*7.5) + (300_007)*2.5 + 1000*11.25) / 1e6, "", 0},
		{"a PDF where the window is large", piece("gpt-5.4", pdf, limit), (6*1.25 + 1000*7.5) / 1e6, (922_000*2.5 + 1000*11.25) / 1e6, "files", 0},
		// What is written to the prompt cache costs a quarter more.
		{"a call that may be written to the cache", ask("gpt-5.6-sol", `"input":"hello","previous_response_id":"resp_1"`+limit), (7*5 + 1000*30) / 1e6, (922_000*12.5 + 1000*45) / 1e6, "stored", 0},
		{"a window that nobody states", ask("gpt-4", `"input":"hello","previous_response_id":"resp_1"`+limit), (8*30 + 1000*60) / 1e6, (1_050_000*30 + 1000*60) / 1e6, "stored", 0},
		{"an unknown model", ask("batch", `"input":"hello"`+limit), -1, (8*dearest + 1000*dearest*6) / 1e6, "", 0},
		{"an unknown model and a text that cl100k has in more tokens", ask("batch", `"input":"ការធ្វើតេស្ត"`+limit), -1, ((8-1+18)*dearest + 1000*dearest*6) / 1e6, "", 0},
		{"an unknown model with a PDF", piece("batch", pdf, limit), -1, (1_050_000*2*dearest + 1000*dearest*9) / 1e6, "files", 0},
		{"an unknown model online", ask("online", `"input":"hello"`+limit), -1, (8*75 + 1000*198) / 1e6, "", 0},
		{"a priority tier", `{"method":"POST","url":"/v1/responses","mode":"online","body":{"model":"gpt-5.6-sol","input":"hello","service_tier":"priority","max_output_tokens":1000}}`, (7*10 + 1000*60) / 1e6, (7*10 + 1000*60) / 1e6, "", 0},
		{"a stored file", piece("gpt-4o", `{"type":"input_file","file_id":"file-1"}`, limit), (7*1.25 + 1000*5) / 1e6, -1, "files", 0},
		{"a stored prompt", ask("gpt-4o", `"input":"hello","prompt":{"id":"pmpt_1"}`+limit), (8*1.25 + 1000*5) / 1e6, -1, "stored", 0},
		{"a built-in tool", ask("gpt-4o", `"input":"hello","tools":[{"type":"web_search"}]`+limit), (8*1.25 + 1000*5) / 1e6, -1, "built_in_tools", 0},
		{"audio for a model that hears", piece("gpt-audio", audio, limit), (7*2.5 + 1000*10) / 1e6, -1, "audio", 0},
		{"a line that cannot be counted", ask("gpt-4.1", `"input":7`+limit), -2, -2, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.secret(`{"resources":[{"name":"one","endpoint":"` + url + `","api_key":"local","deployments":[` + batches + `]}]}`)
			w.Put("inbox/a.jsonl", tt.file)
			e := w.planOf(w.plan(w.event("inbox/a.jsonl")).Job).Estimate
			near := func(got *float64, want float64) bool {
				return got == nil && want == -1 || got != nil && math.Abs(*got-want) < 1e-8
			}
			if tt.usd == -2 { // a token to four bytes, and at most one to a byte
				bytes := float64(len(`{"model":"gpt-4.1","input":7,"max_output_tokens":1000}`))
				tt.usd, tt.most = (math.Floor(bytes/4)*2+1000*8)/1e6, (bytes*2+1000*8)/1e6
			}
			if !near(e.USD, tt.usd) || !near(e.AtMost, tt.most) || strings.Join(e.NotCounted, ",") != tt.missing || e.NoLimit != tt.noLimit {
				t.Errorf("got %s and at most %s without %q, %d lines without a limit; want %g, %g, %q and %d", show(e.USD), show(e.AtMost), e.NotCounted, e.NoLimit, tt.usd, tt.most, tt.missing, tt.noLimit)
			}
			found, err := w.planner().Survey(t.Context(), plan.Source{Key: "inbox/a.jsonl"})
			if err != nil {
				t.Fatal(err)
			}
			got, _ := json.Marshal(found.Job)
			if want, _ := json.Marshal(e); string(got) != string(want) {
				t.Errorf("a survey says\n%s, and the plan\n%s", got, want)
			}
		})
	}
}

func show(usd *float64) string {
	if usd == nil {
		return "null"
	}
	return fmt.Sprintf("%g", *usd)
}

// Names that people give to deployments of which the secret says nothing: the first job is sent under the default
// ceiling.
func TestFirstJob(t *testing.T) {
	for name, guess := range map[string]string{"my-gpt4o-batch-eus": "gpt-4o", "gpt-5-prod": "gpt-5", "gpt-4o-mini-batch": "gpt-4o-mini", "batch": "", "prod-global-01": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.env.CostCeiling, w.env.OutputTokens = 100, 500
			w.anyModel()
			w.Put("inbox/a.jsonl", manyLines(100, name))
			a := w.plan(w.event("inbox/a.jsonl"))
			e := w.planOf(a.Job).Estimate
			if a.Status != "planned" || e.USD != nil || e.AtMost == nil || *e.AtMost > 10 || e.Guesses[name] != guess {
				t.Errorf("got %+v of %+v", a, e)
			}
			found, err := w.planner().Survey(t.Context(), plan.Source{Key: "inbox/a.jsonl"})
			if err != nil || found.Parts[0].Guess != guess || found.Job.USD != nil || *found.Job.AtMost != *e.AtMost {
				t.Errorf("a survey says %+v, %v", found, err)
			}
		})
	}
}

// What a refusal prints for the Azure secret is right for the case at hand: put there as it stands, it gives the job a
// price.
func TestPaste(t *testing.T) {
	for _, tt := range []struct {
		name, deployments string // "" lists none
		file              string
		want              string // in the message
	}{
		{"a name that suggests a model", "", chat("a", "my-gpt4o-batch-eus", "hi"), `{"models":{"my-gpt4o-batch-eus":{"like":"gpt-4o"}}}`},
		{"a name that suggests none", "", chat("a", "batch", "hi"), `{"prices":{"batch":{"GlobalBatch":{"input":1.25,"output":5}}}}`},
		{"the same online", "", strings.Replace(chat("a", "batch", "hi"), `"method"`, `"mode":"online","method"`, 1), `{"prices":{"batch":{"GlobalStandard":{"input":2.5,"output":10}}}}`},
		{"a model of the house", `{"name":"x","model":"House Model","type":"DataZoneBatch"}`, chat("a", "x", "hi"), `{"prices":{"House Model":{"DataZoneBatch":{"input":1.25,"output":5}}}}`},
		{"a type without prices", `{"model":"gpt-4.1","type":"Standard"}`, chat("a", "gpt-4.1", "hi"), `{"prices":{"gpt-4.1":{"Standard":{"input":2,"output":8}}}}`},
		{"tokens that are paid by the hour", `{"model":"gpt-4.1","type":"ProvisionedManaged"}`, chat("a", "gpt-4.1", "hi"), `{"prices":{"gpt-4.1":{"ProvisionedManaged":{"input":0,"output":0}}}}`},
		{"a guess that has no batch", "", chat("a", "my-gpt-6-luna", "hi"), `{"prices":{"my-gpt-6-luna":{"GlobalBatch":{"input":0.05,"output":0.25}}}}`},
		{"several", "", chat("a", "team-o3", "hi") + "\n" + chat("b", "batch", "hi"), `{"models":{"team-o3":{"like":"o3"}},"prices":{"batch":{"GlobalBatch":{"input":1.25,"output":5}}}}`},
	} {
		for _, origin := range []string{"drop", "api"} {
			t.Run(tt.name+", "+origin, func(t *testing.T) {
				w := newWorld(t)
				secret := `{"endpoint":"` + url + `","api_key":"local"}`
				if tt.deployments != "" {
					secret = `{"resources":[{"name":"one","endpoint":"` + url + `","api_key":"local","deployments":[` + tt.deployments + `]}]}`
				}
				w.secret(secret)
				w.env.CostCeiling = 0.000_000_001
				w.Put("inbox/a.jsonl", tt.file)
				event := strings.TrimSuffix(w.event("inbox/a.jsonl"), "}") + `,"origin":"` + origin + `"}`
				p := w.planOf(w.plan(event).Job)
				if p.Failure == nil || p.Failure.Code != job.CostUnknown {
					t.Fatalf("the job was not refused: %+v", p)
				}
				pasted := regexp.MustCompile(`\{.*\}`).FindString(p.Failure.Message)
				if pasted != tt.want {
					t.Errorf("got %s, want %s", p.Failure.Message, tt.want)
				}
				if api := strings.Contains(p.Failure.Message, "owner of this endpoint can put"); api != (origin == "api") {
					t.Errorf("who is told: %s", p.Failure.Message)
				}
				w.secret(strings.TrimSuffix(secret, "}") + "," + strings.TrimPrefix(pasted, "{"))
				w.mu.Lock()
				w.now = w.now.Add(time.Hour) // by which the secret is read again
				w.mu.Unlock()
				a := w.plan(strings.TrimSuffix(event, "}") + `,"take_over":true,"options":{"cost_ceiling":0.1}}`)
				if e := w.planOf(a.Job).Estimate; a.Status != "planned" || e.USD == nil || len(e.Unpriced) > 0 {
					t.Errorf("with it the job is %+v, of %+v", a, e)
				}
			})
		}
	}
}

// A job that nothing bounds is refused under a ceiling, names the line, and runs without one.
func TestUnboundedJob(t *testing.T) {
	w := newWorld(t)
	w.env.CostCeiling = 100
	w.Put("inbox/a.jsonl", ask("gpt-4o", `"input":"hello"`)+ask("gpt-4o", `"input":"hello","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]`))
	event := w.event("inbox/a.jsonl")
	p := w.planOf(w.plan(event).Job)
	if p.Failure == nil || p.Failure.Code != job.CostUnknown || p.Estimate.AtMost != nil {
		t.Fatalf("got %+v", p)
	}
	for _, want := range []string{"line 2: what \"file_search\" adds", "cost-ceiling=none", "Leave out"} {
		if !strings.Contains(p.Failure.Message, want) {
			t.Errorf("%q is not in %s", want, p.Failure.Message)
		}
	}
	if a := w.plan(strings.TrimSuffix(event, "}") + `,"take_over":true,"options":{"cost_ceiling":0}}`); a.Status != "planned" {
		t.Errorf("without a ceiling: %+v", a)
	}
}
