// Package progress says how far jobs are: to the API what its batches are like, and to the owner of a dropped file in the
// status beside the results. It changes nothing of a job.
package progress

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

// Tracker follows the jobs of a bucket. Its methods may be called concurrently.
type Tracker struct {
	store *bucket.Bucket
	now   func() time.Time
}

// New returns a Tracker of the jobs of a bucket.
func New(store *bucket.Bucket, now func() time.Time) *Tracker { return &Tracker{store, now} }

// Progress is how far a job is, in the terms of OpenAI's batch object.
type Progress struct {
	Job     *job.Job
	Status  string // validating, in_progress, finalizing, cancelling, or the summary's
	Counts  azurebatch.Counts
	Summary *job.Summary // nil until the job has ended

	PlannedAt   time.Time // zero until it is
	CancelledAt time.Time // zero unless the job was cancelled
}

// lookers is how many parts are looked at at once.
const lookers = 16

// Of reads how far a job is. found is false where there is no such job, or not yet: the workflow
// makes its record.
func (t *Tracker) Of(ctx context.Context, jobID string) (p *Progress, found bool, err error) {
	p = &Progress{Job: &job.Job{}, Status: "validating"}
	if found, err = t.store.Get(ctx, job.Key(jobID), p.Job); err != nil || !found {
		return nil, false, err
	}
	summary := &job.Summary{}
	ended, err := t.store.Get(ctx, p.Job.Summary, summary)
	switch {
	case err != nil:
		return nil, false, err
	case ended && summary.Ends(p.Job):
		p.Summary, p.Status = summary, summary.Status
		p.Counts = azurebatch.Counts{Total: summary.Lines.Total, Completed: summary.Lines.Succeeded, Failed: summary.Lines.Failed}
		return p, true, nil
	}
	plan := &job.Plan{}
	if _, err = t.store.Get(ctx, job.PlanKey(jobID), plan); err != nil {
		return nil, false, err
	}
	if p.PlannedAt = plan.DoneAt; plan.Done {
		parts := make([]int, len(plan.Parts))
		for i := range plan.Parts {
			parts[i] = plan.Parts[i].Number
		}
		counts, err := t.countParts(ctx, jobID, parts, nil)
		if err != nil {
			return nil, false, err
		}
		for _, c := range counts {
			p.Counts.Completed += c.Completed
			p.Counts.Failed += c.Failed
		}
		p.Counts.Total = plan.Lines
		p.Counts.Failed += plan.Rejected
		p.Status = "in_progress"
		if p.Counts.Completed+p.Counts.Failed >= plan.Lines {
			p.Status = "finalizing"
		}
	}
	p.CancelledAt, err = t.CancelledAt(ctx, jobID)
	if !p.CancelledAt.IsZero() {
		p.Status = "cancelling"
	}
	return p, true, err
}

// CancelledAt is when a job was cancelled the last time, which may not have a record yet; zero if it was not.
func (t *Tracker) CancelledAt(ctx context.Context, jobID string) (time.Time, error) {
	var c job.Cancellation
	_, err := t.store.Get(ctx, job.CancelKey(jobID), &c)
	return c.At, err
}

// Cancelled reports whether a job was cancelled.
func (t *Tracker) Cancelled(ctx context.Context, jobID string) (bool, error) {
	at, err := t.CancelledAt(ctx, jobID)
	return !at.IsZero(), err
}

// UnderWay returns the state of the try of a part that is under way, nil if there is none.
func (t *Tracker) UnderWay(ctx context.Context, jobID string, part int) (*job.State, error) {
	counts, err := t.countPart(ctx, jobID, part, nil)
	return counts.state, err
}

// partCounts are of a part's lines.
type partCounts struct {
	azurebatch.Counts
	settled bool       // nothing more comes of it
	state   *job.State // of the try under way, nil if it has not begun
}

// countParts returns what has been counted of parts, even if one of them cannot be read. live is a part whose try under
// way is known, nil if there is none.
func (t *Tracker) countParts(ctx context.Context, jobID string, parts []int, live *Look) ([]partCounts, error) {
	var looking errgroup.Group
	looking.SetLimit(lookers)
	counts := make([]partCounts, len(parts))
	for i, part := range parts {
		looking.Go(func() (err error) {
			counts[i], err = t.countPart(ctx, jobID, part, live)
			return err
		})
	}
	return counts, looking.Wait()
}

// countPart adds up a part's tries; of the one under way it has what Azure said last.
func (t *Tracker) countPart(ctx context.Context, jobID string, part int, live *Look) (sum partCounts, err error) {
	for try := 0; ; try++ {
		keys, st, tried := job.Try{Job: jobID, Part: part, Try: try}, &job.State{}, &job.Tried{}
		begun := live != nil && live.Try == keys
		if begun {
			st = live.State
		} else if begun, err = t.store.Get(ctx, keys.StateKey(), st); err != nil {
			return sum, err
		}
		settled := false
		if !begun || st.Terminal() { // a part that is given up may have no state
			if settled, err = t.store.Get(ctx, keys.TriedKey(), tried); err != nil {
				return sum, err
			}
		}
		if !settled {
			sum.Completed += st.Counts.Completed // those that failed may be tried again
			if begun {
				sum.state = st
			}
			return sum, nil
		}
		sum.Completed += tried.Succeeded
		sum.Failed += tried.Failed
		if tried.Again == 0 {
			sum.settled = true
			return sum, nil
		}
	}
}
