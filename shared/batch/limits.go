package batch

import (
	"context"
	"slices"
	"strings"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/routing"
)

// Limits are what a job's lines have to keep to. A line that does not is an error of its own.
type Limits struct {
	Endpoint string   `json:"endpoint,omitempty"` // of every line: /v1/chat/completions and so on; "" is any
	Models   []string `json:"models,omitempty"`   // what the owner's key is bound to; nil is any
	Allow    []string `json:"allow,omitempty"`    // what that key may reach besides
}

const notAllowed = "model_not_allowed"

// permits are what the lines may reach.
func (limits *Limits) permits() permits.Permits {
	if limits.Models == nil {
		return permits.Permits{Models: []string{"*"}}
	}
	return permits.Permits{Models: limits.Models, Allow: limits.Allow}
}

// permitted checks the deployment of a part that may have waited for days: it may serve a model by now that the
// owner's key may not use. A batch that may have been created is left alone.
func (w *work) permitted(ctx context.Context) error {
	p := w.job.Limits.permits()
	if p.Any() || w.state.Creating {
		return nil
	}
	batch, _, err := w.azure.Targets(ctx, w.part.Model)
	for _, t := range batch {
		if of(t) == w.part.to() && !p.Target(t) {
			return openaierr.Invalid("model", notAllowed, "The deployment that was to answer the line serves the model %q by now, which your key may not use. Send the line again.", t.Model)
		}
	}
	return err
}

// within are the targets that may answer the lines.
func (t targets) within(p permits.Permits) targets {
	if p.Any() {
		return t
	}
	allowed := func(all []routing.Target) []routing.Target {
		return slices.DeleteFunc(slices.Clone(all), func(t routing.Target) bool { return !p.Target(t) })
	}
	return targets{allowed(t.batch), allowed(t.online)}
}

// check checks a line against the limits of its job and returns the deployments that may answer it.
func (c *cutter) check(l *line, to targets) (targets, *lineError, error) {
	limits := &c.job.Limits
	if limits.Endpoint != "" && endpointOf(limits.Endpoint) != l.endpoint {
		return to, l.fail("url_mismatch", "'url' is not the endpoint of the batch, %s. Put the line into a batch of its own endpoint.", limits.Endpoint), nil
	}
	p := limits.permits()
	if p.Any() {
		return to, nil, nil
	}
	known := !to.none()
	if to = to.within(p); to.none() && (known || !p.May(l.model)) {
		return to, l.fail(notAllowed, "Your key may not use the model %q. GET /v1/models lists those it may use; the owner of this endpoint can add to them.", l.model), nil
	}
	refusal, err := p.Check(l.body, func(name string) ([]routing.Target, error) {
		to, err := c.serving(strings.Clone(name)) // it is kept for longer than the line
		return slices.Concat(to.batch, to.online), err
	})
	if refusal == nil {
		return to, nil, err
	}
	return to, l.fail(refusal.Code, "%s", refusal.Message), nil
}
