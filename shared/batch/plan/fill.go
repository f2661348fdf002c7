package plan

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// maxSending is how many chunks and parts are sent at once. Each takes a descriptor for its connection and,
// where it is a chunk, one for its file.
const maxSending = 16

// openPart is a part that is being filled.
type openPart struct {
	job.Part
	requests *bucket.Writer // the lines as Azure gets them
	lines    *bucket.Writer // their numbers and the caller's custom_ids
}

// filler fills the parts of a pass.
type filler struct {
	store    *bucket.Bucket
	spool    *bucket.Spool // where open parts are kept
	batches  *azurebatch.Client
	job      string    // its id
	plan     *job.Plan // gets the parts that are complete
	quota    int64     // of enqueued tokens, of deployments that the secret states none for; 0 is unknown
	open     map[group]*openPart
	maxOpen  int
	assigned map[job.Destination]int64 // tokens, of earlier passes too
	buffer   []byte
}

func (p *Planner) newFiller(jobID string, plan *job.Plan) *filler {
	f := &filler{
		store: p.store, maxOpen: p.maxOpen, spool: p.store.NewSpool(p.temp, maxSending), batches: p.batches, job: jobID, plan: plan, quota: p.env.EnqueuedTokens,
		open: map[group]*openPart{}, assigned: map[job.Destination]int64{}, buffer: make([]byte, 0, envelope),
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		f.assigned[part.Destination()] += part.Tokens
	}
	return f
}

// room returns the part that a line of so many bytes goes into, nil if there are too many other parts. A group that
// has a part keeps one until the pass ends: the first groups get all their lines, the others none.
func (f *filler) room(ctx context.Context, g group, to []routing.Target, bytes int64) (*openPart, error) {
	maxLines, maxBytes := limits(g.mode)
	part := f.open[g]
	if part != nil && (part.Lines >= maxLines || part.Bytes+bytes > maxBytes) {
		if err := f.finish(ctx, g); err != nil {
			return nil, err
		}
		part = nil
	}
	if part != nil || len(f.open) >= f.maxOpen {
		return part, nil
	}
	return f.begin(ctx, g, to), nil
}

// begin opens a part. Batches go to the deployment that has got the least so far.
func (f *filler) begin(ctx context.Context, g group, to []routing.Target) *openPart {
	part := &openPart{Part: job.Part{
		Number: len(f.plan.Parts) + len(f.open) + 1, Mode: g.mode, Model: g.model, Endpoint: g.endpoint, Forecast: &job.Forecast{},
	}}
	if g.mode == jsonl.Online {
		part.Bind(to[0]) // for its price; each call finds its own way
		part.Resource, part.Deployment, part.EnqueuedTokens = "", "", 0
	} else {
		least := to[0]
		for _, t := range to[1:] {
			if f.assigned[job.DestinationOf(t)] < f.assigned[job.DestinationOf(least)] {
				least = t
			}
		}
		part.Bind(least)
		if part.EnqueuedTokens == 0 {
			part.EnqueuedTokens = f.quota
		}
	}
	first := job.Try{Job: f.job, Part: part.Number}
	part.requests = f.spool.Create(ctx, first.RequestsKey())
	part.lines = f.spool.Create(ctx, first.LinesKey())
	f.open[g] = part
	return part
}

// write adds a line to a part.
func (f *filler) write(part *openPart, l *jsonl.Line, body rawjson.Pieces, reading *cost.Reading) error {
	url := f.batches.URL(l.Endpoint)
	if part.Mode == jsonl.Online {
		url = l.Endpoint
	}
	if err := jsonl.WriteRequest(part.requests, f.buffer, l.Number, url, body); err != nil {
		return err
	}
	part.Bytes = part.requests.Size()
	err := jsonl.WriteNumbered(part.lines, f.buffer, l.Number, l.CustomID)
	part.Lines++
	part.Tokens += reading.Input
	part.OutputTokens += reading.Output
	f.assigned[part.Destination()] += reading.Input
	if part.First == 0 {
		part.First = l.Number
	}
	part.Last = l.Number
	return err
}

// finish completes the part of a group.
func (f *filler) finish(ctx context.Context, g group) error {
	part := f.open[g]
	if err := f.commit(ctx, part); err != nil {
		return err
	}
	f.plan.Parts = append(f.plan.Parts, part.Part)
	delete(f.open, g)
	return nil
}

func (f *filler) commit(ctx context.Context, part *openPart) error {
	if err := part.requests.Commit(); err != nil {
		return err
	}
	if err := part.lines.Commit(); err != nil {
		return err
	}
	return f.store.Put(ctx, job.PartKey(f.job, part.Number), &part.Part)
}

// finishAll completes the parts that are open, some at once: one after the other, hundreds would take longer than
// what is kept of a task's time.
func (f *filler) finishAll(ctx context.Context) error {
	var commits errgroup.Group
	commits.SetLimit(maxSending)
	for _, part := range f.open {
		commits.Go(func() error { return f.commit(ctx, part) })
	}
	if err := commits.Wait(); err != nil {
		return err
	}
	for _, part := range f.open {
		f.plan.Parts = append(f.plan.Parts, part.Part)
	}
	clear(f.open)
	slices.SortFunc(f.plan.Parts, func(a, b job.Part) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

// abandon gives up the parts that are open.
func (f *filler) abandon() {
	for _, part := range f.open {
		part.requests.Abandon()
		part.lines.Abandon()
	}
}
