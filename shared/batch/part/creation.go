package part

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// created makes a batch the part's, unless another one is, or the create was given up meanwhile.
func (w *work) created(ctx context.Context, b *azurebatch.Batch) error {
	// A batch that was found may be of a file that another run has uploaded.
	mine := job.Creation{BatchID: b.ID, FileID: cmp.Or(b.InputFileID, w.state.FileID), CreatedAt: w.service.now().UTC()}
	first, err := w.claim(ctx, mine)
	if err != nil {
		return err
	}
	status := b.Status
	if first.BatchID != mine.BatchID {
		if err := w.discard(ctx, mine, first); err != nil {
			return err
		}
		status = "" // Poll finds out
	}
	if first.BatchID == "" {
		return &openaierr.Error{
			Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "task_overtaken",
			Message: "Azure OpenAI made the batch of the part only after another run of the task had given it up. It is cancelled.",
		}
	}
	if own := w.state.FileID; own != "" && own != mine.FileID && own != first.FileID && !w.job.Settings.KeepFiles {
		w.deleteInput(ctx, own) // no batch is of it
	}
	w.state.Adopt(first)
	w.state.Status = status
	return w.save(ctx)
}

// claim decides which batch is the try's. It returns the record that was written first.
func (w *work) claim(ctx context.Context, mine job.Creation) (first job.Creation, err error) {
	won, err := w.service.store.Claim(ctx, w.creationKey(), mine)
	if err != nil || won {
		return mine, err
	}
	found, err := w.service.store.Get(ctx, w.creationKey(), &first)
	if err == nil && !found {
		err = errors.New("the record of the part's batch was claimed and is not there")
	}
	return first, err
}

// discard cancels a batch that was made beside the part's.
func (w *work) discard(ctx context.Context, duplicate, first job.Creation) error {
	if err := w.doubt(ctx, w.state.CreatingAt); err != nil {
		return err
	}
	azure := w.resource()
	log := slog.With("job", w.step.Job, "part", w.step.Part, "batch", duplicate.BatchID)
	if err := azure.Cancel(ctx, duplicate.BatchID); err != nil {
		log.ErrorContext(ctx, "a part was sent twice, and the second batch cannot be cancelled yet", "error", openaierr.From(err).Code)
		return nil // Collect tries again
	}
	log.WarnContext(ctx, "a part was sent twice, and the second batch is cancelled")
	if duplicate.FileID != first.FileID && !w.job.Settings.KeepFiles {
		w.deleteInput(ctx, duplicate.FileID)
	}
	return nil
}

// doubt records that there may be another batch of the try, of a create that was sent at a time.
func (w *work) doubt(ctx context.Context, sent time.Time) error {
	d := job.Doubt{}
	found, err := w.service.store.Get(ctx, w.try.DoubtKey(), &d)
	if err != nil {
		return err
	}
	if !found || sent.Before(d.Since) {
		d.Since = sent
	}
	d.Until = w.service.now().UTC()
	return w.service.store.Put(ctx, w.try.DoubtKey(), d)
}

// cancel asks for the end of a batch. One that has ended meanwhile has ended.
func (w *work) cancel(ctx context.Context, id string) error {
	err := w.resource().Cancel(ctx, id)
	if err != nil && openaierr.From(err).Status == http.StatusConflict {
		return nil
	}
	return err
}
