package plan

import (
	"cmp"
	"slices"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimate"
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

	// Most bounds the tokens that are paid from above, and Why says why they are not to be priced, if not "".
	Most struct {
		Input, Output int64
		Longest       int64 // input of one line
		Why           string
		NoOutput      bool // Output is no bound: see Why
		Images        bool // some lines have images
	} `json:"-"`

	lines  int // of the part at hand
	bytes  int64
	tokens int64
}

// Kind is the kind of the row's requests.
func (r *SurveyRow) Kind() estimate.Kind { return kinds[r.Endpoint] }

// add counts a line in, and begins another part where the cutter would. url is the one that the line gets.
func (r *SurveyRow) add(p *span, url string) {
	maxLines, maxBytes := limits(r.Mode)
	size, tokens := int64(p.size), p.tokens
	if r.lines >= maxLines || r.bytes+size+envelope > maxBytes || r.Mode == jsonl.Batch && r.EnqueuedTokens > 0 && r.lines > 0 && r.tokens+tokens > r.EnqueuedTokens {
		r.Parts++
		r.lines, r.bytes, r.tokens = 0, 0, 0
	}
	r.lines++
	r.bytes += int64(jsonl.RequestSize(p.number, url, p.size))
	r.tokens += tokens
	r.Lines++
	r.Tokens += tokens
	r.OutputTokens += p.output
	r.MostTokens = max(r.MostTokens, r.tokens)
	r.QuotaShort = r.EnqueuedTokens > 0 && r.Tokens > r.EnqueuedTokens
	if !p.sure {
		r.Guessed++
	}
	r.bound(&p.measured, p.output)
}

// bound counts a line in towards what the row may come to at most.
func (r *SurveyRow) bound(m *measured, output int64) {
	r.Basis = estimate.Weaker(m.basis, r.Basis)
	for _, part := range m.missing {
		if !slices.Contains(r.NotCounted, part) {
			r.NotCounted = append(r.NotCounted, part)
		}
	}
	most := &r.Most
	most.Images = most.Images || m.images
	most.Input += m.mostInput
	most.Longest = max(most.Longest, m.mostInput)
	most.Output += max(m.mostOutput, output)
	most.NoOutput = most.NoOutput || m.noOutput
	r.Unbounded = cmp.Or(r.Unbounded, m.unbounded)
	most.Why = cmp.Or(most.Why, m.unbounded, m.unpriced)
	r.InputMost = nil
	if len(r.NotCounted) > 0 && r.Unbounded == "" {
		sum := most.Input
		r.InputMost = &sum
	}
}
