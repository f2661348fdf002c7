package cost

import (
	"context"
	"slices"
	"sync"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/tokens"
	"aoai-bridge/shared/usage"
)

// bytesPerToken is how long a token is taken to be in a request that cannot be counted.
const bytesPerToken = 4

// cacheable is the shortest prompt that is written to the cache, in tokens. Source: BerriAI/litellm issue 37631, on
// gpt-5.6 and later.
const cacheable = 1024

var kinds = map[string]estimate.Kind{jsonl.ChatCompletions: estimate.Chat, jsonl.Responses: estimate.Responses, jsonl.Embeddings: estimate.Embeddings}

// KindOf returns the kind of the requests of an endpoint.
func KindOf(endpoint string) estimate.Kind { return kinds[endpoint] }

// Meter counts and bounds the requests of one model. Its methods may be called concurrently.
type Meter struct {
	counters []counter      // one, or two where it is not known which holds: the larger count is taken
	bounds   *catalog.Named // with the limits of the model; those of the largest where they are not known
	model    *catalog.Named // nil where the catalog does not know it
	long     int            // tokens of input above which a call costs more, 0 if it never does
	writes   bool           // what is written to the prompt cache has a price of its own
	deaf     bool           // the model is known to read no audio
	output   int64          // tokens that an answer is expected to have where its request sets no limit
}

// counter counts in one encoding.
type counter struct {
	rules estimate.Rules
	memos *sync.Pool // of *estimate.Memo
}

// guesses are the encodings of which one is likely to be that of a model whose encoding is not known.
var guesses = []string{"o200k_base", "cl100k_base"}

// MeterFor returns the meter of a model. output is how many tokens an answer is expected to have where its request sets
// no limit.
func MeterFor(ctx context.Context, client *azure.Client, model string, output int) (*Meter, error) {
	known, _, err := client.Catalog(ctx, "")
	if err != nil {
		return nil, err
	}
	m := &Meter{output: int64(output)}
	window := known.LargestWindow()
	m.bounds = &catalog.Named{Model: &catalog.Model{Name: model, Context: &window}}
	m.long = known.Dearest(true, catalog.StandardTier).Above
	rules := estimate.Rules{Any: known.ImageRules()}
	if found, err := known.Lookup(model); err == nil {
		m.model, m.bounds, m.long = &found, &found, found.LongAbove
		m.writes = known.CacheWrites(found)
		m.deaf = found.Reads != nil && !slices.Contains(found.Reads, "audio")
		if context, _ := found.Limits(""); context == nil && found.MaxInput == nil {
			widest := *found.Model
			widest.Context, m.bounds = &window, &catalog.Named{Model: &widest, AskedVersion: found.AskedVersion}
		}
		if found.Kind != "" {
			rules = estimate.Rules{Model: &found, Images: known.Images(found.Name)}
		}
		if found.Encoding != nil {
			return m, m.countBy(rules, *found.Encoding)
		}
	}
	for _, encoding := range guesses {
		if err := m.countBy(rules, encoding); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Meter) countBy(rules estimate.Rules, encoding string) (err error) {
	rules.Encoding, err = tokens.Lookup(encoding)
	m.counters = append(m.counters, counter{rules, &sync.Pool{New: func() any { return new(estimate.Memo) }}})
	return err
}

// Reading is what a meter reads of a request.
type Reading struct {
	Input   int64          // tokens; a quarter of the bytes where Guessed
	Guessed bool           // the request cannot be counted
	Basis   estimate.Basis // of Input
	Missing []string       // parts of the input that are not counted
	Images  bool           // it has some
	Output  int64          // tokens that the answer is expected to have: the request's limit, or what is configured
	Limited bool           // Output is the request's limit

	MostInput  int64  // with what is not counted
	Unbounded  string // why MostInput is no bound, or the line has no price; "" if it is, and it has
	MoreOutput int64  // that may be paid beside the answer's

	// LongestOutput is the longest answer that there can be, nil where no source states it, and Unpriced says why the
	// catalog has no price of a part, or is "".
	LongestOutput *int64
	Unpriced      string

	tier catalog.Tier
}

// Read counts a request of so many bytes, and bounds what is not counted: by what is left of the context window. A
// request that cannot be counted has no more tokens than bytes.
func (m *Meter) Read(endpoint string, body rawjson.Node, size int) *Reading {
	r := &Reading{tier: catalog.TierOf(body.Get("service_tier").Text())}
	if endpoint != jsonl.Embeddings {
		r.Output, r.Limited = jsonl.OutputOf(body, m.output)
	}
	count := m.count(endpoint, body)
	if count == nil {
		r.Input, r.Guessed, r.Basis, r.MostInput = int64(size/bytesPerToken), true, estimate.Estimated, int64(size)
		return r
	}
	r.Input, r.Basis, r.Missing, r.Images = int64(count.Tokens), count.Basis, count.Missing, count.Has("images")
	if len(m.counters) > 1 {
		r.Basis = estimate.Weaker(r.Basis, estimate.Estimated)
	}
	r.MoreOutput, r.Unpriced = int64(count.MoreOutput), count.Unpriced
	most, why := count.AtMost(m.bounds)
	if r.Unbounded = why; most != nil {
		r.MostInput = int64(*most)
	}
	if r.Unbounded == "" && m.model != nil && !m.deaf { // a model that reads no audio refuses it
		r.Unbounded = count.Unpriced
	}
	if longest := count.MostOutput(body, m.bounds); longest != nil {
		r.LongestOutput = new(int64(*longest))
	}
	return r
}

// count counts the input of a request. It is nil where that cannot be done.
func (m *Meter) count(endpoint string, body rawjson.Node) (most *estimate.Count) {
	for _, c := range m.counters {
		rules := c.rules
		rules.Memo = c.memos.Get().(*estimate.Memo)
		count, err := estimate.Of(kinds[endpoint], body, rules)
		c.memos.Put(rules.Memo)
		if err != nil {
			return nil
		}
		if most == nil || count.Tokens > most.Tokens {
			most = count
		}
	}
	return most
}

// Add counts a line in.
func (m *Meter) Add(f *job.Forecast, number int, mode jsonl.Mode, r *Reading) {
	tier := r.tier
	if mode == jsonl.Batch {
		tier = catalog.StandardTier // a batch has no others
	}
	most := usage.Usage{Input: r.MostInput, Output: r.Output + r.MoreOutput}
	if m.writes && mode == jsonl.Online && most.Input >= cacheable {
		most.CacheWrite = most.Input
	}
	f.Expected.Add(job.Price{Tier: tier, Long: m.Long(r.Input)}, usage.Usage{Input: r.Input, Output: r.Output})
	f.Most.Add(job.Price{Tier: tier, Long: m.Long(r.MostInput)}, most)
	for _, part := range r.Missing {
		if !slices.Contains(f.NotCounted, part) {
			f.NotCounted = append(f.NotCounted, part)
		}
	}
	if !r.Limited && r.Output > 0 {
		f.NoLimit++
	}
	if r.Unbounded != "" {
		if f.Unbounded++; f.Unbounded == 1 {
			f.First, f.Why = number, r.Unbounded
		}
	}
}

// Long reports whether a call of so much input is paid at the prices of a long context, where its model has some.
func (m *Meter) Long(input int64) bool { return m.long > 0 && input > int64(m.long) }
