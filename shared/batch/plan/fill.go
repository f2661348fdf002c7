package plan

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/routing"
)

const (
	// maxOpen bounds the parts that are being filled at once. Each has two files open, and Lambda gives a process
	// 1,024 descriptors (Lambda quotas, 2026-11).
	maxOpen = 200
	// maxSending is how many chunks and parts are sent at once. Each takes a descriptor for its connection and,
	// where it is a chunk, one for its file.
	maxSending = 16
)

// openPart is a part that is being filled.
type openPart struct {
	job.Part
	requests *bucket.Writer // the lines as Azure gets them
	lines    *bucket.Writer // their numbers and the caller's custom_ids
}

// room returns the part that a line of so many bytes goes into, nil if there are too many other parts. A group that
// has a part keeps one until the pass ends: the first groups get all their lines, the others none.
func (c *cutter) room(ctx context.Context, g group, to []routing.Target, bytes int64) (*openPart, error) {
	maxLines, maxBytes := limits(g.mode)
	part := c.open[g]
	if part != nil && (part.Lines >= maxLines || part.Bytes+bytes > maxBytes) {
		if err := c.finish(ctx, g); err != nil {
			return nil, err
		}
		part = nil
	}
	if part != nil || len(c.open) >= maxOpen {
		return part, nil
	}
	return c.begin(ctx, g, to), nil
}

// begin opens a part. Batches go to the deployment that has got the least so far.
func (c *cutter) begin(ctx context.Context, g group, to []routing.Target) *openPart {
	part := &openPart{Part: job.Part{Number: len(c.plan.Parts) + len(c.open) + 1, Mode: g.mode, Model: g.model, Endpoint: g.endpoint}}
	if g.mode == jsonl.Online {
		part.Bind(to[0]) // for its price; each call finds its own way
		part.Resource, part.Deployment, part.EnqueuedTokens = "", "", 0
	} else {
		least := to[0]
		for _, t := range to[1:] {
			if c.assigned[job.DestinationOf(t)] < c.assigned[job.DestinationOf(least)] {
				least = t
			}
		}
		part.Bind(least)
		if part.EnqueuedTokens == 0 {
			part.EnqueuedTokens = c.quota
		}
	}
	first := job.Try{Job: c.job.ID, Part: part.Number}
	part.requests = c.spool.Create(ctx, first.RequestsKey())
	part.lines = c.spool.Create(ctx, first.LinesKey())
	c.open[g] = part
	return part
}

// finish completes the part of a group.
func (c *cutter) finish(ctx context.Context, g group) error {
	part := c.open[g]
	if err := c.commit(ctx, part); err != nil {
		return err
	}
	c.plan.Parts = append(c.plan.Parts, part.Part)
	delete(c.open, g)
	return nil
}

func (c *cutter) commit(ctx context.Context, part *openPart) error {
	if err := part.requests.Commit(); err != nil {
		return err
	}
	if err := part.lines.Commit(); err != nil {
		return err
	}
	return c.store.Put(ctx, job.PartKey(c.job.ID, part.Number), &part.Part)
}

// finishAll completes the parts that are open, some at once: one after the other, hundreds would take longer than
// what is kept of a task's time.
func (c *cutter) finishAll(ctx context.Context) error {
	var commits errgroup.Group
	commits.SetLimit(maxSending)
	for _, part := range c.open {
		commits.Go(func() error { return c.commit(ctx, part) })
	}
	if err := commits.Wait(); err != nil {
		return err
	}
	for _, part := range c.open {
		c.plan.Parts = append(c.plan.Parts, part.Part)
	}
	clear(c.open)
	slices.SortFunc(c.plan.Parts, func(a, b job.Part) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

// close completes what the pass has written.
func (c *cutter) close(ctx context.Context) error {
	if err := c.finishAll(ctx); err != nil {
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
	for _, part := range c.open {
		part.requests.Abandon()
		part.lines.Abandon()
	}
	if c.spilled != nil {
		c.spilled.Abandon()
	}
	c.rejected.Abandon()
}
