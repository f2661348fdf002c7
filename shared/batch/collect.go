package batch

import (
	"context"
	"log/slog"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/usage"
)

// Tried is what came of a try of a part.
type Tried struct {
	Mode      Mode           `json:"mode"`
	Lines     int            `json:"lines"`
	Succeeded int            `json:"succeeded"`
	Failed    int            `json:"failed"`            // for good
	Again     int            `json:"again"`             // go into the next try
	Reasons   map[string]int `json:"reasons,omitempty"` // of another try
	Torn      int            `json:"torn,omitempty"`    // lines of Azure's files that are no JSON
	Usage     usage.Usage    `json:"usage"`
}

// maxOutputWaits is how often an output that Azure has announced is waited for, about half an hour.
const maxOutputWaits = 12

// Collect fetches a part's answers, gives each line its own, and puts those that deserve it into another
// try. It may be repeated at any point.
func (s *Service) Collect(ctx context.Context, step Step) (*Step, error) {
	return s.settleOnce(ctx, step, func(w *work, got *answers) (*Tried, error) {
		if ready, err := w.fetch(ctx, got); !ready || err != nil {
			return nil, err
		}
		return w.settle(ctx, got, w.unanswered())
	})
}

// GiveUp settles a part that cannot go on: what has been answered stays, everything else gets the failure.
func (s *Service) GiveUp(ctx context.Context, step Step, failure Failure) (*Step, error) {
	return s.settleOnce(ctx, step, func(w *work, got *answers) (*Tried, error) {
		err := w.regain(ctx)
		if err == nil {
			_, err = w.fetch(ctx, got)
		}
		if err != nil {
			slog.WarnContext(ctx, "a part is given up without its answers", "job", step.Job, "part", step.Part, "error", logsafe.Text(err.Error()))
		}
		if w.state.BatchID != "" && !terminal[w.state.Status] {
			_ = w.resource().Cancel(ctx, w.state.BatchID) // nobody waits for it any more
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
		w.state.see(b)
	}
	return err
}

// settleOnce leaves a try that has been settled, and has settle do it before where it has not. settle
// returns nil while the answers are not ready.
func (s *Service) settleOnce(ctx context.Context, step Step, settle func(*work, *answers) (*Tried, error)) (*Step, error) {
	w, err := s.load(ctx, step)
	if err != nil {
		return nil, err
	}
	tried := &Tried{}
	found, err := s.store.Get(ctx, w.key(triedName), tried)
	if err != nil {
		return nil, err
	}
	if !found {
		got, err := newAnswers(s.temp)
		if err != nil {
			return nil, err
		}
		defer got.close()
		if tried, err = settle(w, got); err != nil {
			return nil, err
		}
		if tried == nil {
			return step.wait(stepNotReady), nil
		}
	}
	return w.leave(ctx, tried)
}

var terminal = map[string]bool{"completed": true, "failed": true, "expired": true, "cancelled": true, stateEnded: true}

// fetch reads what there is of the try's answers. ready is false where Azure says that there is an
// output and does not have it yet.
func (w *work) fetch(ctx context.Context, got *answers) (ready bool, err error) {
	if w.state.Mode == Online {
		_, err := w.fetchSegments(ctx, got)
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
		err = got.read(answer.Body())
		answer.Close()
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// unanswered says what becomes of lines without an answer.
type unanswered struct {
	Failure
	final  bool
	online bool            // another try goes online
	lines  map[int]Failure // by place in the file, from 1: lines that Azure refused
}

// unanswered judges the try as a whole.
func (w *work) unanswered() *unanswered {
	u := &unanswered{Failure: Failure{"no_answer", "Azure OpenAI gave no answer to the line."}}
	st := w.state
	switch {
	case st.Cancelled:
		return &unanswered{final: true, Failure: Failure{"batch_cancelled", "The line was not executed because the job was cancelled."}}
	case st.Status == "cancelled":
		return &unanswered{final: true, Failure: Failure{"batch_cancelled", "The line was not executed because the batch was cancelled in Azure."}}
	case st.Status == "expired":
		u.Failure = Failure{"batch_expired", "The line was not executed before the batch expired."}
	case st.Status == "failed" && len(st.Errors) > 0:
		u.Failure = Failure{st.Errors[0].Code, st.Errors[0].Message}
		if st.Errors[0].Code == "invalid_request" && w.part.Type == "" && w.job.Settings.Mode == Auto {
			// "or the deployment SKU is invalid" (batch error codes, 03/19/2026): where the secret does
			// not say what a deployment is, it may be one for online calls.
			u.online = true
			break
		}
		for _, e := range st.Errors {
			if e.Line != nil {
				if u.lines == nil {
					u.lines = map[int]Failure{}
				}
				u.lines[*e.Line] = Failure{e.Code, e.Message}
			}
		}
		if u.lines != nil { // the others were in bad company
			u.Failure = Failure{"no_answer", "Azure OpenAI refused the file because of other lines."}
			break
		}
		u.final = u.Code == "model_not_found" || u.Code == "invalid_request"
	}
	return u
}

// leave ends a try that is settled: Azure's files go, and the workflow learns what is next.
func (w *work) leave(ctx context.Context, tried *Tried) (*Step, error) {
	if !w.job.Settings.KeepFiles && w.state.Mode == Batch {
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
		return next.now(stepAgain), nil
	}
	done := struct {
		Tries int `json:"tries"`
	}{w.step.Try + 1}
	if err := w.store.Put(ctx, partKey(w.step.Job, w.step.Part, doneName), done); err != nil {
		return nil, err
	}
	return w.step.now(stepDone), nil
}
