// Package lambdahttp serves an http.Handler from a Lambda function: REST API events and Function URL
// events, streamed, and the bare JSON payload of a workflow or of `aws lambda invoke`.
// It is the one place below the mains that knows Lambda, and it does not know what the handler does.
package lambdahttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// Function is what one bootstrap serves. Its handlers must be safe for concurrent use: Lambda runs as
// many invocations at once in a process as AWS_LAMBDA_MAX_CONCURRENCY says.
type Function struct {
	HTTP   http.Handler // HTTP events
	Direct http.Handler // bare payloads; IAM has let the caller in

	// Path says which path of Direct a bare payload is POSTed to. Its error goes to the invoker.
	Path func(payload []byte) (string, error)

	Log *telemetry.Log // a line per invocation
}

// Start serves invocations until the process ends. slog's default must have been set: the one that slog
// begins with writes to package log, which Start has write to slog.
func Start(f Function) {
	log.SetFlags(0)
	log.SetOutput(runtimeLog{})
	keepConnections(http.DefaultTransport.(*http.Transport), lambdacontext.MaxConcurrency())
	lambda.StartWithOptions(f.invoke)
}

// keepConnections is for the Runtime API, whose client in aws-lambda-go is made from the default
// transport. That keeps two connections, so that with more invocations at a time nearly each would dial.
func keepConnections(t *http.Transport, invocations int) {
	t.MaxIdleConnsPerHost = invocations
	t.MaxIdleConns = 0 // no other limit
}

// runtimeLog is where aws-lambda-go logs. It prints the payload of every failed invocation, in which
// an upstream error may quote the request; the invocation's own line has the failure without it.
type runtimeLog struct{}

func (runtimeLog) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte("{")) {
		slog.Error("runtime", "message", logsafe.Text(string(bytes.TrimSpace(line))))
	}
	return len(line), nil
}

// deadlineGrace is kept of Lambda's deadline to say 504 in: at most this, or a tenth of what is left.
const deadlineGrace = time.Second

// errNotJSON has aws-lambda-go return an answer as the reader that it is.
var errNotJSON = errors.New("the answer is a reader, not JSON")

// errCallerGone is the context's cause once the answer is no longer wanted.
var errCallerGone = errors.New("the caller went away")

func (f Function) invoke(ctx context.Context, e event) (any, error) {
	cancelDeadline := func() {}
	if deadline, ok := ctx.Deadline(); ok {
		grace := min(deadlineGrace, time.Until(deadline)/10)
		ctx, cancelDeadline = context.WithDeadline(ctx, deadline.Add(-grace))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := func(cause error) { cancel(cause); cancelDeadline() }

	r, err := e.request(ctx)
	switch {
	case err != nil:
		done(nil)
		e := openaierr.Invalid("", "invalid_event", "The event is not one of API Gateway's: %v.", err)
		return nil, lambdaError(e.Status, e.JSON())
	case r == nil:
		defer done(nil)
		return f.direct(ctx, e.raw)
	}
	return f.stream(r, done), nil
}

// stream runs the handler and returns as soon as it has sent a header. The answer is read while the
// handler goes on writing it.
func (f Function) stream(r *request, cancel func(error)) *answer {
	ctx, call := telemetry.Start(r.Context(), r.id)
	w := newWriter(r)
	go func() {
		defer cancel(nil)
		err := serve(f.HTTP, w, r.WithContext(ctx))
		call.Status = w.status
		f.Log.Write(ctx, call)
		w.finish(err)
	}()
	<-w.started
	return &answer{w, cancel}
}

// answerWriter is an http.ResponseWriter that knows which request it answers, and whether it has begun to.
type answerWriter interface {
	http.ResponseWriter
	id() string
	begun() bool
}

// serve runs the handler. A handler breaks its answer off, as with net/http, by panicking with
// http.ErrAbortHandler; any other panic becomes a 500, or a broken end if the answer had begun.
func serve(h http.Handler, w answerWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
			w.WriteHeader(http.StatusOK)
		case p == http.ErrAbortHandler:
			w.WriteHeader(http.StatusBadGateway) // if it had none: somebody waits for the header
			err = StreamAborted{}
		default:
			slog.ErrorContext(r.Context(), "panic", "request_id", w.id(), "panic", logsafe.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
			telemetry.From(r.Context()).Err = fmt.Errorf("panic: %v", p)
			err = StreamAborted{}
			if !w.begun() {
				openaierr.Write(w, fmt.Errorf("panic: %v", p))
				err = nil
			}
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// StreamAborted is the error type that Lambda reports for an answer that broke off.
type StreamAborted struct{}

func (StreamAborted) Error() string { return "the answer broke off" }
