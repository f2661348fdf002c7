// Package inference has the online operations of the API as one http.Handler: chat, responses, models
// and embeddings, on OpenAI's paths and on Azure's. It reads a request as far as we act on it, asks
// Azure, and relays the answer. It does not know Lambda, credentials or deployments' whereabouts.
package inference

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/openaiapi"
)

// API serves operations of the API. Add them, then use it as an http.Handler.
type API struct {
	azure  *azure.Client
	limit  time.Duration // to the first byte of Azure's answer
	now    func() time.Time
	routes openaiapi.Router
}

// New makes an API without operations. firstByte bounds the wait for the first byte of Azure's answer; 0 waits as long
// as the request's context lasts, which suits bare payloads: no gateway ends their wait.
func New(client *azure.Client, firstByte time.Duration) *API {
	return &API{azure: client, limit: firstByte, now: clock.Wall}
}

// Chat adds chat completions, responses, conversations and models.
func (a *API) Chat() *API {
	a.handle("POST /chat/completions", operation{name: "chat.completions", required: "messages"})
	a.handle("POST /responses", operation{name: "responses"})
	a.handle("POST /responses/compact", operation{name: "responses.compact"})
	a.handleStored("GET /responses/{id}", "responses.retrieve")
	a.handleStored("DELETE /responses/{id}", "responses.delete")
	a.handleStored("POST /responses/{id}/cancel", "responses.cancel")
	a.handleStored("GET /responses/{id}/input_items", "responses.input_items")
	a.handleConversations()
	a.routes.Handle("GET /models", "models.list", a.listModels)
	a.routes.Handle("GET /models/{model}", "models.retrieve", a.retrieveModel)
	return a
}

// Embeddings adds embeddings.
func (a *API) Embeddings() *API {
	a.handle("POST /embeddings", operation{name: "embeddings", required: "input"})
	return a
}

// ServeHTTP serves the paths of every family.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.routes.ServeHTTP(w, r) }

// operation is one whose requests have a body, which we pass on to Azure.
type operation struct {
	name     string // as telemetry has it
	required string // a member that every body must have
}

// stateful reports whether requests can go on from what is stored in Azure.
func (o operation) stateful() bool { return strings.HasPrefix(o.name, "responses") }

// handle passes an operation on to Azure.
func (a *API) handle(pattern string, op operation) {
	a.routes.Handle(pattern, op.name, func(w http.ResponseWriter, r *openaiapi.Request) error {
		call, keepUsage, err := a.prepare(r, op)
		if err != nil {
			return err
		}
		return a.relay(w, r, call, keepUsage)
	})
}

// newCall is the call of Azure that a request makes, without its body.
func (a *API) newCall(r *openaiapi.Request) *azure.Call {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // Azure knows no HEAD
	}
	call := &azure.Call{
		Method: method, Dated: r.Path.Dated, Path: r.Path.Escaped(), Query: r.Path.Query.Encode(), Header: r.Header,
		InPath: r.Path.Deployment != "", Name: r.Path.Deployment, Limit: a.limit,
	}
	if !r.Caller.Any() {
		call.Permit = r.Caller.Target
	}
	return call
}

// relay sends the call to Azure and its answer to the caller.
func (a *API) relay(w http.ResponseWriter, r *openaiapi.Request, call *azure.Call, keepUsage bool) error {
	if err := a.permitHeader(r); err != nil {
		return err
	}
	answer, err := a.azure.Do(r.Context(), call)
	if err != nil {
		return err
	}
	return send(w, answer, keepUsage)
}

// send sends an answer to the caller, and closes it.
func send(w http.ResponseWriter, answer *azure.Answer, keepUsage bool) error {
	defer answer.Close()
	err := answer.Relay(w, keepUsage)
	if errors.Is(err, azure.ErrBroken) {
		panic(http.ErrAbortHandler) // the caller must not take what it has for the whole
	}
	return err
}
