package job

import (
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/usage"
)

// Part is a slice of a job: lines for one deployment and one endpoint, in the source's order.
type Part struct {
	Number         int                    `json:"part"`
	Mode           jsonl.Mode             `json:"mode"`
	Model          string                 `json:"model"` // as the lines name it
	Resource       string                 `json:"resource,omitempty"`
	Deployment     string                 `json:"deployment,omitempty"`
	Serves         string                 `json:"serves"` // the model that has the price
	Type           catalog.DeploymentType `json:"type,omitempty"`
	EnqueuedTokens int64                  `json:"enqueued_tokens,omitempty"` // the deployment's quota
	Endpoint       string                 `json:"endpoint"`
	Lines          int                    `json:"lines"`
	Bytes          int64                  `json:"bytes"`
	Tokens         int64                  `json:"tokens"`        // of input, as counted or guessed
	OutputTokens   int64                  `json:"output_tokens"` // as expected
	First          int                    `json:"first"`         // line number
	Last           int                    `json:"last"`
	Forecast       *Forecast              `json:"forecast,omitempty"` // nil: by an earlier version
}

// Foreseen is the part's forecast. An earlier version's has what was counted, and no more.
func (p *Part) Foreseen() *Forecast {
	if p.Forecast != nil {
		return p.Forecast
	}
	all := Tallies{{Lines: p.Lines, Usage: usage.Usage{Input: p.Tokens, Output: p.OutputTokens}}}
	return &Forecast{Expected: all, Most: all}
}

// Bind makes a deployment the part's.
func (p *Part) Bind(t routing.Target) {
	p.Resource, p.Deployment, p.Serves, p.Type, p.EnqueuedTokens = t.Resource, t.Deployment, t.Model, t.Type, t.EnqueuedTokens
}

// Destination is where a part goes.
type Destination struct{ Resource, Deployment string }

// DestinationOf is where a part goes that is bound to a deployment.
func DestinationOf(t routing.Target) Destination { return Destination{t.Resource, t.Deployment} }

// Destination is where the part goes.
func (p *Part) Destination() Destination { return Destination{p.Resource, p.Deployment} }
