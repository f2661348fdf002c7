package batchapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// record is what is kept of a batch; the rest is its job's.
type record struct {
	ID        string            `json:"id"`
	Input     string            `json:"input_file_id"`
	Endpoint  string            `json:"endpoint"`
	Window    string            `json:"completion_window"`
	Metadata  map[string]string `json:"metadata"`
	Output    string            `json:"output_file_id"` // whether or not there will be one
	Errors    string            `json:"error_file_id"`
	CreatedAt time.Time         `json:"created_at"`
	Job       job.Input         `json:"job"` // of the workflow
}

func batchKey(folder, id, name string) string { return batchesPrefix + folder + id + "/" + name }

const (
	batchRecord  = "batch.json"
	batchSummary = "summary.json"
)

// createRequest is a body of POST /batches.
type createRequest struct {
	Input        string            `json:"input_file_id"`
	Endpoint     string            `json:"endpoint"`
	Window       string            `json:"completion_window"`
	Metadata     map[string]string `json:"metadata"`
	OutputExpiry *expiry           `json:"output_expires_after"`
}

// endpoints are those that lines can be for.
var endpoints = []string{"/v1/chat/completions", "/v1/responses", "/v1/embeddings"}

// check returns the job's options, and after how many seconds its outputs expire, 0 for never.
func (c *createRequest) check() (options job.Options, outputLife int64, err error) {
	switch {
	case c.Input == "":
		return options, 0, openaiapi.Missing("input_file_id", "")
	case c.Endpoint == "":
		return options, 0, openaiapi.Missing("endpoint", "")
	case !slices.Contains(endpoints, "/v1"+strings.TrimPrefix(c.Endpoint, "/v1")): // Azure's have no /v1
		return options, 0, openaierr.Invalid("endpoint", "invalid_value", "'endpoint' is %.100q, want one of %s.", c.Endpoint, strings.Join(endpoints, ", "))
	case c.Window == "":
		return options, 0, openaiapi.Missing("completion_window", "")
	case c.Window != "24h":
		return options, 0, openaierr.Invalid("completion_window", "invalid_value", "'completion_window' is %.100q, and Azure OpenAI knows no other than \"24h\".", c.Window)
	case len(c.Metadata) > 16:
		return options, 0, openaierr.Invalid("metadata", "invalid_value", "'metadata' has %d members, and 16 are the most.", len(c.Metadata))
	}
	for name, value := range c.Metadata {
		if len(name) > 64 || len(value) > 512 {
			return options, 0, openaierr.Invalid("metadata", "invalid_value", "'metadata' has names of up to 64 bytes and values of up to 512: %.64q is too long.", name)
		}
	}
	if options, err = job.OptionsOfBatch(c.Metadata); err == nil {
		outputLife, err = c.OutputExpiry.check("output_expires_after")
	}
	return options, outputLife, err
}

// createBatch starts the job of a batch. Repeated by an SDK that has lost the answer, it answers the same.
func (a *API) createBatch(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	var in createRequest
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	options, outputLife, err := in.check()
	if err == nil {
		options, err = checkSpending(options, a.jobs.Settings(), callers.From(ctx))
	}
	if err != nil {
		return nil, err
	}
	input, err := a.findFile(ctx, folder, in.Input, "input_file_id")
	if err != nil {
		return nil, err
	}
	if input.purpose != purposeBatch {
		return nil, openaierr.Invalid("input_file_id", "invalid_purpose", "The file %s has the purpose %s, want batch. Upload it again with purpose=\"batch\".", input.id, input.purpose)
	}
	id, err := a.idOf(ctx, folder, r.Header, &in)
	if err != nil {
		return nil, err
	}
	rec := a.newRecord(ctx, folder, id, &in, input, options, time.Duration(outputLife)*time.Second)
	won, err := a.store.Claim(ctx, batchKey(folder, id, batchRecord), rec)
	if err == nil && !won { // which may be under way still
		rec, err = a.findBatch(ctx, folder, id)
	}
	if err != nil {
		return nil, err
	}
	if err := a.startWorkflow(ctx, rec); err != nil {
		return nil, err
	}
	if !won {
		return a.batchObject(ctx, folder, rec)
	}
	return rec.object(), nil
}

func (a *API) newRecord(ctx context.Context, folder, id string, in *createRequest, input *file, options job.Options, life time.Duration) *record {
	now := a.now()
	output := &file{id: newID(fileID, now), purpose: purposeOutput, name: id + "_output.jsonl", expires: life}
	errorFile := &file{id: newID(fileID, now), purpose: purposeOutput, name: id + "_error.jsonl", expires: life}
	rec := &record{
		ID: id, Input: input.id, Endpoint: in.Endpoint, Window: in.Window, Metadata: in.Metadata,
		Output: output.id, Errors: errorFile.id, CreatedAt: now.UTC(),
		Job: job.Input{
			Bucket: a.store.Name(), Key: input.key(folder), Job: id, Origin: job.OriginAPI, Options: options,
			Limits: job.Limits{Endpoint: in.Endpoint},
			Outputs: job.Outputs{
				Results: output.key(folder), Errors: errorFile.key(folder), Summary: batchKey(folder, id, batchSummary),
			},
		},
	}
	if caller := callers.From(ctx); !caller.Any() {
		rec.Job.Limits.Models, rec.Job.Limits.Allow = caller.Models, caller.Allow
	}
	return rec
}

// startWorkflow starts the workflow. An execution has the batch's name, so that there is never a second one.
func (a *API) startWorkflow(ctx context.Context, rec *record) error {
	input, _ := json.Marshal(rec.Job) // strings and numbers always marshal
	_, err := a.states.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &a.workflow, Name: &rec.ID, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		return nil
	}
	return err
}

// createRecord is the record of a create: which batch it has made.
type createRecord struct {
	Batch string    `json:"batch"`
	Sum   string    `json:"request"` // hash of it
	At    time.Time `json:"at"`
}

// retryWindow is how long after a create its repetition is taken for one: the SDKs wait ten minutes for
// an answer.
const retryWindow = 15 * time.Minute

// idOf is the id of the batch that a create makes, or has made before. Creates with the same
// Idempotency-Key are the same. The SDKs send none, but count their retries: one of the same request
// soon after is the same.
func (a *API) idOf(ctx context.Context, folder string, h http.Header, in *createRequest) (string, error) {
	now := a.now()
	request, _ := json.Marshal(in) // strings always marshal
	claim := createRecord{Batch: newID(batchID, now), Sum: hash(string(request)), At: now.UTC()}
	key := h.Get("Idempotency-Key")
	name := createsPrefix + folder + hash("request", claim.Sum) + ".json"
	if key != "" {
		name = createsPrefix + folder + hash("key", key) + ".json"
		if won, err := a.store.Claim(ctx, name, claim); won || err != nil {
			return claim.Batch, err
		}
	}
	var earlier createRecord
	found, err := a.store.Get(ctx, name, &earlier)
	tries, _ := strconv.Atoi(h.Get("X-Stainless-Retry-Count")) // none is no retry
	switch {
	case err != nil:
		return "", err
	case key != "" && found && earlier.Sum != claim.Sum:
		return "", openaierr.Invalid("Idempotency-Key", "idempotency_key_reused", "The Idempotency-Key was sent with another request before. Send each request with a key of its own.")
	case key != "" && found, found && tries > 0 && now.Sub(earlier.At) < retryWindow:
		return earlier.Batch, nil
	}
	return claim.Batch, a.store.Put(ctx, name, claim)
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
