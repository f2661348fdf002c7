package part

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// upload sees to it that Azure has the part's file. ready is false while Azure still looks at it.
func (w *work) upload(ctx context.Context) (ready bool, err error) {
	azure, st := w.resource(), w.state
	if st.FileID != "" {
		return true, nil
	}
	var f *azurebatch.File
	if st.Uploading {
		// A file costs nothing: one that is not listed yet is uploaded again, and removed at the end.
		if f, err = azure.FindFile(ctx, w.try.FileName(), st.Bytes, since(st.UploadingAt)); err != nil {
			return false, err
		}
	}
	if f == nil {
		if st.Uploading {
			w.mayHaveLeftFile()
		}
		st.Uploading, st.UploadingAt = true, w.service.now().UTC()
		if err := w.save(ctx); err != nil {
			return false, err
		}
		if f, err = azure.Upload(ctx, w.try.FileName(), st.Bytes, w.openRequests); err != nil {
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

// openRequests opens the requests that the try sends.
func (w *work) openRequests(ctx context.Context) io.ReadCloser {
	source := w.service.store.Open(ctx, w.try.RequestsKey())
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(source, w.state.Bytes), source}
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

// mayHaveLeftFile remembers that the try's upload, or the deletion of its file, may have left a file in Azure.
func (w *work) mayHaveLeftFile() {
	if w.state.LostUpload.IsZero() {
		w.state.LostUpload = w.state.UploadingAt
		if w.state.LostUpload.IsZero() { // the record is older than that field
			w.state.LostUpload = time.Unix(1, 0).UTC()
		}
	}
}

// deleteInput deletes an input file that no batch of ours needs. Where that fails, sweep deletes it.
func (w *work) deleteInput(ctx context.Context, id string) {
	if w.resource().DeleteFile(ctx, id) != nil {
		w.mayHaveLeftFile()
	}
}

// sweep deletes the try's input files: the one that the batch was made of, and all that lost answers may have left. all is
// false where Azure's list may not show them yet.
func (w *work) sweep(ctx context.Context) (all bool) {
	st, azure := w.state, w.resource()
	ids := []string{st.FileID}
	if st.Uploading && st.FileID == "" {
		w.mayHaveLeftFile()
	}
	if !st.LostUpload.IsZero() {
		named, err := azure.FilesNamed(ctx, w.try.FileName(), since(st.LostUpload))
		if err != nil {
			slog.WarnContext(ctx, "files may stay in Azure's storage", "name", w.try.FileName(), "error", openaierr.From(err).Code)
		}
		for _, id := range named {
			if id != st.FileID {
				ids = append(ids, id)
			}
		}
	}
	if w.job.Settings.KeepFiles {
		ids = ids[1:]
	}
	w.deleteFiles(ctx, ids...)
	return st.LostUpload.IsZero() || w.service.now().Sub(st.UploadingAt) > job.AllLooks
}

// deleteFiles deletes files of Azure's. One that cannot be deleted stays until it expires.
func (w *work) deleteFiles(ctx context.Context, ids ...string) {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if err := w.resource().DeleteFile(ctx, id); err != nil {
			slog.WarnContext(ctx, "a file stays in Azure's storage", "file", id, "error", openaierr.From(err).Code)
		}
	}
}
