// Package batchapi has OpenAI's files, uploads and batches as one http.Handler, on OpenAI's paths and on
// Azure's: what a caller uploads lies in the bucket, and a batch is a job of the batch workflow. It does
// not know how a job is done, nor Lambda.
package batchapi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// Options are what an API is made from.
type Options struct {
	AWS      aws.Config
	Bucket   string
	Workflow string // ARN of the state machine that answers a file
	Jobs     *batch.Service
	Now      func() time.Time // nil is clock.Wall
}

// API has the operations. It may be called concurrently.
type API struct {
	store    *bucket.Bucket
	jobs     *batch.Service
	states   *sfn.Client
	workflow string
	now      func() time.Time

	submit, status openaiapi.Router // of each function
}

// New makes an API.
func New(o Options) *API {
	a := &API{
		store: bucket.New(o.AWS, o.Bucket), jobs: o.Jobs, states: sfn.NewFromConfig(o.AWS), workflow: o.Workflow, now: clock.Or(o.Now),
	}
	submit, status := &a.submit, &a.status
	a.handle(submit, "POST /files", "files.create", a.createFile)
	a.handle(status, "GET /files", "files.list", a.listFiles)
	a.handle(status, "GET /files/{id}", "files.retrieve", a.retrieveFile)
	a.handle(status, "DELETE /files/{id}", "files.delete", a.deleteFile)
	a.handle(status, "GET /files/{id}/content", "files.content", a.fileContent)
	a.handle(submit, "POST /uploads", "uploads.create", a.createUpload)
	a.handle(submit, "POST /uploads/{id}/parts", "uploads.parts.create", a.addPart)
	a.handle(submit, "POST /uploads/{id}/complete", "uploads.complete", a.completeUpload)
	a.handle(submit, "POST /uploads/{id}/cancel", "uploads.cancel", a.cancelUpload)
	a.handle(submit, "POST /batches", "batches.create", a.createBatch)
	a.handle(status, "GET /batches", "batches.list", a.listBatches)
	a.handle(status, "GET /batches/{id}", "batches.retrieve", a.retrieveBatch)
	a.handle(status, "POST /batches/{id}/cancel", "batches.cancel", a.cancelBatch)
	return a
}

// Submit serves the operations that take files and batches in.
func (a *API) Submit() http.Handler { return &a.submit }

// Status serves the rest, which list, send, delete and cancel them.
func (a *API) Status() http.Handler { return &a.status }

// handle adds an operation to one function's. An answer that is nil has been sent already.
func (a *API) handle(to *openaiapi.Router, pattern, name string, serve func(http.ResponseWriter, *openaiapi.Request) (any, error)) {
	for _, routes := range []*openaiapi.Router{&a.submit, &a.status} {
		if routes != to {
			routes.Elsewhere(pattern)
		}
	}
	to.Handle(pattern, name, func(w http.ResponseWriter, r *openaiapi.Request) error {
		answer, err := serve(w, r)
		if err != nil || answer == nil {
			return err
		}
		return openaiapi.WriteJSON(w, answer)
	})
}

func notFound(param, kind, id string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Param: param, Code: "not_found",
		Message: fmt.Sprintf("There is no %s %.100q among those of your key. Check the id; GET /v1/files and GET /v1/batches list what there is.", kind, id),
	}
}

// conflict is a 409 that tells the SDKs not to retry, which could not succeed.
func conflict(code, format string, args ...any) error {
	return (&openaierr.Error{
		Status: http.StatusConflict, Type: openaierr.TypeInvalidRequest, Code: code, Message: fmt.Sprintf(format, args...),
	}).Final()
}

// expiry is OpenAI's expires_after.
type expiry struct {
	Anchor  string `json:"anchor"`
	Seconds int64  `json:"seconds"`
}

// check returns the seconds, 0 for none. The bounds are those of OpenAI's API reference.
func (e *expiry) check(param string) (int64, error) {
	switch {
	case e == nil:
		return 0, nil
	case e.Anchor != "created_at":
		return 0, openaierr.Invalid(param+".anchor", "invalid_value", "'%s.anchor' must be \"created_at\".", param)
	case e.Seconds < 3600 || e.Seconds > 2592000:
		return 0, openaierr.Invalid(param+".seconds", "invalid_value", "'%s.seconds' must be from 3600 (an hour) to 2592000 (30 days).", param)
	}
	return e.Seconds, nil
}
