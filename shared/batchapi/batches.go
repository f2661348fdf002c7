package batchapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// batchObject is OpenAI's batch object. A batch here does not expire: it ends when its lines have.
type batchObject struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Endpoint     string            `json:"endpoint"`
	Errors       *batchErrors      `json:"errors"`
	Input        string            `json:"input_file_id"`
	Window       string            `json:"completion_window"`
	Status       string            `json:"status"`
	Output       *string           `json:"output_file_id"`
	ErrorFile    *string           `json:"error_file_id"`
	CreatedAt    int64             `json:"created_at"`
	InProgressAt *int64            `json:"in_progress_at"`
	ExpiresAt    *int64            `json:"expires_at"`
	FinalizingAt *int64            `json:"finalizing_at"`
	CompletedAt  *int64            `json:"completed_at"`
	FailedAt     *int64            `json:"failed_at"`
	ExpiredAt    *int64            `json:"expired_at"`
	CancellingAt *int64            `json:"cancelling_at"`
	CancelledAt  *int64            `json:"cancelled_at"`
	Counts       requestCounts     `json:"request_counts"`
	Usage        *usage            `json:"usage,omitempty"`
	Metadata     map[string]string `json:"metadata"`
}

type requestCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

type usage struct {
	Input   int64 `json:"input_tokens"`
	Details struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	Output        int64 `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total int64 `json:"total_tokens"`
}

type batchErrors struct {
	Object string       `json:"object"`
	Data   []batchError `json:"data"`
}

type batchError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}

func newBatchErrors(errs ...batchError) *batchErrors { return &batchErrors{Object: "list", Data: errs} }

// object is the batch as it is before anything is known of its job.
func (rec *record) object() *batchObject {
	return &batchObject{
		ID: rec.ID, Object: "batch", Endpoint: rec.Endpoint, Input: rec.Input, Window: rec.Window, Status: "validating",
		CreatedAt: rec.CreatedAt.Unix(), Metadata: rec.Metadata,
	}
}

// batchObject is the batch as it is now.
func (a *API) batchObject(ctx context.Context, folder string, rec *record) (*batchObject, error) {
	b := rec.object()
	summary := &job.Summary{}
	reported, err := a.store.Get(ctx, batchKey(folder, rec.ID, batchSummary), summary)
	if err != nil {
		return nil, err
	}
	if reported {
		return b, a.fillOutcome(ctx, b, rec, summary)
	}
	p, found, err := a.jobs.Progress(ctx, rec.ID)
	switch {
	case err != nil:
		return nil, err
	case found && p.Summary != nil: // it has ended meanwhile
		return b, a.fillOutcome(ctx, b, rec, p.Summary)
	case found:
		b.Status, b.Counts = p.Status, requestCounts{p.Counts.Total, p.Counts.Completed, p.Counts.Failed}
		b.InProgressAt, b.CancellingAt = unixOrNil(p.PlannedAt), unixOrNil(p.CancelledAt)
	default:
		cancelledAt, err := a.jobs.CancelledAt(ctx, rec.ID)
		if err != nil {
			return nil, err
		}
		if b.CancellingAt = unixOrNil(cancelledAt); b.CancellingAt != nil {
			b.Status = "cancelling"
		}
	}
	a.failIfStopped(ctx, b, rec)
	return b, nil
}

func unixOrNil(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}

// fillOutcome fills in the outcome of a batch from its job's summary.
func (a *API) fillOutcome(ctx context.Context, b *batchObject, rec *record, s *job.Summary) error {
	lines := s.Lines
	b.Counts = requestCounts{lines.Total, lines.Succeeded, lines.Failed}
	b.InProgressAt = unixOrNil(s.PlannedAt)
	if lines.Succeeded > 0 {
		b.Output = &rec.Output
	}
	if lines.Failed > 0 {
		b.ErrorFile = &rec.Errors
	}
	u := &usage{Input: s.Usage.Input, Output: s.Usage.Output, Total: s.Usage.Input + s.Usage.Output}
	u.Details.Cached, u.OutputDetails.Reasoning = s.Usage.CachedInput, s.Usage.Reasoning
	switch endedAt := unixOrNil(s.CompletedAt); {
	case s.Failure != nil && s.Failure.Code != job.NoValidLine:
		b.Status, b.FailedAt = "failed", endedAt
		b.Errors = newBatchErrors(batchError{Code: s.Failure.Code, Message: s.Failure.Message})
	case lines.Total == 0:
		b.Status, b.FailedAt = "failed", endedAt
		b.Errors = newBatchErrors(batchError{Code: "empty_file", Message: "The input file has no lines. It needs at least one request."})
	case s.Status == "cancelled":
		b.Status, b.CancelledAt, b.Usage = "cancelled", endedAt, u
		cancelled, err := a.jobs.CancelledAt(ctx, rec.ID)
		b.CancellingAt = unixOrNil(cancelled)
		return err
	case lines.Invalid == lines.Total: // as with OpenAI, where no line is sent if one is bad
		b.Status, b.FailedAt = "failed", endedAt
		errs, err := a.firstErrors(ctx, rec)
		b.Errors = newBatchErrors(errs...)
		return err
	default:
		b.Status, b.CompletedAt, b.Usage = "completed", endedAt, u
	}
	return nil
}

// firstErrors reads what is wrong with the first lines.
func (a *API) firstErrors(ctx context.Context, rec *record) ([]batchError, error) {
	errs := []batchError{} // and not null
	body := a.store.Open(ctx, rec.Job.Outputs.Errors)
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 16<<10))
	if bucket.Status(err) == http.StatusNotFound {
		return errs, nil // its owner has deleted it
	}
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var l struct{ Error *batchError }
		if json.Unmarshal(line, &l) == nil && l.Error != nil { // the last one may be cut
			errs = append(errs, *l.Error)
		}
	}
	return errs, nil
}

// grace is how long after its start an execution may be unknown: DescribeExecution is eventually consistent.
const grace = time.Minute

// failIfStopped marks a batch as failed if its workflow has ended without a report, or was never started.
// Where Step Functions does not say, the batch stays as it is.
func (a *API) failIfStopped(ctx context.Context, b *batchObject, rec *record) {
	if a.now().Sub(rec.CreatedAt) < grace {
		return
	}
	arn := strings.Replace(a.workflow, ":stateMachine:", ":execution:", 1) + ":" + rec.ID
	out, err := a.states.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if _, unknown := errors.AsType[*types.ExecutionDoesNotExist](err); unknown {
		b.Status, b.Errors = "failed", newBatchErrors(batchError{Code: "not_started", Message: "The batch was not started. Create it again."})
		return
	}
	if err != nil {
		slog.WarnContext(ctx, "the execution of a batch cannot be described", "batch", rec.ID, "error", logsafe.Text(err.Error()))
		return
	}
	switch out.Status {
	case types.ExecutionStatusFailed, types.ExecutionStatusTimedOut, types.ExecutionStatusAborted:
		b.Status, b.FailedAt = "failed", unixOrNil(aws.ToTime(out.StopDate))
		b.Errors = newBatchErrors(batchError{Code: "workflow_failed", Message: "The workflow of the batch was stopped, or failed, before it could report. Its execution in Step Functions has the batch's id for a name."})
	}
}

// findBatch returns a batch of the caller.
func (a *API) findBatch(ctx context.Context, folder, id string) (*record, error) {
	rec := &record{}
	if !isID(batchID, id) {
		return nil, notFound("batch_id", "batch", id)
	}
	found, err := a.store.Get(ctx, batchKey(folder, id, batchRecord), rec)
	if err == nil && !found {
		err = notFound("batch_id", "batch", id)
	}
	return rec, err
}

func (a *API) retrieveBatch(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	rec, err := a.findBatch(ctx, folder, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return a.batchObject(ctx, folder, rec)
}

// cancelBatch marks a batch. The workflow sees the mark at its next step.
func (a *API) cancelBatch(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	rec, err := a.findBatch(ctx, folder, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	b, err := a.batchObject(ctx, folder, rec)
	if err != nil {
		return nil, err
	}
	switch b.Status {
	case "completed", "failed", "cancelled":
		return nil, conflict("batch_ended", "The batch %s is %s, so that there is nothing to cancel.", rec.ID, b.Status)
	case "cancelling":
		return b, nil
	}
	if err := a.jobs.Cancel(ctx, rec.ID); err != nil {
		return nil, err
	}
	b.Status, b.CancellingAt = "cancelling", unixOrNil(a.now())
	return b, nil
}

// listConcurrency is how many batches of a page are read at once.
const listConcurrency = 8

func (a *API) listBatches(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	p, err := readPage(r, batchID, 20, 100)
	if err != nil {
		return nil, err
	}
	if p.oldestFirst {
		return nil, openaierr.Invalid("order", "invalid_value", "'order' is \"asc\", and batches are listed with the newest first only. Leave it out.")
	}
	prefix, after := batchesPrefix+folder, ""
	if p.after != "" {
		after = prefix + p.after + "0" // after all that is below the id: '0' comes after '/'
	}
	var ids []string
	if err := a.store.List(ctx, prefix, after, func(o bucket.Object) bool {
		if id, ok := strings.CutSuffix(strings.TrimPrefix(o.Key, prefix), "/"+batchRecord); ok {
			ids = append(ids, id)
		}
		return len(ids) <= p.limit
	}); err != nil {
		return nil, err
	}
	found := make([]*batchObject, len(ids))
	var lookups errgroup.Group
	lookups.SetLimit(listConcurrency)
	for i, id := range ids[:min(len(ids), p.limit)] {
		lookups.Go(func() error {
			rec, err := a.findBatch(ctx, folder, id)
			if err == nil {
				found[i], err = a.batchObject(ctx, folder, rec)
			}
			return err
		})
	}
	if err := lookups.Wait(); err != nil {
		return nil, err
	}
	return newList(found, p.limit, func(b *batchObject) string { return b.ID }), nil
}
