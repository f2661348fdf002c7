package secretsmanager

import (
	"net/http"
	"time"

	"aoai-bridge/infra/local/awsjson"
)

// The messages are as public captures and other emulators of the service have them.
var (
	errNotFound          = awsjson.BadRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	errMarkedForDeletion = awsjson.BadRequest("InvalidRequestException",
		"You can't perform this operation on the secret because it was marked for deletion.")
)

// api has the operations that the SDKs and the CLI need to keep secrets by hand.
var api = awsjson.API[*Store]{
	Version: "1.1",
	Target:  "secretsmanager.",
	Message: "Message",
	Operations: map[string]awsjson.Operation[*Store]{
		"CreateSecret":             withLock((*Store).createSecret),
		"DeleteSecret":             withLock((*Store).deleteSecret),
		"DescribeSecret":           withLock((*Store).describeSecret),
		"GetSecretValue":           withLock((*Store).getSecretValue),
		"ListSecrets":              withLock((*Store).listSecrets),
		"PutSecretValue":           withLock((*Store).putSecretValue),
		"RestoreSecret":            withLock((*Store).restoreSecret),
		"UpdateSecret":             withLock((*Store).updateSecret),
		"UpdateSecretVersionStage": withLock((*Store).updateSecretVersionStage),
	},
	Internal: awsjson.Error{Status: http.StatusInternalServerError, Code: "InternalServiceError",
		Message: "An error occurred on the server side."}, // wording unverified
}

// withLock is the operation that runs do with the store locked.
func withLock[In any](do func(*Store, In) (any, error)) awsjson.Operation[*Store] {
	return awsjson.Decoded(func(s *Store, in In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		out, err := do(s, in)
		if err != nil {
			return nil, err
		}
		return out, s.save()
	})
}

// ServeHTTP answers one call.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { api.Serve(w, r, s) }

// seconds is a timestamp on the wire.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
