package openaiapi

import (
	"fmt"
	"net/http"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// HealthPath is where a load balancer or a monitor asks whether a function answers.
const HealthPath = "/health"

// Health answers on HealthPath before anything is asked of next: the caller needs no key, and no secret is read.
func Health(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != HealthPath {
			next.ServeHTTP(w, r)
			return
		}
		telemetry.From(r.Context()).Operation = "health"
		switch r.Method {
		case http.MethodHead:
			w = headWriter{w}
		case http.MethodGet:
		default:
			telemetry.Fail(w, r, &openaierr.Error{
				Status: http.StatusMethodNotAllowed, Type: openaierr.TypeInvalidRequest, Code: "method_not_allowed",
				Header:  http.Header{"Allow": {"GET, HEAD"}},
				Message: fmt.Sprintf("Not allowed to %s on %s. Use GET.", r.Method, HealthPath),
			})
			return
		}
		_ = WriteJSON(w, map[string]string{"status": "ok"}) // a map of strings always marshals
	})
}
