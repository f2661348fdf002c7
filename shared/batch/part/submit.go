package part

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/openaierr"
)

// Submit brings a part to Azure: as a batch or, where the part is for online calls, line by line. It may
// be repeated at any point. What was begun and whose answer was lost is looked for first, for as long as Azure may take
// to show it. Of two runs at the same time both may create a batch, since neither can wait for the other: a lock
// outlives a run that is killed. But only one batch becomes the part's, and the other is cancelled at once.
func (s *Service) Submit(ctx context.Context, step job.Step) (next *job.Step, err error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	defer func() { w.note(ctx, next, err) }()
	stop, err := s.progress.Cancelled(ctx, step.Job)
	switch {
	case err != nil:
		return nil, err
	case w.state.Status == job.StateEnded:
		return step.Next(job.StepEnded), nil
	case w.state.BatchID != "":
		return step.Later(job.StepSubmitted), nil
	case stop:
		return w.withhold(ctx)
	case w.state.Mode == jsonl.Online:
		return w.callOnline(ctx)
	}
	if w.state.Creating {
		if next, err := w.search(ctx); next != nil || err != nil {
			return next, err
		}
	}
	if err := w.permitted(ctx); err != nil {
		return nil, err
	}
	if st := w.state; !st.Uploading && st.FileID == "" { // it has not begun
		if _, next, err := w.afford(ctx); next != nil || err != nil {
			return next, err
		}
	}
	if err := w.fitRoom(ctx); err != nil {
		return nil, err
	}
	ready, err := w.upload(ctx)
	if err != nil {
		return nil, err
	}
	if !ready {
		next := step.Later(job.StepNoRoom)
		if step.Waits < 6 { // Azure takes seconds to look at a file
			next.Wait = 10
		}
		return next, nil
	}
	if next, err := w.create(ctx); next != nil || err != nil {
		return next, err
	}
	return step.Next(job.StepSubmitted).Later(job.StepSubmitted), nil
}

// withhold ends a part of a cancelled job that has not been sent. A batch that may have been made all the
// same is looked for, polled, and cancelled there.
func (w *work) withhold(ctx context.Context) (*job.Step, error) {
	if w.state.Creating {
		if next, err := w.search(ctx); next != nil || err != nil {
			return next, err
		}
	}
	w.state.Cancelled, w.state.Status = true, job.StateEnded
	return w.step.Next(job.StepEnded), w.save(ctx)
}

// permitted checks the deployment of a part that may have waited for days: it may serve a model by now that the
// owner's key may not use.
func (w *work) permitted(ctx context.Context) error {
	p := w.job.Limits.Permits()
	if p.Any() {
		return nil
	}
	batch, _, err := w.service.azure.Targets(ctx, w.part.Model)
	for _, t := range batch {
		if job.DestinationOf(t) == w.part.Destination() && !p.Target(t) {
			return openaierr.Invalid("model", job.NotAllowed, "The deployment that was to answer the line serves the model %q by now, which your key may not use. Send the line again.", t.Model)
		}
	}
	return err
}

// create makes a batch of the part's file. next is what the workflow does if there is none.
func (w *work) create(ctx context.Context) (next *job.Step, err error) {
	st := w.state
	st.Creating, st.CreatingAt = true, w.service.now().UTC()
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	b, err := w.resource().Create(ctx, st.FileID, w.endpoint(), w.try.Metadata(st.Create))
	if err != nil {
		st.Creating = azurebatch.MayHaveHappened(err)
		return w.notCreated(ctx, errors.Join(err, w.save(ctx)))
	}
	return nil, w.created(ctx, b)
}

// notCreated judges an error of a create. next is what the workflow does at once; otherwise it has the error, after which
// it waits for longer. A file that is gone is uploaded again.
func (w *work) notCreated(ctx context.Context, err error) (next *job.Step, _ error) {
	e := openaierr.From(err)
	if e.Code == azurebatch.TokenLimitExceeded {
		if next, err := w.noRoom(ctx, e.Message); next != nil || err != nil {
			return next, err
		}
		return nil, &openaierr.Error{
			Status: http.StatusTooManyRequests, Type: openaierr.TypeRateLimit, Code: azurebatch.TokenLimitExceeded,
			Message: fmt.Sprintf("The quota of enqueued tokens of deployment %s is full. The part is sent when others have ended.", w.part.Deployment),
		}
	}
	if e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests || w.state.Creating {
		return nil, err
	}
	if w.refusedEndpoint(e.Code, e.Message) {
		return w.step.Next(job.StepNoRoom), w.save(ctx)
	}
	// Azure has several words for a file that it does not have any more.
	_, gone := w.resource().File(ctx, w.state.FileID)
	if gone == nil || openaierr.From(gone).Status != http.StatusNotFound {
		return nil, err
	}
	w.state.FileID, w.state.Uploading, w.state.Creating = "", false, false
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	return nil, &openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_file_gone",
		Message: "Azure OpenAI no longer has the file of the part. It is uploaded again.", Cause: err,
	}
}
