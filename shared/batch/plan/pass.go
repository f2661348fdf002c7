package plan

import (
	"context"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/source"
)

// A plan is made in passes. The first reads the source and fills a part of each group of lines that it meets, of as
// many groups as may be open at once. The lines of further groups are spilled: they go into an object of their own,
// which a later pass reads as this one reads the source. So parts have the size that they would have if each group
// came alone, whatever the order of the lines. After each pass a line that has been read is in one place: in a part,
// among the rejected or in a spill. So none is settled twice, even if the Azure secret or these rules change meanwhile.

// cut makes the parts of a plan, pass by pass, until every line has its place or time is short.
func (p *Planner) cut(ctx context.Context, j *job.Job, plan *job.Plan) error {
	closing := p.closing(ctx)
	for {
		if err := p.pass(ctx, j, plan, closing); err != nil {
			return err
		}
		if plan.Done = plan.Read && len(plan.Spills) == 0; plan.Done || closing() {
			return nil
		}
		if err := p.store.Put(ctx, job.PlanKey(j.ID), plan); err != nil { // what the next run goes on with if this one is killed
			return err
		}
	}
}

// pass reads what is left of the source or, after that, of the oldest spill, up to where time is short. What has
// been read is in parts that are complete when it returns without an error.
func (p *Planner) pass(ctx context.Context, j *job.Job, plan *job.Plan, closing func() bool) error {
	c := p.newCutter(ctx, j, plan)
	defer c.abandon()
	read := c.readSource
	if plan.Read {
		read = c.readSpill
	}
	if err := read(ctx, closing); err != nil {
		return err
	}
	if err := c.close(ctx); err != nil {
		return err
	}
	plan.Passes++
	return nil
}

func (c *cutter) readSource(ctx context.Context, closing func() bool) error {
	plan := c.plan
	text := source.Open(c.store.OpenVersion(ctx, c.job.Key, c.job.VersionID, c.job.ETag, 0), plan.Offset)
	defer text.Close()
	lines := jsonl.NewScanner(text, plan.Line, plan.Offset)
	for closed := false; !closed && lines.Next(); closed = closing() {
		plan.Lines++
		if err := c.add(ctx, lines.RawLine); err != nil {
			return err
		}
	}
	plan.Line, plan.Offset, plan.Read = lines.Number, lines.Offset, lines.Ended
	return lines.Err
}

func (c *cutter) readSpill(ctx context.Context, closing func() bool) error {
	spill := &c.plan.Spills[0]
	text := c.store.OpenVersion(ctx, job.SpillKey(c.job.ID, spill.Number), "", "", spill.Offset)
	defer text.Close()
	lines := jsonl.NewAnswerScanner(text)
	lines.Offset = spill.Offset
	for closed := false; !closed && lines.Next(); closed = closing() {
		number, text, err := jsonl.CutNumber(lines.Text)
		if err == nil {
			err = c.add(ctx, jsonl.RawLine{Number: number, Text: text})
		}
		if err != nil {
			return err
		}
	}
	if spill.Offset = lines.Offset; lines.Ended {
		c.plan.Spills = c.plan.Spills[1:]
	}
	return lines.Err
}
