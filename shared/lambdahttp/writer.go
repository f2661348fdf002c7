package lambdahttp

import (
	"encoding/json"
	"maps"
	"net/http"
	"runtime"
	"strings"
)

// writer is the http.ResponseWriter of one invocation. What the handler writes goes out as soon as the
// runtime client has sent what came before.
type writer struct {
	requestID   string
	functionURL bool
	header      http.Header
	status      int           // valid once started is closed
	started     chan struct{} // closed by the first WriteHeader
	finished    chan struct{} // closed once the handler has returned
	written     bool          // part of the body
	pipe        *pipe
}

func newWriter(r *request) *writer {
	return &writer{
		requestID: r.id, functionURL: r.functionURL, header: http.Header{}, pipe: newPipe(),
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
	close(w.started)
	_, _ = w.pipe.Write(w.head()) // the handler's own writes meet the same error
}

// headEnd stands between the head and the body of an answer.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
const headEnd = "\x00\x00\x00\x00\x00\x00\x00\x00"

// head is the JSON that an answer begins with. aws-lambda-go's types for it send it by itself; in the
// pipe it goes out together with the first bytes of the body. A Function URL knows no repeated headers
// but cookies.
func (w *writer) head() []byte {
	sent := w.header
	if sent.Get("X-Request-Id") == "" && w.requestID != "" {
		sent = maps.Clone(sent)
		sent.Set("X-Request-Id", w.requestID)
	}
	head := struct {
		Status  int               `json:"statusCode"`
		Multi   http.Header       `json:"multiValueHeaders,omitempty"`
		Headers map[string]string `json:"headers,omitempty"`
		Cookies []string          `json:"cookies,omitempty"`
	}{Status: w.status}
	if w.functionURL {
		head.Headers = make(map[string]string, len(sent))
		for name, values := range sent {
			if name != "Set-Cookie" {
				head.Headers[name] = strings.Join(values, ",")
			}
		}
		head.Cookies = sent["Set-Cookie"]
	} else {
		head.Multi = sent
	}
	text, _ := json.Marshal(head) // numbers and strings always marshal
	return append(text, headEnd...)
}

func (w *writer) Write(p []byte) (n int, err error) {
	w.WriteHeader(http.StatusOK)
	n, err = w.pipe.Write(p)
	if !w.written {
		// On one processor the runtime client waits for its turn, which a handler that has more to
		// write does not give up. The first bytes are those that somebody waits for.
		w.written = true
		runtime.Gosched()
	}
	return n, err
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

// answer is what the handler writes as aws-lambda-go reads it.
type answer struct {
	w      *writer
	cancel func(error)
}

func (a *answer) Read(p []byte) (int, error) { return a.w.pipe.Read(p) }

// Close is called when the answer has been read to its end, or is no longer wanted because the
// Runtime API has ended the invocation. It returns once the handler has, so that nothing of this
// invocation is left to the next.
func (a *answer) Close() error {
	a.cancel(errCallerGone)
	a.w.pipe.close()
	<-a.w.finished
	return nil
}

func (*answer) ContentType() string          { return "application/vnd.awslambda.http-integration-response" }
func (*answer) MarshalJSON() ([]byte, error) { return nil, errNotJSON }
