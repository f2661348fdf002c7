// Package awsendpoint is the one endpoint of a local stack's AWS services: it checks a request's
// signature and hands the request to the service that the signature's scope names. It does not know
// what the services do.
package awsendpoint

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"aoai-bridge/infra/local/sigv4"
)

// New returns the endpoint of services, which are known by their signing names (secretsmanager, sts,
// lambda, ...). secret returns the secret of an access key.
func New(secret func(accessKeyID string) (string, bool), services map[string]http.Handler) http.Handler {
	return &endpoint{verifier: sigv4.Verifier{Secret: secret}, services: services}
}

type endpoint struct {
	verifier sigv4.Verifier
	services map[string]http.Handler
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Go's server answers 100 only where there is a body to read. boto3 asks for it before an empty object, too, and
	// without it hangs in its next PUT on the connection.
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusContinue)
	}
	scope, err := e.verifier.Verify(r)
	var refusal *sigv4.Error
	switch {
	case errors.As(err, &refusal):
		writeRefusal(w, r, scope.Service, refusal)
	case err != nil:
		writeError(w, r, scope.Service, http.StatusBadRequest, "RequestTimeout", err.Error())
	case e.services[scope.Service] == nil:
		// 501, since no SDK tries that again.
		writeError(w, r, scope.Service, http.StatusNotImplemented, "NotImplemented",
			fmt.Sprintf("this stack has no AWS service %q; it has %s", scope.Service,
				strings.Join(slices.Sorted(maps.Keys(e.services)), ", ")))
	default:
		e.services[scope.Service].ServeHTTP(w, r)
	}
}
