package batch

import "aoai-bridge/shared/bucket"

// openPart is a part that is being filled.
type openPart struct {
	Part
	requests *bucket.Writer // the lines as Azure gets them
	lines    *bucket.Writer // their numbers and the caller's custom_ids
	used     int            // when it got its last line, as a line number
}

// room returns the part that a line of so many bytes goes into.
func (c *cutter) room(g group, to targets, bytes int64) (*openPart, error) {
	maxLines, maxBytes := limits(g.mode)
	part := c.open[g]
	if part != nil && (part.Lines >= maxLines || part.Bytes+bytes > maxBytes) {
		if err := c.finish(g); err != nil {
			return nil, err
		}
		part = nil
	}
	if part != nil {
		return part, nil
	}
	if len(c.open) >= maxOpen {
		if err := c.finish(c.longestUnused()); err != nil {
			return nil, err
		}
	}
	return c.begin(g, to)
}

func (c *cutter) longestUnused() (oldest group) {
	used := 0
	for g, part := range c.open {
		if used == 0 || part.used < used {
			oldest, used = g, part.used
		}
	}
	return oldest
}

// begin opens a part. Batches go to the deployment that has got the least so far.
func (c *cutter) begin(g group, to targets) (*openPart, error) {
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
	var err error
	if part.requests, err = c.store.CreateSpooled(c.ctx, tryKey(c.job.ID, part.Number, 0, requestsName), c.temp); err != nil {
		return nil, err
	}
	c.open[g] = part
	part.lines, err = c.store.CreateSpooled(c.ctx, tryKey(c.job.ID, part.Number, 0, linesName), c.temp)
	return part, err
}

// finish completes a part.
func (c *cutter) finish(g group) error {
	part := c.open[g]
	if err := part.requests.Commit(); err != nil {
		return err
	}
	if err := part.lines.Commit(); err != nil {
		return err
	}
	if err := c.store.Put(c.ctx, partKey(c.job.ID, part.Number, partName), &part.Part); err != nil {
		return err
	}
	c.plan.Parts = append(c.plan.Parts, part.Part)
	delete(c.open, g)
	return nil
}

// close completes what is open and marks where the source has been read to.
func (c *cutter) close(s *scanner) error {
	for g := range c.open {
		if err := c.finish(g); err != nil {
			return err
		}
	}
	if err := c.rejected.Commit(); err != nil {
		return err
	}
	c.plan.Passes++
	c.plan.Line, c.plan.Offset = s.number, s.offset
	return nil
}
