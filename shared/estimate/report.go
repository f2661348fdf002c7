package estimate

import (
	"encoding/json"
	"time"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// Options is the member "estimate" of a request, beside the request's own.
type Options struct {
	CallsPerMinute float64 `json:"calls_per_minute"`   // for the PTUs that they need
	OutputTokens   *int    `json:"output_tokens"`      // that an answer is expected to have
	CachedTokens   int     `json:"cached_tokens"`      // of the input, expected to be in the cache
	CacheWrite     *int    `json:"cache_write_tokens"` // of the input, expected to be written to the cache
	Tokens         bool    `json:"tokens"`             // list the tokens
	Encoding       string  `json:"encoding"`           // in place of the model's
	Images         []Size  `json:"images"`             // sizes of the images that come by URL, in their order
}

// ParseOptions reads the member "estimate".
func ParseOptions(n rawjson.Node) (Options, error) {
	var o Options
	if n.Absent() {
		return o, nil
	}
	if n.Kind() != '{' {
		return o, wrongType("estimate", "an object", n)
	}
	for name, value := range n.Members() {
		var into any
		want := "an integer"
		switch name {
		case "calls_per_minute":
			into, want = &o.CallsPerMinute, "a number"
		case "output_tokens":
			into = &o.OutputTokens
		case "cached_tokens":
			into = &o.CachedTokens
		case "cache_write_tokens":
			into = &o.CacheWrite
		case "tokens":
			into, want = &o.Tokens, "a boolean"
		case "encoding":
			into, want = &o.Encoding, "a string"
		case "images":
			into, want = &o.Images, `an array of {"width","height"}`
		default:
			return o, openaierr.Invalid("estimate."+name, "unknown_parameter",
				"Unknown parameter: 'estimate.%.40s'. There are calls_per_minute, output_tokens, cached_tokens, cache_write_tokens, tokens, encoding and images.", name)
		}
		if json.Unmarshal(value.Raw(), into) != nil {
			return o, wrongType("estimate."+name, want, value)
		}
	}
	return o, o.check()
}

func (o *Options) check() error {
	bad := func(name string, most int) error {
		return openaierr.Invalid("estimate."+name, "invalid_value", "Invalid value for 'estimate.%s': it must be from 0 to %d.", name, most)
	}
	switch {
	case o.CallsPerMinute < 0 || !decimal.InRange(o.CallsPerMinute):
		return bad("calls_per_minute", decimal.Most)
	case o.OutputTokens != nil && (*o.OutputTokens < 0 || *o.OutputTokens > maxTokens):
		return bad("output_tokens", maxTokens)
	case o.CachedTokens < 0 || o.CachedTokens > maxTokens:
		return bad("cached_tokens", maxTokens)
	case o.CacheWrite != nil && (*o.CacheWrite < 0 || *o.CacheWrite > maxTokens):
		return bad("cache_write_tokens", maxTokens)
	}
	for i, size := range o.Images {
		if size.Width <= 0 || size.Height <= 0 {
			return openaierr.Invalid(elementParam("estimate.images", i), "invalid_value", "Invalid value for 'estimate.images[%d]': give width and height in pixels.", i)
		}
	}
	return nil
}

// Report is what POST /v1/tokens/estimate answers.
type Report struct {
	Object   string `json:"object"` // "token_estimate"
	Request  Kind   `json:"request"`
	Model    string `json:"model,omitempty"`
	Version  string `json:"version,omitempty"`
	Encoding string `json:"encoding"`

	InputTokens int    `json:"input_tokens"`
	InputMin    *int   `json:"input_tokens_min,omitempty"` // where images of unknown size leave a range
	Basis       Basis  `json:"basis"`
	Parts       []Part `json:"parts"`

	NotCounted   []string `json:"not_counted,omitempty"`          // the parts that are left out of input_tokens
	InputMost    *int     `json:"input_tokens_at_most,omitempty"` // with them; nil if all are counted, or nothing bounds them
	UnboundedWhy string   `json:"unbounded,omitempty"`            // why nothing does

	Output      *Output            `json:"output,omitempty"`
	CacheWrite  *CacheWrite        `json:"cache_write,omitempty"`
	Context     *Context           `json:"context,omitempty"`
	Cost        []Cost             `json:"cost,omitempty"`
	Provisioned []catalog.Capacity `json:"provisioned,omitempty"`

	Retirement *catalog.Retirement `json:"retirement,omitempty"`
	Notes      []string            `json:"notes,omitempty"`

	Tokens  []TextTokens `json:"tokens,omitempty"`
	Sources Sources      `json:"sources,omitempty"`
}

// Output is how many tokens the answer may have, and how many the costs are of.
type Output struct {
	Bound *int   `json:"bound"` // nil: none is known
	From  string `json:"bound_from,omitempty"`
	Paid  int    `json:"counted"`
	Why   string `json:"counted_from"`

	known bool // the caller or the request says how many there are
}

// ReportOn makes the report on a counted request. n is nil where only an encoding is known.
func ReportOn(c *catalog.Catalog, n *catalog.Named, count *Count, body rawjson.Node, o Options, now time.Time) (*Report, error) {
	r := &Report{
		Object: "token_estimate", Request: count.Kind,
		InputTokens: count.Tokens, Basis: count.Basis, Parts: count.Parts, NotCounted: count.Missing,
	}
	if count.Min != count.Tokens {
		r.InputMin = &count.Min
	}
	if len(count.Missing) > 0 {
		r.InputMost, r.UnboundedWhy = count.AtMost(n)
	}
	if o.CachedTokens > count.Tokens {
		return nil, openaierr.Invalid("estimate.cached_tokens", "invalid_value", "'estimate.cached_tokens' is %d, more than the %d tokens of the input.", o.CachedTokens, count.Tokens)
	}
	if n == nil {
		return r, nil
	}
	r.Model, r.Version = n.Name, n.AskedVersion
	bound, explicit, err := outputBound(count.Kind, body, n)
	if err != nil {
		return nil, err
	}
	if count.Kind == Chat || count.Kind == Responses {
		r.Output = expectedOutput(bound, explicit, o)
	}
	paid := 0
	if r.Output != nil {
		paid = r.Output.Paid
	}
	if r.CacheWrite, err = cacheWrite(c, n, count.Tokens, o); err != nil {
		return nil, err
	}
	terms := catalog.TermsOn(now)
	if terms.Tier, err = serviceTier(body); err != nil {
		return nil, err
	}
	usage := catalog.Usage{Input: int64(count.Tokens), CachedInput: int64(o.CachedTokens), Output: int64(paid)}
	if r.CacheWrite != nil {
		usage.CacheWrite = int64(r.CacheWrite.Paid)
	}
	r.Context = contextOf(n, count, explicit)
	rows := c.Costs(*n, usage, terms)
	r.Cost = r.costs(rows, n, count, usage, o)
	if o.CallsPerMinute > 0 {
		r.Provisioned = c.PTUs(*n, usage, o.CallsPerMinute)
		for i := range r.Provisioned {
			r.Provisioned[i].Compare(rows)
			if r.Output != nil && !r.Output.known {
				r.Provisioned[i].Note = "output is not in these numbers: give 'estimate.output_tokens'"
			}
		}
	}
	r.Retirement = c.Retirement(*n, now)
	if n.ResponsesOnly && count.Kind == Chat {
		r.Notes = append(r.Notes, "Azure serves this model by the responses API only, not by chat completions")
	}
	r.Sources = Sources{}
	r.Sources.Cite(c, n, count.Kind, count.Has("images"), r.Cost)
	for _, capacity := range r.Provisioned {
		r.Sources.cite(c, capacity.Source)
	}
	return r, nil
}

func expectedOutput(bound, explicit *outputLimit, o Options) *Output {
	out := &Output{Why: "nothing: give 'estimate.output_tokens'"}
	if bound != nil {
		out.Bound, out.From = &bound.tokens, bound.from
	}
	switch {
	case o.OutputTokens != nil:
		out.Paid, out.Why, out.known = *o.OutputTokens, "estimate.output_tokens", true
	case explicit != nil:
		out.Paid, out.Why, out.known = explicit.tokens, explicit.from, true
	}
	return out
}
