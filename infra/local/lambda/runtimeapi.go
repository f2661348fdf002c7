package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// farewell bounds the wait for a bootstrap to hang up after an early answer.
const farewell = 5 * time.Second

// runtimeAPI is what AWS_LAMBDA_RUNTIME_API leads to, version 2018-06-01 of
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
func (i *instance) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", i.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", i.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", i.fail)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", i.failInit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !i.beginHandler() {
			return
		}
		defer i.handlers.Done()
		mux.ServeHTTP(w, r)
	})
}

// beginHandler counts a handler in, unless the instance has ended.
func (i *instance) beginHandler() bool {
	i.serving.Lock()
	defer i.serving.Unlock()
	if i.closed {
		return false
	}
	i.handlers.Add(1)
	return true
}

// next waits for an event, for as long as it takes.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	f := i.fleet
	p := f.poll(i)
	if p == nil { // about to be killed
		<-r.Context().Done()
		return
	}
	var inv *invocation
	select {
	case inv = <-p.event:
	case <-i.exited:
		return
	case <-r.Context().Done():
		f.removePoll(p)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", f.function.arn())
	h.Set("Lambda-Runtime-Trace-Id", traceID(time.Now()))
	w.Write(inv.payload)
}

// respond passes the answer to the caller, who reads it from this connection.
func (i *instance) respond(w http.ResponseWriter, r *http.Request) {
	a := i.fleet.beginAnswer(i, r.PathValue("id"), r)
	if a == nil {
		refuse(w)
		return
	}
	defer a.inv.cancel()
	select {
	case <-a.done:
		accept(w)
	case <-a.inv.ctx.Done():
		select {
		case <-a.done: // closed by a caller who has read everything
			accept(w)
		default:
			i.answerEarly(w, r, a.inv)
		}
	case <-i.fleet.host.ctx.Done():
	}
}

// answerEarly answers a runtime before its answer is complete, since the caller is gone. The
// answer ends the connection, but it is left to the runtime to hang up: were it cut from here, the
// runtime's write could fail before it has seen the answer, and it would take that for the end of
// Lambda. After an answer in time its write fails too, but it goes on and asks for the next event.
func (i *instance) answerEarly(w http.ResponseWriter, r *http.Request, inv *invocation) {
	i.fleet.finish(i, inv)
	control := http.NewResponseController(w)
	control.EnableFullDuplex()
	control.SetReadDeadline(time.Now().Add(farewell))
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	if control.Flush() == nil {
		io.Copy(io.Discard, r.Body)
	}
}

// fail passes on that the function failed.
func (i *instance) fail(w http.ResponseWriter, r *http.Request) {
	failure, err := readError(w, r)
	if err != nil || !i.fleet.failInvocation(i, r.PathValue("id"), failure) {
		refuse(w)
		return
	}
	accept(w)
}

// failInit keeps why the function cannot start; that it cannot shows when the bootstrap exits.
func (i *instance) failInit(w http.ResponseWriter, r *http.Request) {
	failure, err := readError(w, r)
	if err != nil {
		refuse(w)
		return
	}
	i.fleet.mu.Lock()
	i.initError = failure
	i.fleet.mu.Unlock()
	accept(w)
}

func readError(w http.ResponseWriter, r *http.Request) (*FunctionError, error) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	if err != nil {
		return nil, err
	}
	return reportedError(r.Header.Get(headerErrorType), payload), nil
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	io.WriteString(w, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
}

// traceID is an X-Ray trace header that is not sampled.
func traceID(now time.Time) string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	s := hex.EncodeToString(b[:])
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), s[:24], s[24:])
}
