package batch

import (
	"context"
	"time"

	"aoai-bridge/shared/batch/job"
)

// Cancel has a job end: batches are cancelled, what they have answered by then is collected, and no
// other line is sent. The workflow sees it at its next step.
func (s *Service) Cancel(ctx context.Context, jobID string) error {
	return s.store.Put(ctx, job.CancelKey(jobID), job.Cancellation{At: s.now().UTC()})
}

// CancelledAt is when Cancel was last called for a job, which may not have a record yet; zero if it was not.
func (s *Service) CancelledAt(ctx context.Context, jobID string) (time.Time, error) {
	return s.progress.CancelledAt(ctx, jobID)
}
