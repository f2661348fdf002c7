package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/openaierr"
)

// Submit brings a part to Azure: as a batch or, where the part is for online calls, line by line. It may
// be repeated at any point. What was begun and whose answer was lost is looked for first, so that
// nothing is uploaded or created twice. Of two runs at the same time both may create a batch, since neither
// can wait for the other: a lock outlives a run that is killed. But only one batch becomes the part's, and
// the other is cancelled at once.
func (s *Service) Submit(ctx context.Context, step job.Step) (*job.Step, error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	stop, err := s.cancelled(ctx, step.Job)
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
	if err := w.permitted(ctx); err != nil {
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
	if err := w.create(ctx); err != nil {
		return nil, err
	}
	return step.Next(job.StepSubmitted).Later(job.StepSubmitted), nil
}

// withhold ends a part of a cancelled job that has not been sent. A batch that may have been made all the
// same is polled, and cancelled there.
func (w *work) withhold(ctx context.Context) (*job.Step, error) {
	b, err := w.lost(ctx)
	if err != nil {
		return nil, err
	}
	if b != nil {
		return w.step.Later(job.StepSubmitted), w.created(ctx, b)
	}
	w.state.Cancelled, w.state.Status = true, job.StateEnded
	return w.step.Next(job.StepEnded), w.save(ctx)
}

// lost looks for the batch of a create whose answer did not arrive, nil if there is none.
func (w *work) lost(ctx context.Context) (*azurebatch.Batch, error) {
	if !w.state.Creating || w.state.BatchID != "" {
		return nil, nil
	}
	return w.resource().Find(ctx, w.try.Metadata(w.state.Create))
}

// permitted checks the deployment of a part that may have waited for days: it may serve a model by now that the
// owner's key may not use. A batch that may have been created is left alone.
func (w *work) permitted(ctx context.Context) error {
	p := w.job.Limits.Permits()
	if p.Any() || w.state.Creating {
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

// upload sees to it that Azure has the part's file. ready is false while Azure still looks at it.
func (w *work) upload(ctx context.Context) (ready bool, err error) {
	azure, st := w.resource(), w.state
	var f *azurebatch.File
	switch {
	case st.FileID != "":
		return true, nil
	case st.Uploading:
		f, err = azure.FindFile(ctx, w.try.FileName(), st.Bytes)
	default:
		st.Uploading = true
		err = w.save(ctx)
	}
	if err != nil {
		return false, err
	}
	if f == nil {
		open := func(ctx context.Context) io.ReadCloser { return w.service.store.Open(ctx, w.try.RequestsKey()) }
		if f, err = azure.Upload(ctx, w.try.FileName(), st.Bytes, open); err != nil {
			st.Uploading = azurebatch.MayHaveHappened(err)
			return false, errors.Join(notUploaded(err), w.save(ctx))
		}
	}
	if !f.Ready() {
		return false, nil // it is found by its name the next time
	}
	st.FileID = f.ID
	return true, w.save(ctx)
}

// create sees to it that there is a batch of the part's file.
func (w *work) create(ctx context.Context) error {
	azure, st := w.resource(), w.state
	var b *azurebatch.Batch
	var err error
	if st.Creating {
		b, err = w.lost(ctx)
	} else {
		st.Creating = true
		err = w.save(ctx)
	}
	if err != nil {
		return err
	}
	if b == nil {
		if b, err = azure.Create(ctx, st.FileID, w.part.Endpoint, w.try.Metadata(w.state.Create)); err != nil {
			st.Creating = azurebatch.MayHaveHappened(err)
			return w.notCreated(ctx, errors.Join(err, w.save(ctx)))
		}
	}
	return w.created(ctx, b)
}

// created makes a batch the part's, unless another one is.
func (w *work) created(ctx context.Context, b *azurebatch.Batch) error {
	// A batch that was found may be of a file that another run has uploaded.
	mine := job.Creation{BatchID: b.ID, FileID: cmp.Or(b.InputFileID, w.state.FileID), CreatedAt: w.service.now().UTC()}
	first, status := mine, b.Status
	won, err := w.service.store.Claim(ctx, w.creationKey(), mine)
	if err == nil && !won {
		var found bool
		if found, err = w.service.store.Get(ctx, w.creationKey(), &first); err == nil && !found {
			err = errors.New("the record of the part's batch was claimed and is not there")
		}
	}
	if err != nil {
		return err
	}
	if first.BatchID != mine.BatchID {
		w.discard(ctx, mine, first)
		status = "" // Poll finds out
	}
	if own := w.state.FileID; own != "" && own != mine.FileID && own != first.FileID && !w.job.Settings.KeepFiles {
		_ = w.resource().DeleteFile(ctx, own) // no batch is of it; it expires by itself
	}
	w.state.Adopt(first)
	w.state.Status = status
	return w.save(ctx)
}

// discard cancels a batch that was made beside the part's.
func (w *work) discard(ctx context.Context, duplicate, first job.Creation) {
	azure := w.resource()
	log := slog.With("job", w.step.Job, "part", w.step.Part, "batch", duplicate.BatchID)
	if err := azure.Cancel(ctx, duplicate.BatchID); err != nil {
		log.ErrorContext(ctx, "a part was sent twice, and the second batch cannot be cancelled", "error", openaierr.From(err).Code)
		return
	}
	log.WarnContext(ctx, "a part was sent twice, and the second batch is cancelled")
	if duplicate.FileID != first.FileID && !w.job.Settings.KeepFiles {
		_ = azure.DeleteFile(ctx, duplicate.FileID) // it expires by itself
	}
}

// notCreated judges an error of a create. A full quota is an error of its own, which the workflow waits
// for; a file that is gone is uploaded again.
func (w *work) notCreated(ctx context.Context, err error) error {
	e := openaierr.From(err)
	if e.Code == azurebatch.TokenLimitExceeded {
		return &openaierr.Error{
			Status: http.StatusTooManyRequests, Type: openaierr.TypeRateLimit, Code: azurebatch.TokenLimitExceeded,
			Message: fmt.Sprintf("The quota of enqueued tokens of deployment %s is full. The part is sent when others have ended.", w.part.Deployment),
		}
	}
	if e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests {
		return err
	}
	// Azure has several words for a file that it does not have any more.
	_, gone := w.resource().File(ctx, w.state.FileID)
	if gone == nil || openaierr.From(gone).Status != http.StatusNotFound {
		return err
	}
	w.state.FileID, w.state.Uploading, w.state.Creating = "", false, false
	if err := w.save(ctx); err != nil {
		return err
	}
	return &openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_file_gone",
		Message: "Azure OpenAI no longer has the file of the part. It is uploaded again.", Cause: err,
	}
}

// notUploaded judges an error of an upload. Too many files in Azure is a matter of time, not of the request:
// jobs delete theirs when they end.
func notUploaded(err error) error {
	if e := openaierr.From(err); e.Code == "quotaExceeded" {
		return &openaierr.Error{
			Status: http.StatusTooManyRequests, Type: openaierr.TypeRateLimit, Code: e.Code, Cause: err,
			Message: "Azure OpenAI holds as many files as it takes. Delete some, or wait until other jobs have ended.",
		}
	}
	return err
}
