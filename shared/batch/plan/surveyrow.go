package plan

import (
	"cmp"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/usage"
)

// SurveyRow is what the lines come to that go the same way.
type SurveyRow struct {
	Model          string                 `json:"model"`  // as the lines name it
	Serves         string                 `json:"serves"` // the model that has the price
	Mode           jsonl.Mode             `json:"mode"`
	Type           catalog.DeploymentType `json:"type,omitempty"` // of the deployment; "" where the secret lists none
	Endpoint       string                 `json:"endpoint"`
	Lines          int                    `json:"lines"`
	Tokens         int64                  `json:"input_tokens"`
	OutputTokens   int64                  `json:"output_tokens"`         // as the lines allow, or as is configured
	Guessed        int                    `json:"guessed,omitempty"`     // lines whose tokens could not be counted: a quarter of their bytes
	Parts          int                    `json:"parts"`                 // files for Azure, of the size that it takes
	MostTokens     int64                  `json:"most_tokens"`           // of one part, which has to fit the quota of enqueued tokens
	EnqueuedTokens int64                  `json:"quota,omitempty"`       // of enqueued tokens, where it is known
	QuotaShort     bool                   `json:"quota_short,omitempty"` // all parts together do not fit it, so some will have to wait

	Basis      estimate.Basis `json:"basis"`                          // that of the least sure line
	NotCounted []string       `json:"not_counted,omitempty"`          // parts that some lines have and that are left out
	InputMost  *int64         `json:"input_tokens_at_most,omitempty"` // with them; nil if nothing bounds them
	Unbounded  string         `json:"unbounded,omitempty"`            // why nothing does

	Guess   string `json:"guess_by_name,omitempty"` // what the name of a model suggests that the catalog does not know; nothing is decided by it
	NoLimit int    `json:"lines_without_limit,omitempty"`

	Forecast job.Forecast `json:"-"` // as a part has it
	// Longest is the lines with the longest answers that there can be, and Why says why they are not to be priced, if
	// not "".
	Longest struct {
		Lines    job.Tallies
		Why      string
		NoOutput bool // their output is no bound: see Why
		Images   bool // some lines have images
	} `json:"-"`

	lines  int // of the part at hand
	bytes  int64
	tokens int64
}

// Kind is the kind of the row's requests.
func (r *SurveyRow) Kind() estimate.Kind { return cost.KindOf(r.Endpoint) }

// part is a part of all of the row's lines, as far as its price goes.
func (r *SurveyRow) part() job.Part {
	return job.Part{Mode: r.Mode, Model: r.Model, Serves: r.Serves, Type: r.Type, Endpoint: r.Endpoint, Forecast: &r.Forecast}
}

// add counts a line in, and begins another part where the cutter would. url is the one that the line gets.
func (r *SurveyRow) add(p *span, url string) {
	maxLines, maxBytes := limits(r.Mode)
	size, tokens := int64(p.size), p.Input
	if r.lines >= maxLines || r.bytes+size+envelope > maxBytes || r.Mode == jsonl.Batch && r.EnqueuedTokens > 0 && r.lines > 0 && r.tokens+tokens > r.EnqueuedTokens {
		r.Parts++
		r.lines, r.bytes, r.tokens = 0, 0, 0
	}
	r.lines++
	r.bytes += int64(jsonl.RequestSize(p.number, url, p.size))
	r.tokens += tokens
	r.Lines++
	r.Tokens += tokens
	r.OutputTokens += p.Output
	r.MostTokens = max(r.MostTokens, r.tokens)
	r.QuotaShort = r.EnqueuedTokens > 0 && r.Tokens > r.EnqueuedTokens
	if p.Guessed {
		r.Guessed++
	}
	p.meter.Add(&r.Forecast, p.number, r.Mode, p.Reading)
	r.NoLimit, r.NotCounted = r.Forecast.NoLimit, r.Forecast.NotCounted
	r.bound(p.Reading, p.meter)
}

// bound counts a line in towards what the row may come to at most.
func (r *SurveyRow) bound(line *cost.Reading, meter *cost.Meter) {
	r.Basis = estimate.Weaker(line.Basis, r.Basis)
	r.Unbounded = cmp.Or(r.Unbounded, line.Unbounded)
	if r.InputMost = nil; len(r.NotCounted) > 0 && r.Unbounded == "" {
		r.InputMost = new(r.Forecast.Most.Sum().Usage.Input)
	}
	l := &r.Longest
	l.Images = l.Images || line.Images
	l.Why = cmp.Or(l.Why, line.Unbounded, line.Unpriced)
	if line.Guessed {
		l.Why = cmp.Or(l.Why, "there are lines that cannot be counted: see 'guessed'")
	}
	output := line.Output
	if line.LongestOutput != nil {
		output = max(output, *line.LongestOutput)
	} else {
		l.NoOutput = true
		l.Why = cmp.Or(l.Why, "there are lines without a limit of output, and no source states that of "+r.Serves)
	}
	l.Lines.Add(job.Price{Long: meter.Long(line.MostInput)}, usage.Usage{Input: line.MostInput, Output: output})
}
