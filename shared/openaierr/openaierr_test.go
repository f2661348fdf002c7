package openaierr_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"aoai-bridge/shared/openaierr"
)

func TestJSON(t *testing.T) {
	tests := []struct {
		name string
		in   *openaierr.Error
		want string
	}{
		{"all four", openaierr.Invalid("model", "invalid_type", "Expected %s & <no> escapes.", "a string"),
			`{"error":{"message":"Expected a string \u0026 \u003cno\u003e escapes.","type":"invalid_request_error","param":"model","code":"invalid_type"}}`},
		{"empty ones are null", &openaierr.Error{Message: "m", Type: openaierr.TypeServer},
			`{"error":{"message":"m","type":"server_error","param":null,"code":null}}`},
		{"a ready object stays as it is", &openaierr.Error{Message: "not this", Object: []byte(`{"code" : 12345678901234567890}`)},
			`{"error":{"code" : 12345678901234567890}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.in.JSON()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	cause := errors.New("dial tcp: secret-host")
	known := &openaierr.Error{Status: http.StatusBadGateway, Code: "c", Message: "m", Cause: cause}
	if got := openaierr.From(fmt.Errorf("wrapped: %w", known)); got != known {
		t.Errorf("got %v, want the error in the chain", got)
	}
	if !errors.Is(known, cause) {
		t.Error("the cause is not in the chain")
	}
	hidden := openaierr.From(cause)
	const want = `{"error":{"message":"The bridge failed while it handled the request. Its log has the details under this x-request-id.","type":"server_error","param":null,"code":"internal_error"}}`
	if got := string(hidden.JSON()); hidden.Status != http.StatusInternalServerError || got != want || !errors.Is(hidden, cause) {
		t.Errorf("got %d %s with cause %v", hidden.Status, got, hidden.Cause)
	}
}

func TestWrite(t *testing.T) {
	e := (&openaierr.Error{
		Status: http.StatusTooManyRequests, Message: "m", Type: openaierr.TypeRateLimit,
		Header: http.Header{"Retry-After": {"7"}, "Content-Type": {"text/html"}, "Content-Length": {"9"}},
	}).Final()
	w := httptest.NewRecorder()
	w.Header().Set("X-Kept", "1")
	openaierr.Write(w, fmt.Errorf("wrapped: %w", e))
	want := map[string]string{
		"Retry-After": "7", "X-Should-Retry": "false", "Content-Type": "application/json", "X-Kept": "1",
		"Content-Length": fmt.Sprint(w.Body.Len()),
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if w.Code != http.StatusTooManyRequests || w.Body.String() != string(e.JSON()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
