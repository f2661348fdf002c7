package batch

import (
	"context"
	"strconv"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// What a part may hold. Of a batch, 100,000 requests and 200 MB (Azure OpenAI quotas page as of
// 2026-11); of online calls, as much as a few invocations get through.
const (
	maxBatchLines  = 100_000
	maxBatchBytes  = 200_000_000
	maxOnlineLines = 2_000
	maxOnlineBytes = 32_000_000

	// maxNames bounds the models that are remembered: a file may have as many names as lines.
	maxNames = 1000
)

// envelope is more than what goes around a body on its way to Azure, in bytes.
const envelope = 256

// limits is what a part may hold.
func limits(mode Mode) (lines int, bytes int64) {
	if mode == Online {
		return maxOnlineLines, maxOnlineBytes
	}
	return maxBatchLines, maxBatchBytes
}

// group is what a part's lines have in common.
type group struct {
	mode     Mode
	model    string
	endpoint string
}

// cutter puts lines into parts. One is good for one pass.
type cutter struct {
	*Service
	ctx      context.Context
	job      *Job
	plan     *Plan
	spool    *bucket.Spool // where open parts are kept
	open     map[group]*openPart
	groups   map[group]bool // of the job, as far as it has been read
	rejected *bucket.Writer
	spilled  *bucket.Writer // lines without room, nil until there is one
	targets  map[string]targets
	measures map[string]measure   // by the model that a deployment serves
	tree     rawjson.Tree         // of the line at hand
	assigned map[deployment]int64 // tokens, of earlier passes too
	buffer   []byte
}

// deployment is where a part goes.
type deployment struct{ resource, name string }

func of(t routing.Target) deployment { return deployment{t.Resource, t.Deployment} }
func (p *Part) to() deployment       { return deployment{p.Resource, p.Deployment} }

// targets are the deployments that serve a model.
type targets struct{ batch, online []routing.Target }

func (t targets) none() bool { return len(t.batch) == 0 && len(t.online) == 0 }

// add puts a line into its part, or among the rejected or the spilled.
func (c *cutter) add(raw rawLine) error {
	l, bad := parseLine(&c.tree, raw)
	if bad == nil {
		var err error
		if bad, err = c.place(l, raw.text); err != nil || bad == nil {
			return err
		}
	}
	return c.reject(l, bad)
}

func (c *cutter) reject(l *line, bad *lineError) error {
	c.plan.Rejected++
	c.buffer = appendResult(c.buffer[:0], c.job.ID, l.number, l.customID, bad)
	_, err := c.rejected.Write(c.buffer)
	return err
}

// place puts a line whose text is given into its part. Where there is no room for that part, the line waits for a
// later pass.
func (c *cutter) place(l *line, text []byte) (*lineError, error) {
	to, err := c.serving(l.model)
	if err != nil {
		return nil, err
	}
	to, bad, err := c.check(l, to)
	if bad != nil || err != nil {
		return bad, err
	}
	mode, bad := c.mode(l, to)
	if bad != nil {
		return bad, nil
	}
	g := group{mode, l.model, l.endpoint}
	if err := c.remember(g); err != nil {
		return nil, err
	}
	part, err := c.room(g, to, int64(len(l.body.Raw()))+envelope)
	if err != nil {
		return nil, err
	}
	if part == nil {
		return nil, c.spill(l.number, text)
	}
	body := []byte(l.body.Raw())
	if mode == Batch {
		body = l.bodyFor(part.Deployment)
	}
	how, err := c.counting(part.Serves)
	if err != nil {
		return nil, err
	}
	tokens, ok := how.tokens(l.endpoint, l.body, len(body))
	if part.EnqueuedTokens > 0 && part.Lines > 0 && part.Tokens+tokens > part.EnqueuedTokens {
		if err := c.finish(g); err != nil {
			return nil, err
		}
		return c.place(l, text)
	}
	if !ok {
		c.plan.Guessed++
	}
	return nil, c.write(part, l, body, tokens)
}

func (c *cutter) write(part *openPart, l *line, body []byte, tokens int64) error {
	url := c.batches.URL(l.endpoint)
	if part.Mode == Online {
		url = l.endpoint
	}
	b := append(c.buffer[:0], `{"custom_id":"`...)
	b = strconv.AppendInt(b, int64(l.number), 10)
	b = append(b, `","method":"POST","url":"`...)
	b = append(b, url...)
	b = append(b, `","body":`...)
	b = append(append(b, body...), '}', '\n')
	if _, err := part.requests.Write(b); err != nil {
		return err
	}
	part.Bytes += int64(len(b))
	b = strconv.AppendInt(b[:0], int64(l.number), 10)
	b = append(append(append(b, '\t'), l.customID...), '\n')
	_, err := part.lines.Write(b)
	c.buffer = b
	part.Lines++
	part.Tokens += tokens
	part.OutputTokens += c.expectedOutput(l)
	c.assigned[part.to()] += tokens
	if part.First == 0 {
		part.First = l.number
	}
	part.Last = l.number
	return err
}

// expectedOutput is how many tokens the answer is taken for: what the line allows, or what is
// configured where it sets no limit.
func (c *cutter) expectedOutput(l *line) int64 {
	if l.endpoint == embeddings {
		return 0
	}
	if limit := l.outputLimit(); limit > 0 {
		return limit
	}
	return int64(c.env.OutputTokens)
}

// serving finds the deployments of a model; every model of a file is looked up once.
func (c *cutter) serving(model string) (targets, error) {
	if to, ok := c.targets[model]; ok {
		return to, nil
	}
	batch, online, err := c.azure.Targets(c.ctx, model)
	if err != nil {
		return targets{}, err
	}
	if len(c.targets) < maxNames {
		c.targets[model] = targets{batch, online}
	}
	return targets{batch, online}, nil
}

// counting tells how a model's requests are counted, which is found out once for every model.
func (c *cutter) counting(model string) (m measure, err error) {
	m, found := c.measures[model]
	if !found {
		if m, err = c.measure(c.ctx, model); err == nil && len(c.measures) < maxNames {
			c.measures[model] = m
		}
	}
	return m, err
}

// mode decides how a line is answered: as it asks or as the job does, else as cheaply as it can be.
func (c *cutter) mode(l *line, to targets) (Mode, *lineError) {
	mode := l.mode
	if mode == Auto {
		mode = c.job.Settings.Mode
	}
	batch := len(to.batch) > 0 && l.endpoint != embeddings
	switch {
	case to.none():
		return "", l.fail("model_not_found", "The Azure secret has no deployment of the model %q. GET /v1/models lists those it has.", l.model)
	case mode != Online && batch:
		return Batch, nil
	case mode == Batch && l.endpoint == embeddings:
		return "", l.fail("invalid_mode", "Azure's batch API has no embeddings. Leave 'mode' out, and the line is answered online.")
	case mode == Batch:
		return "", l.fail("model_not_found", "The Azure secret has no batch deployment of the model %q. Leave 'mode' out, and the line is answered online.", l.model)
	case len(to.online) == 0:
		return "", l.fail("model_not_found", "The Azure secret has no online deployment of the model %q, which this line needs.", l.model)
	}
	return Online, nil
}
