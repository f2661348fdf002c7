package lambdahttp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// direct answers a bare payload with the bare JSON of the answer, or with a Lambda error.
func (f Function) direct(ctx context.Context, payload []byte) (any, error) {
	w := &directWriter{header: http.Header{}}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		w.requestID = lc.AwsRequestID
	}
	ctx, call := telemetry.Start(ctx, w.requestID)
	path, err := f.Path(payload)
	if err != nil {
		openaierr.Write(w, err)
	} else if err := serve(f.Direct, w, bareRequest(ctx, path, payload)); err != nil {
		w.discard()
		openaierr.Write(w, &openaierr.Error{
			Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_connection_lost",
			Message: "Azure OpenAI's answer broke off.", Cause: err,
		})
	}
	call.Status = w.status
	f.Log.Write(ctx, call)
	if w.status >= http.StatusBadRequest {
		return nil, lambdaError(w.status, w.body.Bytes())
	}
	return &payloadAnswer{bytes.NewReader(w.body.Bytes())}, nil
}

// lambdaError is how an invoker sees a failed call: errorType is what a workflow's Retry and Catch
// compare, errorMessage is the body an HTTP caller would have got.
func lambdaError(status int, body []byte) error {
	return messages.InvokeResponse_Error{Type: errorType(status, body), Message: string(body)}
}

func errorType(status int, body []byte) string {
	var answer struct {
		Error struct {
			Type string `json:"type"`
			Code any    `json:"code"` // Azure has numbers here, too
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // a body of another form is told apart by its status
	e := answer.Error
	switch {
	case e.Code == "content_filter":
		return "ContentFiltered"
	case e.Type == openaierr.TypeUpstreamAuth || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "Unauthorized"
	case e.Code == "token_limit_exceeded":
		return "TokenLimitExceeded" // of a batch: room is made by others that end, which takes longer than a minute
	case status == http.StatusTooManyRequests:
		return "RateLimited"
	case status == http.StatusGatewayTimeout || status == http.StatusRequestTimeout:
		return "Timeout"
	case e.Code == "configuration_error":
		return "ConfigurationError"
	case e.Code == "internal_error":
		return "InternalError"
	case status >= http.StatusInternalServerError:
		return "UpstreamUnavailable"
	}
	return "InvalidRequest"
}

// directWriter keeps an answer whole.
type directWriter struct {
	requestID string
	header    http.Header
	status    int
	body      bytes.Buffer
}

func (r *directWriter) Header() http.Header { return r.header }
func (r *directWriter) id() string          { return r.requestID }
func (r *directWriter) begun() bool         { return r.status != 0 }

// discard forgets what was written: a bare payload's answer is whole or it is an error.
func (r *directWriter) discard() {
	r.status = 0
	r.body.Reset()
}

func (r *directWriter) WriteHeader(status int) {
	if !r.begun() {
		r.status = status
	}
}

func (r *directWriter) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// payloadAnswer reaches the invoker byte for byte.
type payloadAnswer struct{ *bytes.Reader }

func (*payloadAnswer) MarshalJSON() ([]byte, error) { return nil, errNotJSON }
func (*payloadAnswer) ContentType() string          { return "application/json" }
