package batch

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
)

// Progress is how far a job is, in the terms of OpenAI's batch object.
type Progress struct {
	Job     *job.Job
	Status  string // validating, in_progress, finalizing, cancelling, or the summary's
	Counts  azurebatch.Counts
	Summary *job.Summary // nil until the job has ended

	PlannedAt   time.Time // zero until it is
	CancelledAt time.Time // zero unless Cancel was called
}

// lookers is how many parts are looked at at once.
const lookers = 16

// Progress reads how far a job is. found is false where there is no such job, or not yet: the workflow
// makes its record.
func (s *Service) Progress(ctx context.Context, jobID string) (p *Progress, found bool, err error) {
	p = &Progress{Job: &job.Job{}, Status: "validating"}
	if found, err = s.store.Get(ctx, job.Key(jobID), p.Job); err != nil || !found {
		return nil, false, err
	}
	summary := &job.Summary{}
	ended, err := s.store.Get(ctx, p.Job.Summary, summary)
	switch {
	case err != nil:
		return nil, false, err
	case ended && summary.Job == jobID:
		p.Summary, p.Status = summary, summary.Status
		p.Counts = azurebatch.Counts{Total: summary.Lines.Total, Completed: summary.Lines.Succeeded, Failed: summary.Lines.Failed}
		return p, true, nil
	}
	plan := &job.Plan{}
	if _, err = s.store.Get(ctx, job.PlanKey(jobID), plan); err != nil {
		return nil, false, err
	}
	if p.PlannedAt = plan.DoneAt; plan.Done {
		if p.Counts, err = s.countParts(ctx, jobID, plan.Parts); err != nil {
			return nil, false, err
		}
		p.Counts.Total = plan.Lines
		p.Counts.Failed += plan.Rejected
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

// countParts adds up what has been counted of the parts, even if one of them cannot be read.
func (s *Service) countParts(ctx context.Context, jobID string, parts []job.Part) (sum azurebatch.Counts, err error) {
	var looking errgroup.Group
	looking.SetLimit(lookers)
	counts := make([]azurebatch.Counts, len(parts))
	for i := range parts {
		looking.Go(func() (err error) {
			counts[i], err = s.countPart(ctx, jobID, parts[i].Number)
			return err
		})
	}
	err = looking.Wait()
	for _, c := range counts {
		sum.Completed += c.Completed
		sum.Failed += c.Failed
	}
	return sum, err
}

// countPart adds up a part's tries; of the one under way it has what Azure said last.
func (s *Service) countPart(ctx context.Context, jobID string, part int) (sum azurebatch.Counts, err error) {
	for try := 0; ; try++ {
		keys, tried := job.Try{Job: jobID, Part: part, Try: try}, &job.Tried{}
		settled, err := s.store.Get(ctx, keys.TriedKey(), tried)
		if err != nil {
			return sum, err
		}
		if !settled {
			st := &job.State{}
			_, err := s.store.Get(ctx, keys.StateKey(), st)
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
