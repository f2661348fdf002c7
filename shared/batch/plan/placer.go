package plan

import (
	"context"
	"slices"
	"strings"
	"sync"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/routing"
)

// maxNames bounds the models that are remembered: a file may have as many names as lines.
const maxNames = 1000

// placer decides where the lines of a file go and how they are counted. It remembers the models that it has met. Its
// methods may be called concurrently.
type placer struct {
	azure   *azure.Client
	mode    jsonl.Mode // of lines that choose none
	limits  job.Limits
	permits permits.Permits // of limits
	output  int             // tokens that an answer is expected to have where its line sets no limit

	mu      sync.Mutex
	targets map[string]targets     // by the model as lines name it
	meters  map[string]*cost.Meter // by the model that a deployment serves
}

// targets are the deployments that serve a model.
type targets struct{ batch, online []routing.Target }

func (t targets) none() bool { return len(t.batch) == 0 && len(t.online) == 0 }

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

// newPlacer makes the placer of a job, or of a survey, which has no mode, and limits only of a file that a caller has uploaded.
func (p *Planner) newPlacer(mode jsonl.Mode, limits job.Limits) *placer {
	return &placer{
		azure: p.azure, mode: mode, limits: limits, permits: limits.Permits(), output: p.env.OutputTokens,
		targets: map[string]targets{}, meters: map[string]*cost.Meter{},
	}
}

// place returns the mode of a line and the deployments that may answer it in that mode, of which there is one at least.
func (p *placer) place(ctx context.Context, l *jsonl.Line) (mode jsonl.Mode, to []routing.Target, bad *jsonl.Error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all, err := p.serving(ctx, l.Model)
	if err != nil {
		return "", nil, nil, err
	}
	if all, bad, err = p.check(ctx, l, all); bad != nil || err != nil {
		return "", nil, bad, err
	}
	if mode, bad = p.modeOf(l, all); mode == jsonl.Online {
		return mode, all.online, bad, nil
	}
	return mode, all.batch, bad, nil
}

// check checks a line against the limits of its job and returns the deployments that may answer it.
func (p *placer) check(ctx context.Context, l *jsonl.Line, to targets) (targets, *jsonl.Error, error) {
	if p.limits.Endpoint != "" && jsonl.EndpointOf(p.limits.Endpoint) != l.Endpoint {
		return to, l.Fail("url_mismatch", "'url' is not the endpoint of the batch, %s. Put the line into a batch of its own endpoint.", p.limits.Endpoint), nil
	}
	if p.permits.Any() {
		bad, err := p.agree(ctx, l, to)
		return to, bad, err
	}
	known := !to.none()
	if to = to.within(p.permits); to.none() && (known || !p.permits.May(l.Model)) {
		return to, l.Fail(job.NotAllowed, "Your key may not use the model %q. GET /v1/models lists those it may use; the owner of this endpoint can add to them.", l.Model), nil
	}
	refusal, err := p.permits.Check(l.Body, func(name string) ([]routing.Target, error) {
		to, err := p.serving(ctx, strings.Clone(name)) // it is kept for longer than the line
		return slices.Concat(to.batch, to.online), err
	})
	if err != nil {
		return to, nil, err
	}
	if refusal != nil {
		return to, l.Fail(refusal.Code, "%s", refusal.Message), nil
	}
	if bad, err := p.agree(ctx, l, to); bad != nil || err != nil {
		return to, bad, err
	}
	for _, id := range permits.Responses(l.Body) {
		if p.permits.Stored(id, "") != nil {
			return to, l.Fail("not_found", "There is no response %.100q for your key in a batch, which does not look up the model that has made it. Send this request by itself; or the owner of this endpoint can allow it with make key NAME=... REPLACE=1 ALLOW=state.", id), nil
		}
	}
	return to, nil, nil
}

// agree checks that the deployment in a line's url, if there is one, is of the model that its body names.
func (p *placer) agree(ctx context.Context, l *jsonl.Line, to targets) (*jsonl.Error, error) {
	if l.Deployment == "" || strings.EqualFold(l.Deployment, l.Model) {
		return nil, nil
	}
	named, err := p.serving(ctx, l.Deployment)
	if err != nil {
		return nil, err
	}
	for _, t := range slices.Concat(named.batch, named.online) {
		if slices.Contains(slices.Concat(to.batch, to.online), t) {
			return nil, nil
		}
	}
	return l.Fail("model_mismatch", "'url' names the deployment %.100q and 'body.model' %.100q, and the Azure secret does not say that they are of one model. Write the url as \"/v1/%s\", and in 'body.model' what is to answer.", l.Deployment, l.Model, l.Endpoint), nil
}

// modeOf decides how a line is answered: as it asks or as the job does, else as cheaply as it can be.
func (p *placer) modeOf(l *jsonl.Line, to targets) (jsonl.Mode, *jsonl.Error) {
	mode := l.Mode
	if mode == jsonl.Auto {
		mode = p.mode
	}
	batch := len(to.batch) > 0 && l.Endpoint != jsonl.Embeddings
	switch {
	case to.none():
		return "", l.Fail("model_not_found", "The Azure secret has no deployment of the model %q. GET /v1/models lists those it has.", l.Model)
	case mode != jsonl.Online && batch:
		return jsonl.Batch, nil
	case mode == jsonl.Batch && l.Endpoint == jsonl.Embeddings:
		return "", l.Fail("invalid_mode", "Azure's batch API has no embeddings. Leave 'mode' out, and the line is answered online.")
	case mode == jsonl.Batch:
		return "", l.Fail("model_not_found", "The Azure secret has no batch deployment of the model %q. Leave 'mode' out, and the line is answered online.", l.Model)
	case len(to.online) == 0:
		return "", l.Fail("model_not_found", "The Azure secret has no online deployment of the model %q, which this line needs.", l.Model)
	}
	return jsonl.Online, nil
}

// serving finds the deployments of a model; every model of a file is looked up once.
func (p *placer) serving(ctx context.Context, model string) (targets, error) {
	if to, ok := p.targets[model]; ok {
		return to, nil
	}
	batch, online, err := p.azure.Targets(ctx, model)
	if err != nil {
		return targets{}, err
	}
	if len(p.targets) < maxNames {
		p.targets[model] = targets{batch, online}
	}
	return targets{batch, online}, nil
}

// counting returns the meter of a model, which is made once for every model.
func (p *placer) counting(ctx context.Context, model string) (m *cost.Meter, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, found := p.meters[model]
	if !found {
		if m, err = cost.MeterFor(ctx, p.azure, model, p.output); err == nil && len(p.meters) < maxNames {
			p.meters[model] = m
		}
	}
	return m, err
}
