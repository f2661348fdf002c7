package plan

import (
	"cmp"
	"context"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
)

// Options is what a Planner is made from.
type Options struct {
	Store *bucket.Bucket // has the files and the jobs' records
	Azure *azure.Client  // has the secret's deployments and prices
	Env   config.Batch
	Temp  string           // a directory for what is too large for memory; "" is the system's
	Now   func() time.Time // nil is clock.Wall

	// MaxOpen bounds the parts that are being filled at once, each of which has two files open. 0 is 200: Lambda gives a
	// process 1,024 descriptors (Lambda quotas, 2026-11).
	MaxOpen int
}

// Planner plans jobs and surveys files. Its methods may be called concurrently.
type Planner struct {
	store   *bucket.Bucket
	azure   *azure.Client
	batches *azurebatch.Client
	env     config.Batch
	temp    string
	maxOpen int
	now     func() time.Time
}

// New makes a Planner.
func New(o Options) *Planner {
	return &Planner{
		store: o.Store, azure: o.Azure, batches: azurebatch.New(o.Azure, o.Env.APIVersion), env: o.Env,
		temp: o.Temp, maxOpen: cmp.Or(o.MaxOpen, 200), now: clock.Or(o.Now),
	}
}

// closingTime is kept of a task's time to bring what it has into the bucket.
const closingTime = time.Minute

// closing returns a function that reports whether the task's time is nearly over.
func (p *Planner) closing(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return false }
	}
	left := deadline.Sub(p.now())
	end := deadline.Add(-min(closingTime, left/4))
	return func() bool { return p.now().After(end) }
}
