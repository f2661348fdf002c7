// Package openaiapi is the HTTP shell of OpenAI's API: the families of its paths, a router whose handlers return
// errors, the reading of bodies, the writing of JSON, the check whether a caller may use a model, and what needs no
// key: health, and preflights of browsers. It does not know what an operation does.
package openaiapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// Request is a request for one of a Router's operations. PathValue has the pattern's wildcards.
type Request struct {
	*http.Request
	Path   Path
	Caller callers.Caller
	Record *telemetry.Call // of the invocation
}

// Handler serves an operation. An error that it returns goes to the caller and into the record. It must not have
// written anything then.
type Handler func(http.ResponseWriter, *Request) error

// Router is an http.Handler that serves operations on the paths of every family. The zero Router is ready to use.
type Router struct {
	mux http.ServeMux
}

// Handle adds an operation by its pattern, as http.ServeMux has it but without a family ("POST /chat/completions"),
// and by its name in telemetry. All are added before the first request.
func (rt *Router) Handle(pattern, operation string, serve Handler) {
	rt.mux.HandleFunc(pattern, func(w http.ResponseWriter, inner *http.Request) {
		x := w.(*exchange) // ServeHTTP has made it
		x.matched = true
		r := &Request{inner, x.path, callers.From(inner.Context()), telemetry.From(inner.Context())}
		r.Record.Operation = operation
		if err := serve(x.ResponseWriter, r); err != nil {
			telemetry.Fail(x.ResponseWriter, inner, err)
		}
	})
}

// Elsewhere adds an operation that another function serves. Here it is a 404, but the 405 for a wrong method on its
// path lists its method as well.
func (rt *Router) Elsewhere(pattern string) {
	rt.Handle(pattern, "", func(_ http.ResponseWriter, r *Request) error { return r.Path.unknownURL(r.Method) })
}

// ServeHTTP serves a request. What the mux would answer by itself, a 404 or a 405, gets OpenAI's shape.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, err := parsePath(r)
	if err != nil {
		telemetry.Fail(w, r, err)
		return
	}
	inner := r.WithContext(r.Context()) // a copy, whose path is the mux's
	inner.URL = &url.URL{Path: "/" + path.Rest}
	x := &exchange{ResponseWriter: w, path: path}
	if r.Method == http.MethodHead {
		x.ResponseWriter = headWriter{w}
	}
	if rt.mux.ServeHTTP(x, inner); !x.matched {
		telemetry.Fail(w, r, x.refusal(r))
	}
}

// headWriter sends the header that a GET would have, and no body. The mux takes a HEAD to GET's handler.
type headWriter struct{ http.ResponseWriter }

func (headWriter) Write(b []byte) (int, error) { return len(b), nil }

// exchange is the ResponseWriter that the mux gets. It takes the path past the mux to the handler, and keeps what the
// mux itself would answer.
type exchange struct {
	http.ResponseWriter
	path    Path
	matched bool // a pattern matches
	status  int
	header  http.Header
}

func (x *exchange) Header() http.Header {
	if x.header == nil {
		x.header = http.Header{}
	}
	return x.header
}

func (x *exchange) WriteHeader(status int)      { x.status = status }
func (x *exchange) Write(b []byte) (int, error) { return len(b), nil }

func (x *exchange) refusal(r *http.Request) error {
	if x.status != http.StatusMethodNotAllowed {
		return x.path.notFound(r.Method)
	}
	allow := x.header.Get("Allow")
	if isWebSocket(r.Header) {
		return &openaierr.Error{
			Status: http.StatusUpgradeRequired, Type: openaierr.TypeInvalidRequest, Code: "websocket_not_supported",
			Header:  http.Header{"Upgrade": {"HTTP/1.1"}}, // RFC 9110, section 15.5.22, wants one
			Message: fmt.Sprintf("No WebSocket is served on %s. Use %s over HTTP; an answer comes as a stream with \"stream\": true.", x.path.Full, allow),
		}
	}
	return &openaierr.Error{
		Status: x.status, Type: openaierr.TypeInvalidRequest, Code: "method_not_allowed",
		Header:  http.Header{"Allow": {allow}},
		Message: fmt.Sprintf("Not allowed to %s on %s. Use %s.", r.Method, x.path.Full, allow),
	}
}

// isWebSocket reports whether a request asks for a WebSocket. A gateway may have taken Upgrade away, which is for one
// connection only.
func isWebSocket(h http.Header) bool {
	return strings.EqualFold(h.Get("Upgrade"), "websocket") || h.Get("Sec-Websocket-Key") != ""
}
