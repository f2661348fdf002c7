package part

import (
	"strings"

	"aoai-bridge/shared/batch/jsonl"
)

// endpoint is the batch's, as Azure gets it.
func (w *work) endpoint() string {
	if w.state.Endpoint != "" {
		return w.state.Endpoint
	}
	return w.service.batches.URL(w.part.Endpoint)
}

// refusedEndpoint reports whether Azure refused a batch of responses for its endpoint, and has the next create name
// another: by Azure's guide, as mozilla-ai/any-llm#1348 quotes it, a batch is created with the endpoint /chat/completions
// though its lines have the url /v1/responses, and the lines decide. Whether Azure does so everywhere is unverified.
func (w *work) refusedEndpoint(code, message string) bool {
	if w.part.Endpoint != jsonl.Responses || w.state.Endpoint != "" {
		return false
	}
	if code != "url_mismatch" && !strings.Contains(strings.ToLower(message), "endpoint") {
		return false
	}
	w.state.Endpoint = "/" + jsonl.ChatCompletions
	return true
}
