package plan

import (
	"context"

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
	parts    *filler
	groups   map[group]bool // of the job, as far as it has been read
	store    *bucket.Bucket
	rejected *bucket.Writer
	spilled  *bucket.Writer // lines without room, nil until there is one
	tree     rawjson.Tree   // of the line at hand
	buffer   []byte
}

func (p *Planner) newCutter(ctx context.Context, j *job.Job, plan *job.Plan) *cutter {
	c := &cutter{
		job: j, plan: plan, placer: p.newPlacer(j.Settings.Mode, j.Limits), parts: p.newFiller(j.ID, plan),
		groups: map[group]bool{}, store: p.store, rejected: p.store.Create(ctx, job.RejectedKey(j.ID, plan.Passes), nil),
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
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
	part, err := c.parts.room(ctx, g, to, int64(len(l.Body.Raw()))+envelope)
	if err != nil {
		return err
	}
	if part == nil {
		return c.spill(ctx, l.Number, text)
	}
	body := l.BodyFor(l.Model)
	if mode == jsonl.Batch {
		body = l.BodyFor(part.Deployment)
	}
	how, err := c.placer.counting(ctx, part.Serves)
	if err != nil {
		return err
	}
	reading := how.Read(l.Endpoint, l.Body, body.Len())
	if part.EnqueuedTokens > 0 && part.Lines > 0 && part.Tokens+reading.Input > part.EnqueuedTokens {
		if err := c.parts.finish(ctx, g); err != nil {
			return err
		}
		return c.fill(ctx, l, text, mode, to)
	}
	if reading.Guessed {
		c.plan.Guessed++
	}
	how.Add(part.Forecast, l.Number, mode, reading)
	return c.parts.write(part, l, body, reading)
}

// spill leaves a line to a later pass.
func (c *cutter) spill(ctx context.Context, number int, text []byte) error {
	if c.spilled == nil {
		c.spilled = c.store.Create(ctx, job.SpillKey(c.job.ID, c.plan.Passes), nil)
	}
	return jsonl.WriteNumbered(c.spilled, c.buffer, number, text)
}

// remember counts the groups.
func (c *cutter) remember(g group) error {
	if c.groups[g] {
		return nil
	}
	if len(c.groups) >= maxGroups {
		return errGroups
	}
	c.groups[g] = true
	return nil
}

// close completes what the pass has written.
func (c *cutter) close(ctx context.Context) error {
	if err := c.parts.finishAll(ctx); err != nil {
		return err
	}
	if c.spilled != nil {
		if err := c.spilled.Commit(); err != nil {
			return err
		}
		c.plan.Spills = append(c.plan.Spills, job.Spill{Number: c.plan.Passes})
	}
	return c.rejected.Commit()
}

// abandon gives up what an error left open. After close it does nothing.
func (c *cutter) abandon() {
	c.parts.abandon()
	if c.spilled != nil {
		c.spilled.Abandon()
	}
	c.rejected.Abandon()
}
