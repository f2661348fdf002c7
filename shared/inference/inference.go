// Package inference has the online operations of the API as one http.Handler: chat, responses, models
// and embeddings, on OpenAI's paths and on Azure's. It reads a request as far as we act on it, asks
// Azure, and relays the answer. It does not know Lambda, credentials or deployments' whereabouts.
package inference

import (
	"errors"
	"net/http"
	"time"

	"aoai-bridge/shared/apipath"
	"aoai-bridge/shared/azure"
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
			telemetry.Fail(w, r, err)
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
	path, err := apipath.Parse(r)
	if err != nil {
		telemetry.Fail(w, r, err)
		return
	}
	inner := path.Request(r.WithContext(withRoute(r.Context(), &route{path, limit})))
	if err := apipath.Check(a.mux, inner, r.URL.Path); err != nil {
		telemetry.Fail(w, r, err)
		return
	}
	a.mux.ServeHTTP(w, inner)
}

// relay sends the call to Azure and its answer to the caller.
func (a *API) relay(w http.ResponseWriter, r *http.Request, call *azure.Call, keepUsage bool) {
	if err := a.permitHeader(r.Context(), call.Header); err != nil {
		telemetry.Fail(w, r, err)
		return
	}
	answer, err := a.azure.Do(r.Context(), call)
	if err == nil {
		defer answer.Close()
		err = answer.Relay(w, keepUsage)
	}
	switch {
	case errors.Is(err, azure.ErrBroken):
		panic(http.ErrAbortHandler) // the caller must not take what it has for the whole
	case err != nil:
		telemetry.Fail(w, r, err)
	}
}

// route is a call's path and how long its first byte is waited for.
type route struct {
	*apipath.Path
	limit time.Duration
}
