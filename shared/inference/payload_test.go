package inference_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/inference"
	"aoai-bridge/shared/openaierr"
)

func TestPaths(t *testing.T) {
	const chat, responses, embeddings = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
	tests := []struct {
		name, payload    string
		chat, embeddings string // the path, or the error's code and param
	}{
		{"messages", `{"messages":[]}`, chat, embeddings},
		{"input", `{"input":"x"}`, responses, embeddings},
		{"both", `{"input":"x","messages":[]}`, chat, embeddings},
		{"neither", `{"prompt":"x"}`, "missing_required_parameter messages", embeddings},
		{"no JSON", `{`, "invalid_json ", "invalid_json "},
		{"null", `null`, "invalid_json ", "invalid_json "},
		{"nothing", ``, "invalid_json ", "invalid_json "},
		{"a stream", `{"messages":[],"input":"x","stream":true}`, "unsupported_value stream", "unsupported_value stream"},
		{"no stream", `{"messages":[],"input":"x","stream":false}`, chat, embeddings},
		{"a stream that is no boolean is for the handler to refuse", `{"messages":[],"stream":"yes"}`, chat, embeddings},
	}
	outcome := func(path string, err error) string {
		if err == nil {
			return path
		}
		e := openaierr.From(err)
		if e.Status != http.StatusBadRequest {
			t.Errorf("got %v", err)
		}
		return e.Code + " " + e.Param
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(inference.ChatPath([]byte(tt.payload))); got != tt.chat {
				t.Errorf("chat: got %s, want %s", got, tt.chat)
			}
			if got := outcome(inference.EmbeddingsPath([]byte(tt.payload))); got != tt.embeddings {
				t.Errorf("embeddings: got %s, want %s", got, tt.embeddings)
			}
		})
	}
}

// TestDirect is about a bare payload's call: no gateway ends its wait, and IAM has let the caller in.
func TestDirect(t *testing.T) {
	s := open(t, deployments)
	const payload = `{"model":"gpt-4o-mini",` + hello + `,"big":9007199254740993}`
	w := httptest.NewRecorder()
	callers.Trust("lambda-invoke", inference.New(s.client, 0).Chat()).ServeHTTP(w, request("POST /v1/chat/completions", payload))
	if asked := s.upstreamRequests(); w.Code != 200 || !strings.Contains(w.Body.String(), "hello") || len(asked) != 1 || string(asked[0].Body) != payload {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestLimit(t *testing.T) {
	s := open(t, deployments)
	for limit, want := range map[time.Duration]int{1: 504, 0: 200} { // no answer comes within a nanosecond
		s.azure.QueueAnswer(azureopenai.Answer{Body: `{}`})
		w := httptest.NewRecorder()
		handler := callers.Trust("lambda-invoke", inference.New(s.client, limit).Chat())
		handler.ServeHTTP(w, request("POST /v1/chat/completions", `{"model":"gpt-4o",`+hello+`}`))
		if w.Code != want {
			t.Errorf("limit %v: got %d %s, want %d", limit, w.Code, w.Body, want)
		}
		s.azure.Reset()
	}
}
