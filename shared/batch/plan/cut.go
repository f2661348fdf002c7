package plan

import (
	"context"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// cutter puts lines into parts. One is good for one pass.
type cutter struct {
	job      *job.Job
	plan     *job.Plan
	placer   *placer
	store    *bucket.Bucket
	spool    *bucket.Spool // where open parts are kept
	batches  *azurebatch.Client
	quota    int64 // of enqueued tokens, of deployments that the secret states none for; 0 is unknown
	open     map[group]*openPart
	groups   map[group]bool // of the job, as far as it has been read
	rejected *bucket.Writer
	spilled  *bucket.Writer            // lines without room, nil until there is one
	tree     rawjson.Tree              // of the line at hand
	assigned map[job.Destination]int64 // tokens, of earlier passes too
	buffer   []byte
}

func (p *Planner) newCutter(ctx context.Context, j *job.Job, plan *job.Plan) *cutter {
	c := &cutter{
		job: j, plan: plan, placer: p.newPlacer(j.Settings.Mode, j.Limits),
		store: p.store, spool: p.store.NewSpool(p.temp, maxSending), batches: p.batches, quota: p.env.EnqueuedTokens,
		open: map[group]*openPart{}, groups: map[group]bool{}, assigned: map[job.Destination]int64{},
		rejected: p.store.Create(ctx, job.RejectedKey(j.ID, plan.Passes), nil),
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		c.assigned[part.Destination()] += part.Tokens
		c.groups[group{part.Mode, part.Model, part.Endpoint}] = true
	}
	return c
}

// add puts a line into its part, or among the rejected or the spilled.
func (c *cutter) add(ctx context.Context, raw jsonl.RawLine) error {
	l, bad := jsonl.Parse(&c.tree, raw)
	if bad != nil {
		return c.reject(l, bad)
	}
	mode, to, bad, err := c.placer.place(ctx, l)
	if err != nil {
		return err
	}
	if bad != nil {
		return c.reject(l, bad)
	}
	return c.fill(ctx, l, raw.Text, mode, to)
}

func (c *cutter) reject(l *jsonl.Line, bad *jsonl.Error) error {
	c.plan.Rejected++
	c.buffer = jsonl.AppendError(c.buffer[:0], c.job.ID, l.Number, l.CustomID, bad)
	_, err := c.rejected.Write(c.buffer)
	return err
}

// fill puts a line whose text is given into a part of its group. Where there is no room for one, the line waits for a
// later pass.
func (c *cutter) fill(ctx context.Context, l *jsonl.Line, text []byte, mode jsonl.Mode, to []routing.Target) error {
	g := group{mode, l.Model, l.Endpoint}
	if err := c.remember(g); err != nil {
		return err
	}
	part, err := c.room(ctx, g, to, int64(len(l.Body.Raw()))+envelope)
	if err != nil {
		return err
	}
	if part == nil {
		return c.spill(ctx, l.Number, text)
	}
	body := []byte(l.Body.Raw())
	if mode == jsonl.Batch {
		body = l.BodyFor(part.Deployment)
	}
	how, err := c.placer.counting(ctx, part.Serves)
	if err != nil {
		return err
	}
	tokens, ok := how.tokens(l.Endpoint, l.Body, len(body))
	if part.EnqueuedTokens > 0 && part.Lines > 0 && part.Tokens+tokens > part.EnqueuedTokens {
		if err := c.finish(ctx, g); err != nil {
			return err
		}
		return c.fill(ctx, l, text, mode, to)
	}
	if !ok {
		c.plan.Guessed++
	}
	return c.write(part, l, body, tokens)
}

func (c *cutter) write(part *openPart, l *jsonl.Line, body []byte, tokens int64) error {
	url := c.batches.URL(l.Endpoint)
	if part.Mode == jsonl.Online {
		url = l.Endpoint
	}
	c.buffer = jsonl.AppendRequest(c.buffer[:0], l.Number, url, body)
	if _, err := part.requests.Write(c.buffer); err != nil {
		return err
	}
	part.Bytes += int64(len(c.buffer))
	c.buffer = jsonl.AppendNumbered(c.buffer[:0], l.Number, l.CustomID)
	_, err := part.lines.Write(c.buffer)
	part.Lines++
	part.Tokens += tokens
	part.OutputTokens += c.placer.expectedOutput(l)
	c.assigned[part.Destination()] += tokens
	if part.First == 0 {
		part.First = l.Number
	}
	part.Last = l.Number
	return err
}
