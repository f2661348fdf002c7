package part

import (
	"context"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/online"
)

// boundTwice notes in a settled try what of it may be paid for twice: batches beside the try's, lines that are sent again
// though Azure has answered them, and calls that were under way when a run was killed.
func (w *work) boundTwice(ctx context.Context, tried *job.Tried) error {
	st := w.state
	switch again := tried.Again - tried.Reasons[job.NoRoom]; {
	case st.Mode == jsonl.Online:
		killed, err := online.Killed(ctx, w.service.store, w.try)
		if err != nil {
			return err
		}
		w.twice.AtMost += killed
	case st.BatchID == "":
	case st.Status == job.StateEnded: // Azure has lost the batch, and with it how far it came
		w.twice.AtMost += again
	default:
		w.twice.AtMost += min(again, max(0, st.Counts.Completed-tried.Succeeded))
	}
	tried.Twice = w.twice.OrNil()
	return nil
}
