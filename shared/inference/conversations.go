package inference

import (
	"net/http"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/rawjson"
)

// handleConversations adds conversations and their items. A conversation is in one resource, and has no model.
func (a *API) handleConversations() {
	for pattern, name := range map[string]string{
		"POST /conversations":                     "conversations.create",
		"GET /conversations/{id}":                 "conversations.retrieve",
		"POST /conversations/{id}":                "conversations.update",
		"DELETE /conversations/{id}":              "conversations.delete",
		"POST /conversations/{id}/items":          "conversations.items.create",
		"GET /conversations/{id}/items":           "conversations.items.list",
		"GET /conversations/{id}/items/{item}":    "conversations.items.retrieve",
		"DELETE /conversations/{id}/items/{item}": "conversations.items.delete",
	} {
		a.routes.Handle(pattern, name, a.converse)
	}
}

// converse passes on an operation about a conversation. What such a thing may hold no model can judge, so that a key
// that is bound to models has none, unless it may name what is stored.
func (a *API) converse(w http.ResponseWriter, r *openaiapi.Request) error {
	id, param := r.PathValue("id"), "conversation"
	if id == "" {
		id, param = "conversation", "" // a new one
	}
	if refusal := r.Caller.Stored(id, param); refusal != nil {
		return refusal
	}
	call := a.newCall(r)
	if param != "" {
		call.State = []string{id}
	}
	if r.Method == http.MethodPost {
		body, err := readConversation(r)
		if err == nil {
			err = a.permitBody(r, body)
		}
		if err != nil {
			return err
		}
		call.Begins = true // items that are added twice are there twice
		call.Body = func(string) rawjson.Pieces { return body.With() }
	}
	return a.relay(w, r, call, true)
}

// readConversation reads the body, which may be left out where a conversation begins empty.
func readConversation(r *openaiapi.Request) (rawjson.Node, error) {
	if r.ContentLength == 0 {
		return rawjson.ParseTop([]byte("{}"))
	}
	return r.ReadObject(!r.Caller.Any())
}
