package lambdahttp

import (
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// writer is the http.ResponseWriter of one invocation. What the handler writes goes out as soon as the
// runtime client has sent what came before.
type writer struct {
	requestID string
	header    http.Header   // the handler's own
	sent      http.Header   // as it stood when the handler sent it
	status    int           // valid once started is closed
	started   chan struct{} // closed by the first WriteHeader
	finished  chan struct{} // closed once the handler has returned
	pipe      *pipe
}

func newWriter(requestID string) *writer {
	return &writer{
		requestID: requestID, header: http.Header{}, pipe: newPipe(),
		started: make(chan struct{}), finished: make(chan struct{}),
	}
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
	return w.pipe.Write(p)
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
	w.pipe.finish(err)
	close(w.finished)
}

// body is the answer as aws-lambda-go reads it.
type body struct {
	w      *writer
	cancel func(error)
}

func (b *body) Read(p []byte) (int, error) { return b.w.pipe.Read(p) }

// Close is called when the answer has been read to its end, or is no longer wanted because the
// Runtime API has ended the invocation. It returns once the handler has, so that nothing of this
// invocation is left to the next.
func (b *body) Close() error {
	b.cancel(errCallerGone)
	b.w.pipe.close()
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
