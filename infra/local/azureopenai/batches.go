package azureopenai

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// batchObject is a batch as the API shows it. Files that do not exist have the id "", not null.
type batchObject struct {
	CancelledAt      *int64            `json:"cancelled_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CompletedAt      *int64            `json:"completed_at"`
	CompletionWindow string            `json:"completion_window"`
	CreatedAt        int64             `json:"created_at"`
	ErrorFileID      string            `json:"error_file_id"`
	ExpiredAt        *int64            `json:"expired_at"`
	ExpiresAt        int64             `json:"expires_at"`
	FailedAt         *int64            `json:"failed_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	ID               string            `json:"id"`
	InProgressAt     *int64            `json:"in_progress_at"`
	InputFileID      string            `json:"input_file_id"`
	Errors           *batchErrors      `json:"errors"`
	Metadata         map[string]string `json:"metadata"`
	Object           string            `json:"object"`
	OutputFileID     string            `json:"output_file_id"`
	RequestCounts    requestCounts     `json:"request_counts"`
	Status           string            `json:"status"`
	Endpoint         string            `json:"endpoint"`
}

type requestCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

type batchErrors struct {
	Object string       `json:"object"`
	Data   []batchError `json:"data"`
}

type batchError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Line    *int    `json:"line"`
	Param   *string `json:"param"`
}

// setStatus sets a status and its time.
func (o *batchObject) setStatus(status string, now time.Time) {
	o.Status = status
	at := map[string]**int64{"in_progress": &o.InProgressAt, "finalizing": &o.FinalizingAt, "completed": &o.CompletedAt, "failed": &o.FailedAt,
		"expired": &o.ExpiredAt, "cancelling": &o.CancellingAt, "cancelled": &o.CancelledAt}[status]
	*at = new(now.Unix())
}

func (o *batchObject) ended() bool {
	return slices.Contains([]string{"completed", "failed", "expired", "cancelled"}, o.Status)
}

// batchRequest is the body of POST batches.
type batchRequest struct {
	InputFileID        string            `json:"input_file_id"`
	Endpoint           string            `json:"endpoint"`
	CompletionWindow   string            `json:"completion_window"`
	Metadata           map[string]string `json:"metadata"`
	OutputExpiresAfter struct {
		Seconds int64  `json:"seconds"`
		Anchor  string `json:"anchor"`
	} `json:"output_expires_after"`
}

// check refuses what Azure refuses before it creates a batch; all wordings are unverified.
func (q *batchRequest) check() (outputLife time.Duration, err error) {
	switch {
	case q.InputFileID == "":
		return 0, invalidPayload("input_file_id is missing.")
	case q.CompletionWindow != "24h":
		return 0, invalidPayload("Invalid value for completion_window. The only one is 24h.")
	case !slices.Contains([]string{"/chat/completions", "/responses"}, withoutV1(q.Endpoint)):
		return 0, invalidPayload("Invalid value for endpoint. The batch endpoints are /chat/completions, /v1/chat/completions, /responses and /v1/responses.")
	case len(q.Metadata) > 16:
		return 0, invalidPayload("metadata has more than 16 pairs.")
	}
	for name, value := range q.Metadata {
		if len(name) > 64 || len(value) > 512 {
			return 0, invalidPayload("metadata has a name of more than 64 characters or a value of more than 512.")
		}
	}
	return lifetime(q.OutputExpiresAfter.Seconds, q.OutputExpiresAfter.Anchor)
}

func withoutV1(endpoint string) string { return strings.TrimPrefix(endpoint, "/v1") }

// createBatch answers POST batches.
func (x *exchange) createBatch() error {
	var q batchRequest
	if err := json.Unmarshal(x.body, &q); err != nil {
		return invalidPayload("The request's body is no valid JSON for a batch: " + err.Error())
	}
	outputLife, err := q.check()
	if err != nil {
		return err
	}
	file, input, ok := x.server.files.open(q.InputFileID, x.start)
	if !ok {
		return invalidPayload("The input file '" + q.InputFileID + "' was not found.")
	}
	j := &job{server: x.server, endpoint: q.Endpoint, input: input, size: file.bytes, outputLife: outputLife}
	err = x.startJob(j, &q, &file)
	if err != nil {
		_ = input.Close()
		return err
	}
	o, _ := x.server.batches.find(j.id)
	return x.sendJSON(http.StatusOK, encode(o))
}

