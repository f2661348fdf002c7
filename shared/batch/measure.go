package batch

import (
	"context"
	"sync"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/rawjson"
)

// Usage is in tokens. Cached ones are part of the input, those of reasoning part of the output.
type Usage struct {
	Input     int64 `json:"input_tokens"`
	Cached    int64 `json:"cached_input_tokens"`
	Output    int64 `json:"output_tokens"`
	Reasoning int64 `json:"reasoning_tokens"`
}

func (u *Usage) add(more Usage) {
	u.Input += more.Input
	u.Cached += more.Cached
	u.Output += more.Output
	u.Reasoning += more.Reasoning
}

// bytesPerToken is what a request that nobody can count is taken for.
const bytesPerToken = 4

var kinds = map[string]estimate.Kind{chatCompletions: estimate.Chat, responses: estimate.Responses, embeddings: estimate.Embeddings}

// measure counts the requests of one model.
type measure struct {
	rules estimate.Rules
	known bool
	spare *sync.Pool // of *reader
}

// reader is what one request after another is read with.
type reader struct {
	tree rawjson.Tree
	memo estimate.Memo
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
	return measure{rules, err == nil, &sync.Pool{New: func() any { return new(reader) }}}, nil
}

// tokens counts the input of a request, which is valid JSON. ok is false where it is a guess by the
// request's length.
func (m measure) tokens(endpoint string, body []byte) (tokens int64, ok bool) {
	if m.known {
		r := m.spare.Get().(*reader)
		if len(body) < stretchBytes { // a larger tree is not worth its memory
			defer m.spare.Put(r)
		}
		rules := m.rules
		rules.Memo = &r.memo
		if count, err := estimate.Of(kinds[endpoint], r.tree.Read(body), rules); err == nil {
			return int64(count.Tokens), true
		}
	}
	return int64(len(body) / bytesPerToken), false
}

// price is what tokens cost in USD. ok is false where the catalog and the Azure secret have no price.
func price(known *catalog.Catalog, model string, kind catalog.DeploymentType, u Usage) (usd float64, ok bool) {
	named, err := known.Lookup(model)
	if err != nil {
		return 0, false
	}
	row, _ := known.Price(named, kind)
	if row == nil {
		return 0, false
	}
	return row.Cost(catalog.Usage{Input: u.Input, CachedInput: u.Cached, Output: u.Output})
}
