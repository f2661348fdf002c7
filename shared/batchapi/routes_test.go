package batchapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Each operation is served by the function that the template's API hands it to, and by no other.
func TestRoutes(t *testing.T) {
	w := newWorld(t)
	for _, operation := range []string{
		"POST /files", "GET /files", "GET /files/x", "DELETE /files/x", "GET /files/x/content",
		"POST /uploads", "POST /uploads/x/parts", "POST /uploads/x/complete", "POST /uploads/x/cancel",
		"POST /batches", "GET /batches", "GET /batches/x", "POST /batches/x/cancel",
	} {
		method, path, _ := strings.Cut(operation, " ")
		for _, url := range []string{"/v1" + path, "/openai/v1" + path, "/openai" + path + "?api-version=2024-10-21"} {
			for function := range w.functions {
				r := httptest.NewRequest(method, url, nil)
				r.Header.Set("Authorization", "Bearer "+alice)
				answer := httptest.NewRecorder()
				w.functions[function].ServeHTTP(answer, r)
				body := answer.Body.String()
				serves := !strings.Contains(body, "unknown_url") && !strings.Contains(body, "method_not_allowed")
				if want := function == w.functionOf(r); serves != want {
					t.Errorf("%s %s by %s: %d %s", method, url, function, answer.Code, body)
				}
			}
		}
	}
}

// The 405 for a method that a path does not have lists the methods of both functions.
func TestWrongMethod(t *testing.T) {
	w := newWorld(t)
	a := w.call(alice, "PUT", "/v1/batches", nil)
	if message := a.text("error", "message"); a.status != http.StatusMethodNotAllowed || !strings.Contains(message, "GET") || !strings.Contains(message, "POST") {
		t.Errorf("%d %v", a.status, a.body)
	}
}
