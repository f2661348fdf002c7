package plan

import (
	"cmp"
	"context"
	"sync"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/rawjson"
)

// bytesPerToken is how long a token is taken to be in a request that cannot be counted.
const bytesPerToken = 4

var kinds = map[string]estimate.Kind{jsonl.ChatCompletions: estimate.Chat, jsonl.Responses: estimate.Responses, jsonl.Embeddings: estimate.Embeddings}

// measure counts the requests of one model.
type measure struct {
	rules estimate.Rules
	known bool
	memos *sync.Pool // of *estimate.Memo
}

// measureOf finds how a model's requests are counted.
func measureOf(ctx context.Context, client *azure.Client, model string) (measure, error) {
	known, _, err := client.Catalog(ctx, model)
	if err != nil {
		return measure{}, err
	}
	found, err := known.Lookup(model)
	if err != nil {
		return measure{}, nil // it is not in the catalog
	}
	rules, err := estimate.RulesFor(known, found, nil)
	return measure{rules, err == nil, &sync.Pool{New: func() any { return new(estimate.Memo) }}}, nil
}

// tokens counts the input of a request. ok is false where it is a guess by the bytes that go to Azure.
func (m measure) tokens(endpoint string, body rawjson.Node, size int) (tokens int64, ok bool) {
	if count := m.count(endpoint, body); count != nil {
		return int64(count.Tokens), true
	}
	return int64(size / bytesPerToken), false
}

// count counts the input of a request. It is nil where that cannot be done.
func (m measure) count(endpoint string, body rawjson.Node) *estimate.Count {
	if !m.known {
		return nil
	}
	rules := m.rules
	rules.Memo = m.memos.Get().(*estimate.Memo)
	defer m.memos.Put(rules.Memo)
	count, err := estimate.Of(kinds[endpoint], body, rules)
	if err != nil {
		return nil
	}
	return count
}

// measured is what a survey finds in a line.
type measured struct {
	tokens  int64 // of its input
	sure    bool  // they are counted
	basis   estimate.Basis
	missing []string // the parts that are not counted
	images  bool

	mostInput, mostOutput int64
	noOutput              bool   // mostOutput is no bound
	unbounded, unpriced   string // why mostInput is none, or there is no price; "" if it is, and there is
}

// survey counts a request, and bounds what it may come to.
func (m measure) survey(endpoint string, body rawjson.Node, size int) measured {
	count := m.count(endpoint, body)
	if count == nil {
		return measured{tokens: int64(size / bytesPerToken), basis: estimate.Estimated, noOutput: true, unbounded: "there are lines that cannot be counted: see 'guessed'"}
	}
	found := measured{
		tokens: int64(count.Tokens), sure: true, basis: count.Basis, missing: count.Missing, images: count.Has("images"), unpriced: count.Unpriced,
	}
	input, why := count.AtMost(m.rules.Model)
	if input != nil {
		found.mostInput = int64(*input)
	}
	found.unbounded = why
	if output := count.MostOutput(body, m.rules.Model); output != nil {
		found.mostOutput = int64(*output)
	} else {
		found.noOutput = true
		found.unpriced = cmp.Or(found.unpriced, "there are lines without a limit of output, and no source states that of "+m.rules.Model.Name)
	}
	return found
}
