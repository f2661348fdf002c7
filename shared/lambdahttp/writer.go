package lambdahttp

import (
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// writer is the http.ResponseWriter of one invocation. What the handler writes is read by the runtime
// client without a buffer between, so every Write goes out as it comes.
type writer struct {
	requestID string
	header    http.Header   // the handler's own
	sent      http.Header   // as it stood when the handler sent it
	status    int           // valid once started is closed
	started   chan struct{} // closed by the first WriteHeader
	finished  chan struct{} // closed once the handler has returned
	in        *io.PipeWriter
	out       *io.PipeReader
}

func newWriter(requestID string) *writer {
	w := &writer{
		requestID: requestID, header: http.Header{},
		started: make(chan struct{}), finished: make(chan struct{}),
	}
	w.out, w.in = io.Pipe()
	return w
}

func (w *writer) Header() http.Header { return w.header }
func (w *writer) id() string          { return w.requestID }

func (w *writer) WriteHeader(status int) {
	if w.begun() {
		return
	}
	w.status = status
	w.sent = w.header.Clone()
	if w.sent.Get("X-Request-Id") == "" && w.requestID != "" {
		w.sent.Set("X-Request-Id", w.requestID)
	}
	close(w.started)
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	return w.in.Write(p)
}

// Flush has nothing to do; handlers look for it before they stream.
func (w *writer) Flush() {}

func (w *writer) begun() bool {
	select {
	case <-w.started:
		return true
	default:
		return false
	}
}

// finish ends the answer, cleanly if err is nil. Otherwise Lambda is told err, and what has been sent
// has a broken end.
func (w *writer) finish(err error) {
	_ = w.in.CloseWithError(err) // always nil
	close(w.finished)
}

// body is the answer as aws-lambda-go reads it. It never returns bytes together with an error, which
// aws-lambda-go would drop.
type body struct {
	w      *writer
	cancel func(error)
}

func (b *body) Read(p []byte) (int, error) { return b.w.out.Read(p) }

// Close is called when the answer has been read to its end, or is no longer wanted because the
// Runtime API has ended the invocation. It returns once the handler has, so that nothing of this
// invocation is left to the next.
func (b *body) Close() error {
	b.cancel(errCallerGone)
	_ = b.w.out.Close() // always nil
	<-b.w.finished
	return nil
}

// functionURLResponse has single headers, since a Function URL knows no repeated ones but cookies.
func functionURLResponse(w *writer, b *body) *events.LambdaFunctionURLStreamingResponse {
	headers := make(map[string]string, len(w.sent))
	for name, values := range w.sent {
		if name != "Set-Cookie" {
			headers[name] = strings.Join(values, ",")
		}
	}
	return &events.LambdaFunctionURLStreamingResponse{StatusCode: w.status, Headers: headers, Cookies: w.sent["Set-Cookie"], Body: b}
}
