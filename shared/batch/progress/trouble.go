package progress

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/openaierr"
)

// trouble is what holds a part up after a task, nil if nothing does: an error that the workflow waits out, a quota
// that is full, a batch that Azure has refused.
func (l *Look) trouble() *job.Failure {
	st, next := l.State, l.Next
	switch {
	case l.Err != nil:
		return TroubleOf(l.Err, l.Part.Deployment)
	case st.TooLarge != nil:
		return st.TooLarge
	case next.Status == job.StepNoRoom && next.Wait > 0 && st.FileID != "" && st.BatchID == "" && !st.Creating:
		return quotaFull(l.Part.Deployment)
	case next.Status == job.StepWorking && next.Wait > 0:
		return &job.Failure{Code: "rate_limited", Message: fmt.Sprintf(
			"Azure OpenAI answers online calls with 429 and wants to be left alone for %s. They go on by themselves after that. More capacity of the deployment, or a lower BatchOnlineConcurrency, avoids it.",
			time.Duration(next.Wait)*time.Second)}
	case st.Status == "failed" && len(st.Errors) > 0:
		e := st.Errors[0]
		code := cmp.Or(e.Code, "batch_failed")
		return &job.Failure{Code: code, Message: withRemedy(fmt.Sprintf("Azure OpenAI refused the batch of part %d: %s",
			l.Try.Part, cmp.Or(e.Message, "it gives no reason except "+code+".")), refusedBatch(e.Code))}
	}
	return nil
}

func quotaFull(deployment string) *job.Failure {
	return &job.Failure{Code: azurebatch.TokenLimitExceeded, Message: fmt.Sprintf(
		"The quota of enqueued tokens of deployment %s is full. The part is sent by itself when other batches have ended. To have it sent sooner, raise the deployment's quota in Azure, or cancel batches there.", deployment)}
}

// TroubleOf is an error of a task in words for the job's owner, with what mends it.
func TroubleOf(err error, deployment string) *job.Failure {
	e := openaierr.From(err)
	f := &job.Failure{Code: cmp.Or(e.Code, "task_failed"), Message: e.Message}
	goesOn := "The job goes on by itself, 20 minutes later at the most."
	// The errors' own messages, which are for callers, say that nothing is tried again.
	asks := "The workflow asks what has become of the call, and goes on by itself."
	switch {
	case e.Code == azurebatch.TokenLimitExceeded:
		return quotaFull(deployment)
	case e.Type == openaierr.TypeUpstreamAuth:
		f.Message = withRemedy(e.Message, "Put the right key into the Azure secret in Secrets Manager. "+goesOn)
	case e.Code == "configuration_error":
		f.Message = withRemedy(e.Message, goesOn)
	case e.Code == "upstream_connection_lost":
		f.Message = "The connection to Azure OpenAI was lost before the answer came. " + asks
	case e.Code == "timeout":
		f.Message = "Azure OpenAI did not answer in time. " + asks
	case e.Status == http.StatusForbidden:
		f.Message = withRemedy(e.Message, "Check the role of the identity that the Azure secret names, and the network rules of the resource. "+goesOn)
	case e.Status == http.StatusNotFound:
		f.Message = withRemedy(e.Message, "Make the deployment in Azure, or name another in the Azure secret.")
	case e.Code == "internal_error":
		f.Message = "A task of the workflow failed and is repeated. The function's log has the details, and the execution's history where they are."
	case e.Status == http.StatusTooManyRequests, e.Status >= http.StatusInternalServerError:
		f.Message = withRemedy(e.Message, "The workflow tries again by itself.")
	}
	return f
}

// refusedBatch is what mends a batch that Azure refuses.
func refusedBatch(code string) string {
	switch code {
	case "model_not_found", "DeploymentNotFound":
		return "Make a batch deployment of that name in Azure, or name another in the Azure secret, and put the lines that failed there again."
	case "invalid_request":
		return "Check that the deployment is of a batch type."
	}
	return ""
}

func withRemedy(message, remedy string) string {
	if remedy == "" {
		return message
	}
	return message + " " + remedy
}