func (x *exchange) startJob(j *job, q *batchRequest, file *storedFile) error {
	if file.purpose != purposeBatch {
		return invalidPayload("The input file's purpose is not batch.")
	}
	if x.start.Before(file.ready) { // openai/openai-dotnet#312 says that this fails; not how
		return platformError(http.StatusBadRequest, "unexpectedEntityState", "The input file is not processed yet.")
	}
	x.record.Deployment = firstModel(j.input)
	j.faults = append(x.jobFaults, x.server.faults.pickForJob(x)...)
	for i, f := range j.faults {
		if i > 0 {
			x.record.Fault += " "
		}
		x.record.Fault += f.text
	}
	j.id = "batch_" + x.server.uuid()
	j.object = batchObject{CompletionWindow: "24h", CreatedAt: x.start.Unix(), ExpiresAt: x.start.Add(24 * time.Hour).Unix(), ID: j.id,
		InputFileID: q.InputFileID, Metadata: q.Metadata, Object: "batch", Status: "validating", Endpoint: withoutV1(q.Endpoint)}
	if err := x.reserveAtOnce(j); err != nil {
		return err
	}
	return x.server.batches.start(j)
}

// reserveAtOnce refuses a batch beyond its deployment's quota, where the region looks at once.
func (x *exchange) reserveAtOnce(j *job) error {
	d := (*x.server.deployments.Load())[x.record.Deployment]
	if d == nil || !failFastRegions[regionName(x.server.options.Region)] {
		return nil
	}
	_, forced := j.fault("token-limit")
	if !forced && (!d.batch() || d.Capacity == 0) {
		return nil
	}
	var err error
	if j.survey, err = j.surveyInput(); err != nil {
		return internalFailure(err)
	}
	if len(j.survey.errors) > 0 {
		return nil // they are reported later, as everywhere
	}
	if forced || !x.server.batches.reserve(j, d, j.survey.tokens) {
		return platformError(http.StatusBadRequest, "token_limit_exceeded", tokenLimitMessage(d))
	}
	return nil
}

// failFastRegions are those where the create call itself fails when the quota is used up
// (MicrosoftDocs/azure-ai-docs, how-to-batch-content.md of 03/19/2026). The status is unverified.
var failFastRegions = map[string]bool{
	"australiaeast": true, "eastus": true, "germanywestcentral": true, "italynorth": true, "northcentralus": true,
	"polandcentral": true, "swedencentral": true, "switzerlandnorth": true, "eastus2": true, "westus": true,
}

func regionName(display string) string { return strings.ToLower(strings.ReplaceAll(display, " ", "")) }

// tokenLimitMessage was seen on Azure: learn.microsoft.com/answers/questions/2285577.
func tokenLimitMessage(d *deployment) string {
	return fmt.Sprintf("The number of enqueued tokens has surpassed the configured limit of %dK for the deployment '%s'. Please either increase the limit or try again once the current jobs have finished.",
		d.Capacity, d.Name)
}

// firstModel is what the first line names, or "".
func firstModel(input io.ReaderAt) string {
	var line struct{ Body struct{ Model string } }
	_ = json.NewDecoder(io.NewSectionReader(input, 0, maxFileBytes)).Decode(&line) // a bad line is reported later
	return line.Body.Model
}

// listBatches answers GET batches, newest first.
func (x *exchange) listBatches() error {
	page, err := pageOf(rawItems(x.server.batches.list(x.listedBefore())), x.r.URL.Query(), 20)
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusOK, encode(page))
}

// listedBefore is when a list ends: what was made later is not in it.
func (x *exchange) listedBefore() time.Time { return x.server.options.Now().Add(-x.fault.age) }

// getBatch answers GET batches/{id}.
func (x *exchange) getBatch() error {
	o, ok := x.server.batches.find(x.route.id)
	if !ok {
		return noBatch(x.route.id)
	}
	return x.sendJSON(http.StatusOK, encode(o))
}

// cancelBatch answers POST batches/{id}/cancel.
func (x *exchange) cancelBatch() error {
	o, found, ok := x.server.batches.cancel(x.route.id, x.start)
	switch {
	case !found:
		return noBatch(x.route.id)
	case !ok: // unverified
		return platformError(http.StatusConflict, "conflict", "Cannot cancel a batch with status '"+o.Status+"'.")
	}
	return x.sendJSON(http.StatusOK, encode(o))
}

func noBatch(id string) *apiError { // unverified
	return platformError(http.StatusNotFound, "notFound", "Batch with id '"+id+"' not found.")
}

// WaitBatch waits until a batch has the status, or has ended otherwise; its error is ctx's, or says what
// became of the batch instead.
func (s *Server) WaitBatch(ctx context.Context, id, status string) error {
	for {
		o, changed, ok := s.batches.watch(id)
		switch {
		case !ok:
			return fmt.Errorf("there is no batch %s", id)
		case o.Status == status:
			return nil
		case o.ended():
			return fmt.Errorf("batch %s is %s, not %s", id, o.Status, status)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("batch %s is %s: %w", id, o.Status, ctx.Err())
		}
	}
}
