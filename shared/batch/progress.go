package batch

import (
	"context"
	"sync"
	"time"

	"aoai-bridge/shared/azurebatch"
)

// Progress is how far a job is, in the terms of OpenAI's batch object.
type Progress struct {
	Job     *Job
	Status  string // validating, in_progress, finalizing, cancelling, or the summary's
	Counts  azurebatch.Counts
	Summary *Summary // nil until the job has ended

	PlannedAt   time.Time // zero until it is
	CancelledAt time.Time // zero unless Cancel was called
}

// lookers is how many parts are looked at at once.
const lookers = 16

// Progress reads how far a job is. found is false where there is no such job, or not yet: the workflow
// makes its record.
func (s *Service) Progress(ctx context.Context, jobID string) (p *Progress, found bool, err error) {
	p = &Progress{Job: &Job{}, Status: "validating"}
	if found, err = s.store.Get(ctx, jobKey(jobID), p.Job); err != nil || !found {
		return nil, false, err
	}
	summary := &Summary{}
	ended, err := s.store.Get(ctx, p.Job.Summary, summary)
	switch {
	case err != nil:
		return nil, false, err
	case ended && summary.Job == jobID:
		p.Summary, p.Status = summary, summary.Status
		p.Counts = azurebatch.Counts{Total: summary.Lines.Total, Completed: summary.Lines.Succeeded, Failed: summary.Lines.Failed}
		return p, true, nil
	}
	plan := &Plan{}
	if _, err = s.store.Get(ctx, planKey(jobID), plan); err != nil {
		return nil, false, err
	}
	if p.PlannedAt = plan.DoneAt; plan.Done {
		p.Counts.Total, p.Counts.Failed = plan.Lines, plan.Rejected
		if err := s.countParts(ctx, jobID, plan, &p.Counts); err != nil {
			return nil, false, err
		}
		p.Status = "in_progress"
		if p.Counts.Completed+p.Counts.Failed >= plan.Lines {
			p.Status = "finalizing"
		}
	}
	p.CancelledAt, err = s.CancelledAt(ctx, jobID)
	if !p.CancelledAt.IsZero() {
		p.Status = "cancelling"
	}
	return p, true, err
}

func (s *Service) countParts(ctx context.Context, jobID string, plan *Plan, sum *azurebatch.Counts) error {
	parts := make(chan int)
	var mu sync.Mutex
	var first error
	var all sync.WaitGroup
	for range lookers {
		all.Go(func() {
			for part := range parts {
				counts, err := s.countPart(ctx, jobID, part)
				mu.Lock()
				sum.Completed += counts.Completed
				sum.Failed += counts.Failed
				if err != nil && first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	for i := range plan.Parts {
		parts <- plan.Parts[i].Number
	}
	close(parts)
	all.Wait()
	return first
}

// countPart adds up a part's tries; of the one under way it has what Azure said last.
func (s *Service) countPart(ctx context.Context, jobID string, part int) (sum azurebatch.Counts, err error) {
	for try := 0; ; try++ {
		tried := &Tried{}
		settled, err := s.store.Get(ctx, tryKey(jobID, part, try, triedName), tried)
		if err != nil {
			return sum, err
		}
		if !settled {
			st := &state{}
			_, err := s.store.Get(ctx, tryKey(jobID, part, try, stateName), st)
			sum.Completed += st.Counts.Completed // those that failed may be tried again
			return sum, err
		}
		sum.Completed += tried.Succeeded
		sum.Failed += tried.Failed
		if tried.Again == 0 {
			return sum, nil
		}
	}
}

// Cancel has a job end: batches are cancelled, what they have answered by then is collected, and no
// other line is sent. The workflow sees it at its next step.
func (s *Service) Cancel(ctx context.Context, jobID string) error {
	return s.store.Put(ctx, cancelKey(jobID), cancellation{s.now().UTC()})
}

type cancellation struct {
	At time.Time `json:"at"`
}

// CancelledAt is when Cancel was last called for a job, which may not have a record yet; zero if it was not.
func (s *Service) CancelledAt(ctx context.Context, jobID string) (time.Time, error) {
	var c cancellation
	_, err := s.store.Get(ctx, cancelKey(jobID), &c)
	return c.At, err
}
