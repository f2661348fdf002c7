package azureopenai

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// exchange is one request and its answer under way.
type exchange struct {
	server     *Server
	w          http.ResponseWriter
	r          *http.Request
	start      time.Time
	body       []byte
	route      route
	deployment *deployment // nil for calls that use no model
	fault      fault
	jobFaults  []fault       // asked for in the request itself, for the batch it creates
	errorEvent func() []byte // what a stream of this API sends when the model fails; nil: the chat form
	record     Request
	complete   bool // the answer was sent as far as it was meant to be
}

// identify reads the request and finds its credential, route and deployment; its error is the refusal.
func (x *exchange) identify() error {
	r := x.r
	x.record = Request{Time: x.start, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	var err error
	var path string
	var below bool // Azure's root
	x.route, path, below = readFamily(r.URL.Path)
	known := below && x.server.findOperation(&x.route, r.Method, path)
	if !known || !x.route.operation.uploads() {
		if x.body, err = readAll(r); err != nil {
			return err
		}
	}
	if x.server.options.KeepRequests > 0 {
		x.record.Body = x.body
		x.record.Header = r.Header.Clone()
		delete(x.record.Header, "Authorization")
		delete(x.record.Header, "Api-Key")
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	if !below {
		return errNotFound
	}
	if x.route.apiVersion, err = checkAPIVersion(x.route.family, r.URL.Query()); err != nil {
		return err
	}
	if !known {
		return errNotFound
	}
	if x.route.operation.usesModel() {
		return x.findDeployment()
	}
	return nil
}

func readAll(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), maxKeptBytes)) + bytes.MinRead) // a client's word is no reason to take more
	if _, err := b.ReadFrom(r.Body); err != nil {
		return nil, errBadJSON
	}
	return b.Bytes(), nil
}

func (x *exchange) findDeployment() error {
	name := x.route.deployment
	if x.route.family != familyDeployment {
		var request struct {
			Model *string `json:"model"`
		}
		if err := json.Unmarshal(x.body, &request); err != nil {
			return badJSON(err)
		}
		if request.Model == nil {
			return errNoModel
		}
		name = *request.Model
	}
	x.record.Deployment = name
	d, ok := (*x.server.deployments.Load())[name]
	switch {
	case !ok && x.route.family == familyV1:
		return errDeploymentNotFoundV1
	case !ok:
		return errDeploymentNotFound
	}
	x.deployment = d
	embeds := x.route.operation.noun == "embeddings"
	if d.batch() || embeds != (d.model.dimensions > 0) || d.model.responsesOnly && x.route.operation.noun == "chatCompletion" {
		// That a batch deployment refuses online calls in these words is unverified.
		return operationNotSupported(x.route.operation.noun, d.Model)
	}
	return nil
}

// answer lets a fault or a literal answer take precedence over the operation's own.
func (x *exchange) answer() error {
	var err error
	if x.fault, err = x.server.faults.pick(x); err != nil {
		return err
	}
	x.record.Fault = x.fault.text
	if err := x.beginFault(); err != nil {
		return err
	}
	if literal, ok := x.server.answers.pick(x); ok {
		return x.sendLiteral(literal)
	}
	return x.route.operation.handle(x)
}

// countAgainstRate counts the tokens of a request against its deployment's rate.
func (x *exchange) countAgainstRate(tokens int) error {
	r, ok := x.deployment.count(x.start, tokens)
	if !ok {
		return nil
	}
	x.setRateHeaders(r)
	if r.exceeded != "" && x.server.options.EnforceRateLimits {
		ms := r.reset.Milliseconds()
		seconds := (ms + 999) / 1000
		x.setRetryAfter(strconv.FormatInt(seconds, 10), strconv.FormatInt(ms, 10))
		return rateLimited(x.route, r.exceeded, seconds)
	}
	return nil
}

// fail sends an error's body. Errors other than apiError mean that the client is gone, or that there is nothing more to
// send. An upload is read to its end first, or the client might never come to read the answer.
func (x *exchange) fail(err error) {
	var e *apiError
	if !errors.As(err, &e) {
		return
	}
	if x.route.operation != nil && x.route.operation.uploads() {
		_, _ = io.Copy(io.Discard, x.r.Body)
	}
	if e.model {
		x.w.Header().Set("Ms-Azureml-Model-Error-Reason", "model_error")
		x.w.Header().Set("Ms-Azureml-Model-Error-Statuscode", itoa(e.status))
	}
	_ = x.sendJSON(e.status, e.body) // a client that is gone is noted in the record
}

// finish runs however the exchange ends, by panic included: aborting the connection is one.
func (x *exchange) finish() {
	if z, ok := x.w.(*compressor); ok {
		z.close()
	}
	x.record.Done = true
	x.record.Cancelled = !x.complete && x.r.Context().Err() != nil
	x.server.log.finish(x.record)
}
