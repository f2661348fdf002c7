package part

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/online"
	"aoai-bridge/shared/openaierr"
)

// maxOutputWaits is how often answers are waited for that Azure has announced or counted, about half an hour.
const maxOutputWaits = 12

// patient reports whether what is missing is still waited for.
func (w *work) patient() bool { return w.step.Waits < maxOutputWaits }

// fetch reads what there is of the try's answers. ready is false where Azure says that there are more and they can still
// be waited for: its files may be late, and a download may end early though its length agrees (openai-java#649).
func (w *work) fetch(ctx context.Context, got *jsonl.Answers) (ready bool, err error) {
	if w.state.Mode == jsonl.Online {
		_, err := online.ReadSegments(ctx, w.service.store, w.try, got)
		return true, err
	}
	st, azure := w.state, w.resource()
	if st.BatchID == "" {
		return true, nil
	}
	if st.OutputID == "" && st.Counts.Completed > 0 {
		b, err := azure.Batch(ctx, st.BatchID)
		if err != nil {
			return false, err
		}
		if st.OutputID, st.ErrorID = b.OutputFileID, b.ErrorFileID; st.OutputID == "" && w.patient() {
			return false, nil
		}
		if err := w.save(ctx); err != nil {
			return false, err
		}
	}
	failed := st.Counts.Failed
	if st.Status != "completed" { // lines that were not executed may be counted, and have no rows
		failed = 0
	}
	for _, file := range []struct {
		id      string
		counted int // lines, by Azure
	}{{st.OutputID, st.Counts.Completed}, {st.ErrorID, failed}} {
		if file.id == "" {
			continue
		}
		whole, err := w.download(ctx, file.id, file.counted, got)
		if err != nil {
			return false, err
		}
		if w.short = w.short || !whole; w.short && w.patient() {
			break
		}
	}
	if got.Len() >= st.Lines {
		w.short = false // each line has its answer
	}
	if w.short && !w.patient() {
		slog.WarnContext(ctx, "lines are missing from a batch's files, which stay in Azure", "job", w.step.Job, "part", w.step.Part, "output", st.OutputID, "errors", st.ErrorID)
	}
	return !w.short || !w.patient(), nil
}

// download reads one of the batch's files. whole is false if Azure does not have it yet, or if it has fewer lines than
// Azure counted, a torn one, or fewer bytes than it should.
func (w *work) download(ctx context.Context, id string, counted int, got *jsonl.Answers) (whole bool, err error) {
	answer, err := w.resource().Content(ctx, id)
	if answer == nil || err != nil {
		return false, err
	}
	defer answer.Close()
	lines, torn, body := got.Len(), got.Torn, &counter{r: answer.Body()}
	if err := got.Read(body); err != nil {
		return false, err
	}
	if got.Torn > torn || got.Len()-lines < counted {
		return false, nil
	}
	if got.Len() >= w.state.Lines {
		return true, nil
	}
	f, err := w.resource().File(ctx, id)
	if err != nil && openaierr.From(err).Status == http.StatusNotFound {
		return true, nil
	}
	return err == nil && body.n >= f.Bytes, err
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
