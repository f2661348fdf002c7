package part

import (
	"context"
	"errors"
	"log/slog"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/logsafe"
)

// Collect fetches a part's answers, gives each line its own, and puts those that deserve it into another
// try. It may be repeated at any point.
func (s *Service) Collect(ctx context.Context, step job.Step) (*job.Step, error) {
	return s.settleOnce(ctx, step, true, func(w *work, got *jsonl.Answers) (*job.Tried, error) {
		if ready, err := w.fetch(ctx, got); !ready || err != nil {
			return nil, err
		}
		if ended, err := w.endTwins(ctx, &w.twice, w.patient()); !ended || err != nil {
			return nil, err
		}
		return w.settle(ctx, got, w.judgeTry())
	})
}

// GiveUp settles a part that cannot go on: what has been answered stays, everything else gets the failure.
func (s *Service) GiveUp(ctx context.Context, step job.Step, failure job.Failure) (*job.Step, error) {
	return s.settleOnce(ctx, step, false, func(w *work, got *jsonl.Answers) (*job.Tried, error) {
		ready, err := false, w.regain(ctx)
		if err == nil {
			ready, err = w.fetch(ctx, got)
		}
		w.short = w.short || !ready
		_, ending := w.endTwins(ctx, &w.twice, false)
		if err = errors.Join(err, ending); err != nil {
			slog.WarnContext(ctx, "a part is given up without its answers", "job", step.Job, "part", step.Part, "error", logsafe.Text(err.Error()))
		}
		if id := w.state.BatchID; id != "" && !w.state.Terminal() { // its end is not waited for
			if err := w.cancel(ctx, id); err != nil {
				w.goesOn(ctx, id, err)
			}
		}
		w.state.Status = job.StateEnded
		if err := w.save(ctx); err != nil {
			return nil, err
		}
		return w.settle(ctx, got, &unanswered{final: true, Failure: failure})
	})
}

// regain makes the batch of a create whose answer was lost the part's, so that it does not go on unseen. If there is none
// yet, one that Azure makes later has no input.
func (w *work) regain(ctx context.Context) error {
	if !w.state.Creating || w.state.BatchID != "" {
		return nil
	}
	b, err := w.lost(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		return w.giveUpCreate(ctx)
	}
	err = w.created(ctx, b)
	if w.state.BatchID == b.ID { // and not another run's
		w.state.Update(b)
	}
	return err
}

// settleOnce has settle settle a try that has not been settled, and finishes it. settle returns nil while the answers are
// not ready. waits is set where the task can be called again.
func (s *Service) settleOnce(ctx context.Context, step job.Step, waits bool, settle func(*work, *jsonl.Answers) (*job.Tried, error)) (next *job.Step, err error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	defer func() { w.note(ctx, next, err) }()
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
	return w.finish(ctx, tried, waits)
}

// finish ends a try that is settled: it notes what the try has cost, deletes Azure's files, and returns what is next.
func (w *work) finish(ctx context.Context, tried *job.Tried, waits bool) (*job.Step, error) {
	if err := w.settleAccount(ctx, tried); err != nil {
		return nil, err
	}
	if w.state.Mode == jsonl.Batch {
		if all := w.sweep(ctx); !all && waits {
			if next, more := w.step.LookAgain(job.StepNotReady, w.state.Create); more {
				return next, nil
			}
		}
		if !w.job.Settings.KeepFiles && !tried.Short {
			w.deleteFiles(ctx, w.state.OutputID, w.state.ErrorID)
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
