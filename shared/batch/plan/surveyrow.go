package plan

import (
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
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

	lines  int // of the part at hand
	bytes  int64
	tokens int64
}

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
}
