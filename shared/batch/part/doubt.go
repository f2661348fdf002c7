package part

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// lost looks for the batch of a create whose answer did not arrive, nil if there is none.
func (w *work) lost(ctx context.Context) (*azurebatch.Batch, error) {
	if !w.state.Creating || w.state.BatchID != "" {
		return nil, nil
	}
	return w.resource().Find(ctx, w.try.Metadata(w.state.Create), since(w.state.CreatingAt))
}

// search looks for the batch of a create that may have happened. next is what the workflow does if that is found, or is
// looked for again. It is nil once the create has been given up, and another may be sent.
func (w *work) search(ctx context.Context) (next *job.Step, err error) {
	if !w.givenUp {
		b, err := w.lost(ctx)
		if err != nil {
			return nil, err
		}
		if b != nil {
			return w.step.Later(job.StepSubmitted), w.created(ctx, b)
		}
		if next, more := w.step.LookAgain(job.StepNoRoom, w.state.Create); more {
			slog.InfoContext(ctx, "a batch may have been made, and is looked for again", "job", w.step.Job, "part", w.step.Part, "wait_seconds", next.Wait)
			return next, nil
		}
	}
	if err := w.giveUpCreate(ctx); err != nil || w.state.BatchID == "" {
		return nil, err
	}
	return w.step.Later(job.StepSubmitted), nil
}

// giveUpCreate ends a create whose batch has not been found, unless another run has found it. Its file is deleted, so
// that a batch that Azure makes late has no input.
func (w *work) giveUpCreate(ctx context.Context) error {
	st := w.state
	first, err := w.claim(ctx, job.Creation{CreatedAt: w.service.now().UTC()})
	switch {
	case err != nil:
		return err
	case first.BatchID != "":
		st.Adopt(first)
		return w.save(ctx)
	}
	if err := w.doubt(ctx, st.CreatingAt); err != nil {
		return err
	}
	if st.FileID != "" {
		if err := w.resource().DeleteFile(ctx, st.FileID); err != nil {
			return err
		}
	}
	slog.WarnContext(ctx, "a create whose answer was lost is given up", "job", w.step.Job, "part", w.step.Part, "create", st.Create)
	st.FileID, st.Uploading, st.Creating, st.CreatingAt = "", false, false, time.Time{}
	st.Create++
	return w.save(ctx)
}

// enoughWaits is how many waits of Collect are longer than all looks.
const enoughWaits = 4

// endTwins ends the batches that were made beside the one that is the try's: it cancels them, waits for their end, deletes
// their files and counts them. ended is false where one has not ended, or may not be listed, and is worth waiting for;
// unless patient, none is, and what cannot be cancelled is logged.
func (w *work) endTwins(ctx context.Context, twice *job.PaidTwice, patient bool) (ended bool, err error) {
	var d job.Doubt
	if found, err := w.service.store.Get(ctx, w.try.DoubtKey(), &d); !found || err != nil {
		return true, err
	}
	metadata := w.try.Metadata(0)
	delete(metadata, "create")
	all, err := w.resource().FindAll(ctx, metadata, since(d.Since))
	if err != nil {
		return false, err
	}
	// Azure's list may not show the last of them yet.
	ended = w.service.now().Sub(d.Until) > job.AllLooks || w.step.Waits >= enoughWaits
	for _, b := range all {
		if b.ID == w.state.BatchID {
			continue
		}
		if !b.Ended() {
			ended = false
			failed := w.cancelTwin(ctx, b)
			if failed != nil && !patient {
				w.goesOn(ctx, b.ID, failed)
			}
			err = errors.Join(err, failed)
		}
		if w.state.BatchID != "" { // otherwise no other one has been paid
			countTwin(b, w.state.Lines, twice)
		}
	}
	if !ended && patient {
		return false, err
	}
	for _, b := range all {
		if b.ID != w.state.BatchID && !w.job.Settings.KeepFiles {
			w.deleteFiles(ctx, b.OutputFileID, b.ErrorFileID)
			if b.InputFileID != w.state.FileID {
				w.deleteFiles(ctx, b.InputFileID)
			}
		}
	}
	return true, nil
}

func (w *work) cancelTwin(ctx context.Context, b *azurebatch.Batch) error {
	if b.Status == "cancelling" {
		return nil
	}
	slog.WarnContext(ctx, "a part was sent twice, and the second batch is cancelled", "job", w.step.Job, "part", w.step.Part, "batch", b.ID)
	return w.cancel(ctx, b.ID)
}

// goesOn logs that a batch could not be cancelled which no task looks at any more.
func (w *work) goesOn(ctx context.Context, id string, err error) {
	slog.ErrorContext(ctx, "a batch that nothing waits for cannot be cancelled and goes on: cancel it in Azure", "job", w.step.Job, "part", w.step.Part,
		"resource", w.part.Resource, "batch", id, "error", openaierr.From(err).Code)
}

// countTwin counts a batch of so many lines that was made beside the one that is the try's. What has failed before it
// began, such as a batch that found no room, cost nothing.
func countTwin(b *azurebatch.Batch, lines int, twice *job.PaidTwice) {
	var c azurebatch.Counts
	if b.Counts != nil {
		c = *b.Counts
	}
	most := c.Completed
	if !b.Ended() { // it may go on
		most = lines
	}
	if c.Total > 0 || most > 0 {
		twice.AddBatch(c, most)
	}
}
