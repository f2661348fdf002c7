package lambdahttp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"aoai-bridge/infra/local/lambda"
)

func TestBarePayload(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	const odd = `{ "path":"/bytes","big":123456789012345678901234567890,"u":"\u00e9<>&","z":[ null ],"path":"/bytes" }`
	tests := []struct{ name, payload, want string }{
		{"its bytes reach the handler, and the answer's the invoker", odd, odd},
		{"another handler than HTTP's", `{"path":"/kind"}`, `{"kind":"direct"`},
		{"requestContext alone makes no HTTP event", `{"path":"/bytes","requestContext":{}}`, `{"path":"/bytes","requestContext":{}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, err := f.Invoke(t.Context(), "f", []byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil || !strings.HasPrefix(string(body), tt.want) || response.ContentType != "application/json" {
				t.Errorf("got %s %s, %v", response.ContentType, body, err)
			}
		})
	}
	if log := f.logs.String(); !strings.Contains(log, `"status":200`) || strings.Contains(log, "123456789") {
		t.Errorf("the log is %s", log)
	}
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	failure := func(status int, code, kind string) string {
		return fmt.Sprintf(`{"path":"/error","status":%d,"code":%q,"type":%q}`, status, code, kind)
	}
	tests := []struct{ name, payload, errorType, message string }{
		{"rate limit", failure(429, "429", "rate_limit_error"), "RateLimited", `"code":"429"`},
		{"content filter", failure(400, "content_filter", "invalid_request_error"), "ContentFiltered", `"code":"content_filter"`},
		{"bad request", failure(400, "context_length_exceeded", "invalid_request_error"), "InvalidRequest", "context_length_exceeded"},
		{"unknown model", failure(404, "model_not_found", "invalid_request_error"), "InvalidRequest", "model_not_found"},
		{"too large", failure(413, "request_too_large", "invalid_request_error"), "InvalidRequest", "request_too_large"},
		{"our credential at Azure", failure(502, "401", "upstream_authentication_error"), "Unauthorized", `"code":"401"`},
		{"the caller's key", failure(401, "invalid_api_key", "invalid_request_error"), "Unauthorized", "invalid_api_key"},
		{"a model that is not allowed", failure(403, "model_not_allowed", "permission_error"), "Unauthorized", "model_not_allowed"},
		{"our timeout", failure(504, "timeout", "timeout_error"), "Timeout", "timeout"},
		{"Azure's timeout", failure(408, "Timeout", "timeout_error"), "Timeout", "Timeout"},
		{"Azure fails", failure(500, "", "server_error"), "UpstreamUnavailable", `"code":null`},
		{"a connection lost", failure(502, "upstream_connection_lost", "server_error"), "UpstreamUnavailable", "upstream_connection_lost"},
		{"Azure is overloaded", failure(503, "InternalServerError", "server_error"), "UpstreamUnavailable", "InternalServerError"},
		{"a secret that is wrong", failure(500, "configuration_error", "server_error"), "ConfigurationError", "configuration_error"},
		{"a numeric code", `{"path":"/error","status":404,"raw":"{\"error\":{\"code\":404}}"}`, "InvalidRequest", `{"error":{"code":404}}`},
		{"a body of another form", `{"path":"/error","status":503,"raw":"busy"}`, "UpstreamUnavailable", "busy"},
		{"a panic", `{"path":"/panic"}`, "InternalError", "internal_error"},
		{"an answer that breaks off", `{"path":"/abort"}`, "UpstreamUnavailable", "upstream_connection_lost"},
		{"a panic in mid-answer", `{"path":"/panic-late"}`, "UpstreamUnavailable", "upstream_connection_lost"},
		{"a payload that goes nowhere", `{"x":1}`, "InvalidRequest", `"param":"path"`},
		{"null", `null`, "InvalidRequest", `"param":"path"`},
		{"a list", `[1]`, "InvalidRequest", `"param":"path"`},
	}
	pid := f.pid(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.Invoke(t.Context(), "f", []byte(tt.payload))
			var failed *lambda.FunctionError
			if !errors.As(err, &failed) || failed.Type != tt.errorType || !strings.Contains(failed.Message, tt.message) {
				t.Fatalf("got %v, want %s: %s", err, tt.errorType, tt.message)
			}
			if tt.message != "busy" && !json.Valid([]byte(failed.Message)) {
				t.Errorf("errorMessage is no JSON: %s", failed.Message)
			}
		})
	}
	if again := f.pid(t); again != pid {
		t.Errorf("process %d serves, want the first one, %d", again, pid)
	}
	if log := f.logs.String(); strings.Contains(log, "busy") || !strings.Contains(log, `"status":503`) {
		t.Errorf("the log quotes an upstream error: %s", log)
	}
}
