package part

import (
	"fmt"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
)

// unanswered is what becomes of lines without an answer.
type unanswered struct {
	job.Failure
	final  bool
	online bool                // another try goes online
	ended  bool                // the batch was cancelled: so Azure's rows say of lines that were not executed
	lines  map[int]job.Failure // by place in the file, from 1: lines that Azure refused
}

// judgeTry decides by the try as a whole.
func (w *work) judgeTry() *unanswered {
	u := &unanswered{Failure: job.Failure{Code: "no_answer", Message: "Azure OpenAI gave no answer to the line."}}
	st := w.state
	switch {
	case st.Withheld != nil:
		return &unanswered{final: true, Failure: *st.Withheld}
	case st.TooLarge != nil:
		u.lines = map[int]job.Failure{1: *st.TooLarge}
	case st.Cancelled:
		return &unanswered{final: true, ended: true, Failure: job.Failure{Code: "batch_cancelled", Message: "The line was not executed because the job was cancelled."}}
	case st.Status == "cancelled" && st.Late:
		u.ended, u.Failure = true, job.Failure{Code: "batch_expired", Message: fmt.Sprintf("The line was not executed: the batch had not ended after %d hours, and the bridge cancelled it.", longestBatch/time.Hour)}
	case st.Status == "cancelled":
		return &unanswered{final: true, ended: true, Failure: job.Failure{Code: "batch_cancelled", Message: "The line was not executed because the batch was cancelled in Azure, not by the bridge."}}
	case st.Status == "expired":
		u.Failure = job.Failure{Code: "batch_expired", Message: "The line was not executed before the batch expired."}
	case st.Status == "failed" && len(st.Errors) > 0:
		u.Failure = job.Failure{Code: st.Errors[0].Code, Message: st.Errors[0].Message}
		if st.Errors[0].Code == "invalid_request" && w.part.Type == "" && w.job.Settings.Mode == jsonl.Auto {
			// "or the deployment SKU is invalid" (batch error codes, 03/19/2026): where the secret does
			// not say what a deployment is, it may be one for online calls.
			u.online = true
			break
		}
		for _, e := range st.Errors {
			if e.Line != nil {
				if u.lines == nil {
					u.lines = map[int]job.Failure{}
				}
				u.lines[*e.Line] = job.Failure{Code: e.Code, Message: e.Message}
			}
		}
		if u.lines != nil { // the others were in bad company
			u.Failure = job.Failure{Code: "no_answer", Message: "Azure OpenAI refused the file because of other lines."}
			break
		}
		u.final = u.Code == "model_not_found" || u.Code == "invalid_request"
	}
	return u
}
