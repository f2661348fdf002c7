package plan

import (
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
