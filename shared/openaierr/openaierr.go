// Package openaierr is the error a caller sees: an HTTP status and a body in OpenAI's shape.
// It does not know where an error came from, nor how one is logged.
package openaierr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
)

// The types OpenAI's error bodies name, as its SDKs document them.
const (
	TypeInvalidRequest = "invalid_request_error"
	TypePermission     = "permission_error"
	TypeRateLimit      = "rate_limit_error"
	TypeServer         = "server_error"
	TypeTimeout        = "timeout_error"
	// TypeUpstreamAuth marks our own credential being refused by Azure, which a workflow must be
	// able to tell from an outage although both are a 502.
	TypeUpstreamAuth = "upstream_authentication_error"
)

// Error is {"error":{"message","type","param","code"}} and the status it is sent with.
type Error struct {
	Status  int    // HTTP status; not part of the body
	Message string // safe to show: no secret, no stack, no upstream host
	Type    string
	Param   string      // the parameter at fault; "" is null
	Code    string      // "" is null
	Header  http.Header // sent along: Retry-After and its like
	Object  []byte      // a ready "error" object, sent in place of one made from the fields above
	Cause   error       // for the log only
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%d %s: %s: %v", e.Status, e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Cause }

// Invalid is a 400 about one parameter.
func Invalid(param, code, format string, args ...any) *Error {
	return &Error{
		Status: http.StatusBadRequest, Type: TypeInvalidRequest, Param: param, Code: code,
		Message: fmt.Sprintf(format, args...),
	}
}

// Final marks an error that trying again cannot mend; OpenAI's SDKs honour the header.
func (e *Error) Final() *Error {
	if e.Header == nil {
		e.Header = http.Header{}
	}
	e.Header.Set("X-Should-Retry", "false")
	return e
}

// From finds the *Error in err's chain, or makes a 500 that hides err from the caller.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{
		Status: http.StatusInternalServerError, Type: TypeServer, Code: "internal_error",
		Message: "The bridge failed while it handled the request. Its log has the details under this x-request-id.",
		Cause:   err,
	}
}

// ErrorObject is the value of "error" in the body.
func (e *Error) ErrorObject() []byte {
	if e.Object != nil {
		return e.Object
	}
	b, _ := json.Marshal(struct { // strings and pointers to strings always marshal
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}{e.Message, e.Type, nullable(e.Param), nullable(e.Code)})
	return b
}

// JSON is the whole body.
func (e *Error) JSON() []byte {
	object := e.ErrorObject()
	b := make([]byte, 0, len(object)+len(`{"error":}`))
	b = append(b, `{"error":`...)
	b = append(b, object...)
	return append(b, '}')
}

// Write sends err to the caller.
func Write(w http.ResponseWriter, err error) {
	e := From(err)
	body := e.JSON()
	header := w.Header()
	maps.Copy(header, e.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body)
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
