package batch

import (
	"context"
	"sync"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/usage"
)

// bytesPerToken is what a request that nobody can count is taken for.
const bytesPerToken = 4

var kinds = map[string]estimate.Kind{chatCompletions: estimate.Chat, responses: estimate.Responses, embeddings: estimate.Embeddings}

// measure counts the requests of one model.
type measure struct {
	rules estimate.Rules
	known bool
	memos *sync.Pool // of *estimate.Memo
}

// measure finds how a model's requests are counted.
func (s *Service) measure(ctx context.Context, model string) (measure, error) {
	known, _, err := s.azure.Catalog(ctx, model)
	if err != nil {
		return measure{}, err
	}
	named, err := known.Lookup(model)
	if err != nil {
		return measure{}, nil // it is not in the catalog
	}
	rules, err := estimate.RulesFor(known, named, nil)
	return measure{rules, err == nil, &sync.Pool{New: func() any { return new(estimate.Memo) }}}, nil
}

// tokens counts the input of a request. ok is false where it is a guess by the bytes that go to Azure.
func (m measure) tokens(endpoint string, body rawjson.Node, size int) (tokens int64, ok bool) {
	if m.known {
		rules := m.rules
		rules.Memo = m.memos.Get().(*estimate.Memo)
		defer m.memos.Put(rules.Memo)
		if count, err := estimate.Of(kinds[endpoint], body, rules); err == nil {
			return int64(count.Tokens), true
		}
	}
	return int64(size / bytesPerToken), false
}

// price is what the tokens of so many calls cost in USD, in the most expensive data zone. ok is false where the
// catalog and the Azure secret have no price.
func price(known *catalog.Catalog, model string, kind catalog.DeploymentType, u usage.Usage, calls int) (usd float64, ok bool) {
	named, err := known.Lookup(model)
	if err != nil {
		return 0, false
	}
	row, _ := known.Price(named, kind, catalog.Terms{})
	if row == nil {
		return 0, false
	}
	return row.Cost(catalog.Usage{Calls: calls, Input: u.Input, CachedInput: u.CachedInput, Output: u.Output})
}
