// Package inference has the online operations of the API as one http.Handler: chat, responses, models
// and embeddings, on OpenAI's paths and on Azure's. It reads a request as far as we act on it, asks
// Azure, and relays the answer. It does not know Lambda, credentials or deployments' whereabouts.
package inference

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// API serves operations of the API. Add them, then use it as an http.Handler for HTTP calls.
type API struct {
	azure *azure.Client
	limit time.Duration // to the first byte of an HTTP call
	mux   *http.ServeMux
}

// New makes an API without operations. firstByte bounds the wait for Azure's first byte; a bare
// payload's call waits as long as its function may run.
func New(client *azure.Client, firstByte time.Duration) *API {
	return &API{azure: client, limit: firstByte, mux: http.NewServeMux()}
}

// Chat adds chat completions, responses and models.
func (a *API) Chat() *API {
	a.handle("POST /chat/completions", operation{name: "chat.completions", required: "messages"})
	a.handle("POST /responses", operation{name: "responses"})
	a.handle("GET /responses/{id}", operation{name: "responses.retrieve"})
	a.handle("DELETE /responses/{id}", operation{name: "responses.delete"})
	a.handle("POST /responses/{id}/cancel", operation{name: "responses.cancel"})
	a.handle("GET /responses/{id}/input_items", operation{name: "responses.input_items"})
	a.mux.HandleFunc("GET /models", a.listModels)
	a.mux.HandleFunc("GET /models/{model}", a.retrieveModel)
	return a
}

// Embeddings adds embeddings.
func (a *API) Embeddings() *API {
	a.handle("POST /embeddings", operation{name: "embeddings", required: "input"})
	return a
}

// Add adds an operation that is answered here and not by Azure. Its error goes to the caller.
func (a *API) Add(pattern, name string, serve func(http.ResponseWriter, *http.Request) error) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		telemetry.From(r.Context()).Operation = name
		if err := serve(w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// operation is one call of Azure's that we pass on.
type operation struct {
	name     string // as telemetry has it
	required string // a member that every body must have
}

// ServeHTTP serves the paths of both families.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.serve(w, r, a.limit) }

// Direct serves bare payloads, for which no gateway ends the wait.
func (a *API) Direct() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, 0) })
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, limit time.Duration) {
	rt, err := parseRoute(r, limit)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	inner := r.Clone(withRoute(r.Context(), rt))
	inner.URL = &url.URL{Path: "/" + rt.path}
	handler, pattern := a.mux.Handler(inner)
	if pattern == "" {
		a.fail(w, r, refused(handler, inner, r.URL.Path))
		return
	}
	a.mux.ServeHTTP(w, inner)
}

// refused puts the mux's own 404 or 405 into OpenAI's shape.
func refused(handler http.Handler, r *http.Request, path string) error {
	probe := &probe{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		return &openaierr.Error{
			Status: probe.status, Type: openaierr.TypeInvalidRequest, Code: "method_not_allowed",
			Header:  http.Header{"Allow": {allow}},
			Message: fmt.Sprintf("Not allowed to %s on %s. Use %s.", r.Method, path, allow),
		}
	}
	return unknownURL(r.Method, path)
}

func unknownURL(method, path string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s. Check the path for typos; the base URL of this API ends in /v1.", method, path),
	}
}

// probe learns what a handler would answer.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// fail sends an error and notes it for the log: its code and its cause, but not its message, since
// Azure's may quote the request.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := openaierr.From(err)
	call := telemetry.From(r.Context())
	call.Code, call.Err = e.Code, e.Cause
	openaierr.Write(w, e)
}

// relay sends the call to Azure and its answer to the caller.
func (a *API) relay(w http.ResponseWriter, r *http.Request, call *azure.Call, keepUsage bool) {
	answer, err := a.azure.Do(r.Context(), call)
	if err == nil {
		defer answer.Close()
		err = answer.Relay(w, keepUsage)
	}
	switch {
	case errors.Is(err, azure.ErrBroken):
		panic(http.ErrAbortHandler) // the caller must not take what it has for the whole
	case err != nil:
		a.fail(w, r, err)
	}
}

// route is a path's family and what stands behind it.
type route struct {
	dated      bool   // Azure's paths with an api-version
	deployment string // of /openai/deployments/{deployment}/
	path       string // "chat/completions"
	query      url.Values
	limit      time.Duration
}

func parseRoute(r *http.Request, limit time.Duration) (*route, error) {
	rt := &route{query: r.URL.Query(), limit: limit}
	switch asked := r.URL.Path; {
	case strings.HasPrefix(asked, "/v1/"):
		rt.path = asked[len("/v1/"):]
	case strings.HasPrefix(asked, "/openai/v1/"):
		rt.path = asked[len("/openai/v1/"):]
	case strings.HasPrefix(asked, "/openai/"):
		rt.dated = true
		rt.path = asked[len("/openai/"):]
		if rest, ok := strings.CutPrefix(rt.path, "deployments/"); ok {
			rt.deployment, rt.path, _ = strings.Cut(rest, "/")
		}
		if rt.query.Get("api-version") == "" {
			return nil, openaierr.Invalid("api-version", "missing_api_version",
				"Azure's paths need a version: add for example ?api-version=2024-10-21, or use a path under /v1.")
		}
	}
	if rt.path == "" || path.Clean("/"+rt.path) != "/"+rt.path { // the mux would redirect, and know no family to go back to
		return nil, unknownURL(r.Method, r.URL.Path)
	}
	return rt, nil
}
