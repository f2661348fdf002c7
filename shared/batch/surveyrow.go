package batch

import (
	"strconv"

	"aoai-bridge/shared/catalog"
)

// SurveyRow is what the lines come to that go the same way.
type SurveyRow struct {
	Model          string                 `json:"model"`  // as the lines name it
	Serves         string                 `json:"serves"` // the model that has the price
	Mode           Mode                   `json:"mode"`
	Type           catalog.DeploymentType `json:"type,omitempty"` // of the deployment; "" where the secret lists none
	Endpoint       string                 `json:"endpoint"`
	Lines          int                    `json:"lines"`
	Tokens         int64                  `json:"input_tokens"`
	OutputTokens   int64                  `json:"output_tokens"`         // as the lines allow, or as is configured
	Guessed        int                    `json:"guessed,omitempty"`     // lines whose tokens nobody could count: a quarter of their bytes
	Parts          int                    `json:"parts"`                 // files for Azure, of the size that it takes
	MostTokens     int64                  `json:"most_tokens"`           // of one part, which has to fit the quota of enqueued tokens
	EnqueuedTokens int64                  `json:"quota,omitempty"`       // of enqueued tokens, where it is known
	QuotaShort     bool                   `json:"quota_short,omitempty"` // all parts together do not fit it, so some will have to wait

	lines  int // of the part at hand
	bytes  int64
	tokens int64
}

// row returns the row of a line, nil if a job takes no further group.
func (v *survey) row(p *span) *SurveyRow {
	g := group{p.mode, p.line.model, p.line.endpoint}
	i, ok := v.rows[g]
	if !ok {
		t := p.target()
		i = len(v.found.Parts)
		if i == maxGroups {
			return nil
		}
		quota := t.EnqueuedTokens
		if quota == 0 && p.mode == Batch {
			quota = v.env.EnqueuedTokens
		}
		v.rows[g] = i
		v.found.Parts = append(v.found.Parts, SurveyRow{
			Model: g.model, Serves: t.Model, Mode: g.mode, Type: t.Type, Endpoint: g.endpoint, Parts: 1, EnqueuedTokens: quota,
		})
	}
	return &v.found.Parts[i]
}

// add counts a line in, and begins another part where the cutter would.
func (r *SurveyRow) add(v *survey, p *span) {
	maxLines, maxBytes := limits(r.Mode)
	size, tokens := int64(p.size), p.tokens
	if r.lines >= maxLines || r.bytes+size+envelope > maxBytes || r.Mode == Batch && r.EnqueuedTokens > 0 && r.lines > 0 && r.tokens+tokens > r.EnqueuedTokens {
		r.Parts++
		r.lines, r.bytes, r.tokens = 0, 0, 0
	}
	r.lines++
	r.bytes += size + int64(len(`{"custom_id":"","method":"POST","url":"","body":}`)+len(strconv.Itoa(p.number))+len(v.batches.URL(r.Endpoint))+1)
	r.tokens += tokens
	r.Lines++
	r.Tokens += tokens
	r.OutputTokens += p.output
	r.MostTokens = max(r.MostTokens, r.tokens)
	r.QuotaShort = r.EnqueuedTokens > 0 && r.Tokens > r.EnqueuedTokens
	if !p.sure {
		r.Guessed++
	}
}
