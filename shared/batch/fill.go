package batch

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	"aoai-bridge/shared/bucket"
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
	Part
	requests *bucket.Writer // the lines as Azure gets them
	lines    *bucket.Writer // their numbers and the caller's custom_ids
}

// room returns the part that a line of so many bytes goes into, nil if there are too many other parts. A group that
// has a part keeps one until the pass ends: the first groups get all their lines, the others none.
func (c *cutter) room(g group, to targets, bytes int64) (*openPart, error) {
	maxLines, maxBytes := limits(g.mode)
	part := c.open[g]
	if part != nil && (part.Lines >= maxLines || part.Bytes+bytes > maxBytes) {
		if err := c.finish(g); err != nil {
			return nil, err
		}
		part = nil
	}
	if part != nil || len(c.open) >= maxOpen {
		return part, nil
	}
	return c.begin(g, to), nil
}

// begin opens a part. Batches go to the deployment that has got the least so far.
func (c *cutter) begin(g group, to targets) *openPart {
	part := &openPart{Part: Part{Number: len(c.plan.Parts) + len(c.open) + 1, Mode: g.mode, Model: g.model, Endpoint: g.endpoint}}
	if g.mode == Online {
		part.bind(to.online[0]) // for its price; each call finds its own way
		part.Resource, part.Deployment, part.EnqueuedTokens = "", "", 0
	} else {
		least := to.batch[0]
		for _, t := range to.batch[1:] {
			if c.assigned[of(t)] < c.assigned[of(least)] {
				least = t
			}
		}
		part.bind(least)
		if part.EnqueuedTokens == 0 {
			part.EnqueuedTokens = c.env.EnqueuedTokens
		}
	}
	part.requests = c.spool.Create(c.ctx, tryKey(c.job.ID, part.Number, 0, requestsName))
	part.lines = c.spool.Create(c.ctx, tryKey(c.job.ID, part.Number, 0, linesName))
	c.open[g] = part
	return part
}

// finish completes the part of a group.
func (c *cutter) finish(g group) error {
	part := c.open[g]
	if err := c.commit(part); err != nil {
		return err
	}
	c.plan.Parts = append(c.plan.Parts, part.Part)
	delete(c.open, g)
	return nil
}

func (c *cutter) commit(part *openPart) error {
	if err := part.requests.Commit(); err != nil {
		return err
	}
	if err := part.lines.Commit(); err != nil {
		return err
	}
	return c.store.Put(c.ctx, partKey(c.job.ID, part.Number, partName), &part.Part)
}

// finishAll completes the parts that are open, some at once: one after the other, hundreds would take longer than
// what is kept of a task's time.
func (c *cutter) finishAll() error {
	parts := slices.Collect(maps.Values(c.open))
	errs, work := make([]error, len(parts)), make(chan int)
	var all sync.WaitGroup
	for range min(maxSending, len(parts)) {
		all.Go(func() {
			for i := range work {
				errs[i] = c.commit(parts[i])
			}
		})
	}
	for i := range parts {
		work <- i
	}
	close(work)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, part := range parts {
		c.plan.Parts = append(c.plan.Parts, part.Part)
	}
	clear(c.open)
	slices.SortFunc(c.plan.Parts, func(a, b Part) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

// close completes what the pass has written.
func (c *cutter) close() error {
	if err := c.finishAll(); err != nil {
		return err
	}
	if c.spilled != nil {
		if err := c.spilled.Commit(); err != nil {
			return err
		}
		c.plan.Spills = append(c.plan.Spills, Spill{Number: c.plan.Passes})
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
