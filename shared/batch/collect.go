package batch

import (
	"context"
	"log/slog"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
)

// maxOutputWaits is how often an output that Azure has announced is waited for, about half an hour.
const maxOutputWaits = 12

// Collect fetches a part's answers, gives each line its own, and puts those that deserve it into another
// try. It may be repeated at any point.
func (s *Service) Collect(ctx context.Context, step job.Step) (*job.Step, error) {
	return s.settleOnce(ctx, step, func(w *work, got *jsonl.Answers) (*job.Tried, error) {
		if ready, err := w.fetch(ctx, got); !ready || err != nil {
			return nil, err
		}
		return w.settle(ctx, got, w.judgeTry())
	})
}

// GiveUp settles a part that cannot go on: what has been answered stays, everything else gets the failure.
func (s *Service) GiveUp(ctx context.Context, step job.Step, failure job.Failure) (*job.Step, error) {
	return s.settleOnce(ctx, step, func(w *work, got *jsonl.Answers) (*job.Tried, error) {
		err := w.regain(ctx)
		if err == nil {
			_, err = w.fetch(ctx, got)
		}
		if err != nil {
			slog.WarnContext(ctx, "a part is given up without its answers", "job", step.Job, "part", step.Part, "error", logsafe.Text(err.Error()))
		}
		if w.state.BatchID != "" && !w.state.Terminal() {
			_ = w.resource().Cancel(ctx, w.state.BatchID) // its end is not waited for
		}
		return w.settle(ctx, got, &unanswered{final: true, Failure: failure})
	})
}

// regain makes the batch of a create whose answer was lost the part's, so that it does not go on unseen.
func (w *work) regain(ctx context.Context) error {
	b, err := w.lost(ctx)
	if b == nil || err != nil {
		return err
	}
	err = w.created(ctx, b)
	if w.state.BatchID == b.ID { // and not another run's
		w.state.Update(b)
	}
	return err
}

// settleOnce has settle settle a try that has not been settled, and finishes it. settle returns nil while the answers are
// not ready.
func (s *Service) settleOnce(ctx context.Context, step job.Step, settle func(*work, *jsonl.Answers) (*job.Tried, error)) (*job.Step, error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	tried := &job.Tried{}
	found, err := s.store.Get(ctx, w.try.TriedKey(), tried)
	if err != nil {
		return nil, err
	}
	if !found {
		got, err := jsonl.NewAnswers(s.temp)
		if err != nil {
			return nil, err
		}
		defer got.Close()
		if tried, err = settle(w, got); err != nil {
			return nil, err
		}
		if tried == nil {
			return step.Later(job.StepNotReady), nil
		}
	}
	return w.finish(ctx, tried)
}

// fetch reads what there is of the try's answers. ready is false where Azure says that there is an
// output and does not have it yet.
func (w *work) fetch(ctx context.Context, got *jsonl.Answers) (ready bool, err error) {
	if w.state.Mode == jsonl.Online {
		_, err := readSegments(ctx, w.service.store, w.try, got)
		return true, err
	}
	st, azure := w.state, w.resource()
	if st.BatchID == "" {
		return true, nil
	}
	patient := w.step.Waits < maxOutputWaits
	if st.OutputID == "" && st.Counts.Completed > 0 {
		b, err := azure.Batch(ctx, st.BatchID)
		if err != nil {
			return false, err
		}
		if st.OutputID, st.ErrorID = b.OutputFileID, b.ErrorFileID; st.OutputID == "" && patient {
			return false, nil
		}
		if err := w.save(ctx); err != nil {
			return false, err
		}
	}
	for _, id := range []string{st.OutputID, st.ErrorID} {
		if id == "" {
			continue
		}
		answer, err := azure.Content(ctx, id)
		if err != nil {
			return false, err
		}
		if answer == nil && patient {
			return false, nil
		}
		if answer == nil {
			continue
		}
		err = got.Read(answer.Body())
		answer.Close()
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// finish ends a try that is settled: it deletes Azure's files and returns what is next.
func (w *work) finish(ctx context.Context, tried *job.Tried) (*job.Step, error) {
	if !w.job.Settings.KeepFiles && w.state.Mode == jsonl.Batch {
		azure := w.resource()
		for _, id := range []string{w.state.FileID, w.state.OutputID, w.state.ErrorID} {
			if id == "" {
				continue
			}
			if err := azure.DeleteFile(ctx, id); err != nil { // it expires by itself
				slog.WarnContext(ctx, "a file stays in Azure's storage", "file", id, "error", openaierr.From(err).Code)
			}
		}
	}
	if tried.Again > 0 {
		next := w.step
		next.Try++
		return next.Next(job.StepAgain), nil
	}
	done := struct {
		Tries int `json:"tries"`
	}{w.step.Try + 1}
	if err := w.service.store.Put(ctx, job.DoneKey(w.step.Job, w.step.Part), done); err != nil {
		return nil, err
	}
	return w.step.Next(job.StepDone), nil
}
