package batch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// longestBatch is when a batch that does not end is cancelled. Azure's FAQ says that batches are not
// ended after 24 hours by themselves.
const longestBatch = 72 * time.Hour

// Poll asks Azure how far a part's batch is and tells the workflow whether to wait or to collect.
func (s *Service) Poll(ctx context.Context, step job.Step) (*job.Step, error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	st := w.state
	if st.BatchID == "" || st.Status == job.StateEnded {
		return step.Next(job.StepEnded), nil
	}
	azure := w.resource()
	b, err := azure.Batch(ctx, st.BatchID)
	if err != nil {
		return nil, w.notFound(ctx, err)
	}
	st.Unavailable = 0
	st.Update(b)
	switch st.Status {
	case "failed":
		if st.FoundNoRoom() { // where creating does not say so, the batch does
			*st = job.State{Mode: st.Mode, Lines: st.Lines, Bytes: st.Bytes, Uploading: st.Uploading, FileID: st.FileID, Create: st.Create + 1}
			return step.Later(job.StepNoRoom), w.save(ctx)
		}
		fallthrough
	case "completed", "expired", "cancelled":
		return step.Next(job.StepEnded), w.save(ctx)
	}
	return step.Later(job.StepRunning), errors.Join(w.stop(ctx), w.save(ctx))
}

// stop cancels a batch whose job was cancelled, or that has taken too long.
func (w *work) stop(ctx context.Context) error {
	stop, err := w.service.cancelled(ctx, w.step.Job)
	if err != nil {
		return err
	}
	late := w.service.now().Sub(w.state.CreatedAt) > longestBatch
	if !stop && !late || w.state.Status == "cancelling" {
		return nil
	}
	w.state.Cancelled = w.state.Cancelled || stop
	err = w.resource().Cancel(ctx, w.state.BatchID)
	if err != nil && openaierr.From(err).Status == http.StatusConflict { // it has ended meanwhile
		return nil
	}
	return err
}

// missing is how often in a row Azure may say that it has no such batch before we believe it.
const missing = 5

// notFound judges an error of a poll. A batch that Azure has lost is settled without its answers.
func (w *work) notFound(ctx context.Context, err error) error {
	if openaierr.From(err).Status != http.StatusNotFound {
		return err
	}
	w.state.Unavailable++
	if w.state.Unavailable >= missing {
		w.state.Status = job.StateEnded
	}
	if err := w.save(ctx); err != nil {
		return err
	}
	return &openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_batch_missing",
		Message: "Azure OpenAI does not know the batch that it made.", Cause: err,
	}
}
