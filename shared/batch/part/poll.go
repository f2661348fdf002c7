package part

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// Poll asks Azure how far a part's batch is. The workflow waits, collects or submits after it.
func (s *Service) Poll(ctx context.Context, step job.Step) (next *job.Step, err error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	defer func() { w.note(ctx, next, err) }()
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
		if next, err := w.sendAgain(ctx); next != nil || err != nil {
			return next, err
		}
		fallthrough
	case "completed", "expired", "cancelled":
		return step.Next(job.StepEnded), errors.Join(w.askWhoCancelled(ctx), w.save(ctx))
	}
	return step.Later(job.StepRunning), errors.Join(w.stop(ctx), w.save(ctx))
}

// sendAgain has a batch that failed made again, where creating it could have been refused for the same reason: the quota
// is full, or its endpoint is not the right one. next is nil if the failure is final.
func (w *work) sendAgain(ctx context.Context) (next *job.Step, err error) {
	for _, e := range w.state.Errors {
		if e.Code == azurebatch.TokenLimitExceeded {
			w.nextCreate()
			if next, err := w.noRoom(ctx, e.Message); next != nil || err != nil {
				return next, err
			}
			return w.step.Later(job.StepNoRoom), w.save(ctx)
		}
		if w.refusedEndpoint(e.Code, e.Message) {
			w.nextCreate()
			return w.step.Next(job.StepNoRoom), w.save(ctx)
		}
	}
	return nil, nil
}

// nextCreate leaves the try with its file and without a batch.
func (w *work) nextCreate() {
	st := w.state
	*st = job.State{
		Mode: st.Mode, Lines: st.Lines, Bytes: st.Bytes, Uploading: st.Uploading, FileID: st.FileID, Create: st.Create + 1,
		Forecast: st.Forecast, Sending: st.Sending,
	}
	st.CreatingAt = time.Time{} // which is in Sending
}

// askWhoCancelled notes that a batch was cancelled for the job's owner, which is done before a poll sees it.
func (w *work) askWhoCancelled(ctx context.Context) error {
	if w.state.Status != "cancelled" || w.state.Late {
		return nil
	}
	stop, err := w.service.progress.Cancelled(ctx, w.step.Job)
	w.state.Cancelled = w.state.Cancelled || stop
	return err
}

// stop cancels a batch whose job was cancelled, or that has taken too long.
func (w *work) stop(ctx context.Context) error {
	stop, err := w.service.progress.Cancelled(ctx, w.step.Job)
	if err != nil {
		return err
	}
	w.state.Cancelled = w.state.Cancelled || stop
	late := w.service.now().Sub(w.state.CreatedAt) > longestBatch
	if !stop && !late || w.state.Status == "cancelling" {
		return nil
	}
	w.state.Late = w.state.Late || late
	return w.cancel(ctx, w.state.BatchID)
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
