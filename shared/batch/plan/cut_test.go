package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCuts(t *testing.T) {
	tests := []struct {
		name        string
		deployments string
		file        string
		want        string // of each part: model, endpoint, mode, deployment and lines
	}{
		{"models and endpoints", `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"},{"name":"gpt-4o-batch","model":"gpt-4o","type":"GlobalBatch"}`,
			manyLines(2, "gpt-4o-mini") + manyLines(3, "gpt-4o") + `{"method":"POST","url":"/v1/responses","body":{"model":"gpt-4o","input":"a"}}` + "\n" + manyLines(1, "gpt-4o-mini"),
			"gpt-4o chat/completions batch gpt-4o-batch 3, gpt-4o responses batch gpt-4o-batch 1, gpt-4o-mini chat/completions batch gpt-4o-mini-batch 3"},
		{"a quota of a thousand tokens", `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch","capacity":1}`,
			manyLines(200, "gpt-4o-mini"),
			"gpt-4o-mini chat/completions batch gpt-4o-mini-batch 100, gpt-4o-mini chat/completions batch gpt-4o-mini-batch 100"},
		{"a deployment by its name", `{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}`,
			manyLines(2, "gpt-4o-mini-batch"), "gpt-4o-mini-batch chat/completions batch gpt-4o-mini-batch 2"},
		{"no batch deployment", `{"model":"gpt-4o-mini","type":"GlobalStandard"}`,
			manyLines(2, "gpt-4o-mini"), "gpt-4o-mini chat/completions online  2"},
		{"lines that choose", `{"model":"gpt-4o-mini"},{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}`,
			manyLines(2, "gpt-4o-mini") + strings.Replace(manyLines(1, "gpt-4o-mini"), `"method"`, `"mode":"online","method"`, 1),
			"gpt-4o-mini chat/completions batch gpt-4o-mini-batch 2, gpt-4o-mini chat/completions online  1"},
		{"embeddings", `{"model":"text-embedding-3-small"},{"name":"e","model":"text-embedding-3-small","type":"GlobalBatch"}`,
			`{"method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"a"}}`, "text-embedding-3-small embeddings online  1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.deployments(tt.deployments)
			w.Put("inbox/n.jsonl", tt.file)
			a := w.plan(w.event("inbox/n.jsonl"))
			var got []string
			for _, p := range w.planOf(a.Job).Parts {
				got = append(got, fmt.Sprintf("%s %s %s %s %d", p.Model, p.Endpoint, p.Mode, p.Deployment, p.Lines))
			}
			slices.Sort(got)
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

// A plan that is made in several passes gives each deployment its share, too.
func TestSharesOfAPlanThatGoesOn(t *testing.T) {
	w := newWorld(t)
	w.deployments(`{"name":"a","model":"gpt-4o-mini","type":"GlobalBatch"},{"name":"b","model":"gpt-4o-mini","type":"GlobalBatch"}`)
	w.Put("inbox/n.jsonl", manyLines(300, "gpt-4o-mini"))
	w.tick, w.limit = time.Second, 100*time.Second
	a := w.plan(w.event("inbox/n.jsonl"))
	if w.calls < 4 {
		t.Fatalf("the plan was made in %d passes", w.calls)
	}
	tokens := map[string]int64{}
	var most int64 // of a part
	for _, part := range w.planOf(a.Job).Parts {
		tokens[part.Deployment] += part.Tokens
		most = max(most, part.Tokens)
	}
	if apart := tokens["a"] - tokens["b"]; apart > most || -apart > most {
		t.Errorf("the deployments got %v, which is more than a part of %d apart", tokens, most)
	}
}
