// Package awsjson is the server's side of AWS's JSON protocol, versions 1.0 and 1.1: the operation's
// name in X-Amz-Target, a JSON object in, a JSON object or an error out. What the operations do is left
// to the services.
package awsjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// An Error is an answer with a status other than 200.
type Error struct {
	Status        int
	Code, Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// BadRequest returns an Error with status 400.
func BadRequest(code, format string, args ...any) error {
	return &Error{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// An Operation carries out one call, and fails with an *Error or with one that is not the caller's.
type Operation[S any] func(ctx context.Context, service S, body []byte) (any, error)

// An API is the operations of a service.
type API[S interface {
	Enter(ctx context.Context, operation string) (fail bool)
}] struct {
	Version    string // of the protocol: "1.0" or "1.1"
	Target     string // what X-Amz-Target has before the operation's name: "secretsmanager."
	Message    string // the name of an error's message: "message" or "Message"
	Operations map[string]Operation[S]
	Internal   Error // the answer to a call that Enter makes fail; its code stands for any other internal error too
}

// Decoded returns the operation that decodes its request for do.
func Decoded[S, In any](do func(S, In) (any, error)) Operation[S] {
	return func(_ context.Context, service S, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, BadRequest("SerializationException", "%v", err)
		}
		return do(service, in)
	}
}

// Serve answers one call.
func (a *API[S]) Serve(w http.ResponseWriter, r *http.Request, service S) {
	out, err := a.call(r, service)
	w.Header().Set("Content-Type", "application/x-amz-json-"+a.Version)
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	if err != nil {
		failure, ok := errors.AsType[*Error](err)
		if !ok {
			failure = &Error{a.Internal.Status, a.Internal.Code, err.Error()}
		}
		w.WriteHeader(failure.Status)
		out = map[string]string{"__type": failure.Code, a.Message: failure.Message}
	}
	// What is left to go wrong is the connection, and then the client is gone.
	_ = json.NewEncoder(w).Encode(out)
}

func (a *API[S]) call(r *http.Request, service S) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), a.Target)
	do := a.Operations[name]
	if !ok || do == nil {
		return nil, BadRequest("UnknownOperationException", "no operation %q here", r.Header.Get("X-Amz-Target"))
	}
	if fail := service.Enter(r.Context(), name); fail {
		return nil, &a.Internal
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, BadRequest("SerializationException", "%v", err)
	}
	return do(r.Context(), service, body)
}
