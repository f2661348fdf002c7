package openaiapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/shared/openaiapi"
)

func TestHealth(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	tests := []struct {
		line   string
		status int
		body   string // "" is not looked at
		next   bool
	}{
		{"GET /health", 200, `{"status":"ok"}`, false},
		{"GET /health?x=1", 200, `{"status":"ok"}`, false},
		{"HEAD /health", 200, "", false},
		{"POST /health", 405, "", false},
		{"GET /health/", 401, "", true},
		{"GET /v1/health", 401, "", true},
		{"GET /healthz", 401, "", true},
		{"GET /v1/models", 401, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.line, " ")
			got := serve(openaiapi.Health(next), httptest.NewRequest(method, path, nil))
			if got.Code != tt.status || tt.body != "" && got.Body.String() != tt.body || method == http.MethodHead && got.Body.Len() != 0 {
				t.Errorf("got %d %q", got.Code, got.Body)
			}
			if operation := got.record.Operation; (operation == "health") == tt.next {
				t.Errorf("operation %q", operation)
			}
			if tt.status == http.StatusMethodNotAllowed {
				if code, _, _ := got.error(t); code != "method_not_allowed" || got.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("got %s %v", code, got.Header())
				}
			}
		})
	}
}
