package secretsmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// An apiError is an answer with a status other than 200. The messages are as public captures and other
// emulators of the service have them.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func badRequest(code, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

var (
	errNotFound          = badRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	errMarkedForDeletion = badRequest("InvalidRequestException",
		"You can't perform this operation on the secret because it was marked for deletion.")
	errInternal = &apiError{http.StatusInternalServerError, "InternalServiceError",
		"An error occurred on the server side."} // wording unverified
)

// operations are those that the SDKs and the CLI need to keep secrets by hand.
var operations = map[string]func(*Store, []byte) (any, error){
	"CreateSecret":             operation((*Store).createSecret),
	"DeleteSecret":             operation((*Store).deleteSecret),
	"DescribeSecret":           operation((*Store).describeSecret),
	"GetSecretValue":           operation((*Store).getSecretValue),
	"ListSecrets":              operation((*Store).listSecrets),
	"PutSecretValue":           operation((*Store).putSecretValue),
	"RestoreSecret":            operation((*Store).restoreSecret),
	"UpdateSecret":             operation((*Store).updateSecret),
	"UpdateSecretVersionStage": operation((*Store).updateSecretVersionStage),
}

// operation decodes the request of do and runs it with the store locked.
func operation[In any](do func(*Store, In) (any, error)) func(*Store, []byte) (any, error) {
	return func(s *Store, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, badRequest("SerializationException", "%v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return do(s, in)
	}
}

// ServeHTTP answers one call.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.call(r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", newVersionID())
	var failure *apiError
	if errors.As(err, &failure) {
		w.WriteHeader(failure.status)
		out = map[string]string{"__type": failure.code, "Message": failure.message}
	}
	// What is left to go wrong is the connection, and then there is nobody to tell.
	_ = json.NewEncoder(w).Encode(out)
}

// call always fails with an *apiError.
func (s *Store) call(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	do := operations[name]
	if !ok || do == nil {
		return nil, badRequest("UnknownOperationException", "no operation %q here", r.Header.Get("X-Amz-Target"))
	}
	if fail := s.Enter(r.Context(), name); fail {
		return nil, errInternal
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("SerializationException", "%v", err)
	}
	return do(s, body)
}

// seconds is a timestamp on the wire.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
