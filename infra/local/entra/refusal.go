package entra

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// A refusal is an error answer. Descriptions are as public captures of Entra's answers have them, with
// the year of the capture; "unverified" marks those of which only the number is documented.
type refusal struct {
	status      int
	name        string // OAuth's
	code        int    // AADSTS's
	description string
}

var (
	// The reference of error codes has the number and the sentence; the status is unverified.
	transient = &refusal{http.StatusServiceUnavailable, "temporarily_unavailable", 90033,
		"A transient error has occurred. Please try again."}
	// 2019.
	noCredential = &refusal{http.StatusUnauthorized, "invalid_client", 7000218,
		"The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
)

// 2022 and 2025.
func tenantNotFound(tenant string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_tenant", 90002, fmt.Sprintf("Tenant '%s' not found. Check to make sure you have "+
		"the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may "+
		"happen if there are no active subscriptions for the tenant.", tenant)}
}

// Unverified.
func missingParameter(name string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", 900144,
		fmt.Sprintf("The request body must contain the following parameter: '%s'.", name)}
}

// Unverified.
func unsupportedGrant(grant string) *refusal {
	return &refusal{http.StatusBadRequest, "unsupported_grant_type", 70003,
		fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant)}
}

// 2019.
func applicationNotFound(id, tenant string) *refusal {
	return &refusal{http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found "+
		"in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or "+
		"consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", id, tenant)}
}

// 2022 and 2024.
func scopeNotValid(scope string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_scope", 1002012, fmt.Sprintf("The provided value for scope %s is not valid. "+
		"Client credential flows must have a scope value with /.default suffixed to the resource identifier "+
		"(application ID URI).", scope)}
}

// 2023.
func wrongSecret(clientID string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", 7000215, fmt.Sprintf("Invalid client secret provided. Ensure the secret "+
		"being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", clientID)}
}

// 2022. It is also what comes in the first minutes after a credential was added.
func noFederation(issuer, subject, audience string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", 70021, fmt.Sprintf("No matching federated identity record found for "+
		"presented assertion. Assertion Issuer: '%s'. Assertion Subject: '%s'. Assertion Audience: '%s'. "+
		"https://docs.microsoft.com/en-us/azure/active-directory/develop/workload-identity-federation", issuer, subject, audience)}
}

// 2024 for the issuer (700211), 2025 for the subject (700213); the audience (700212) and the status are
// unverified.
func noFederationFor(claim string, code int, value string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf("No matching federated identity record found for "+
		"presented assertion %s '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented "+
		"assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation", claim, value)}
}

// 2024 and 2025; the status is unverified.
func assertionOutOfTime(now time.Time, c jwt.RegisteredClaims) *refusal {
	const format = "2006-01-02T15:04:05.0000000Z"
	from := time.Unix(0, 0)
	if c.NotBefore != nil {
		from = c.NotBefore.Time
	}
	return &refusal{http.StatusUnauthorized, "invalid_client", 700024, fmt.Sprintf("Client assertion is not within its valid time "+
		"range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at "+
		"https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
		now.UTC().Format(format), from.UTC().Format(format), c.ExpiresAt.UTC().Format(format))}
}

// The reference of error codes has the number and the first sentence; the rest is unverified.
func assertionNotValid(err error) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", 700027,
		fmt.Sprintf("Client assertion failed signature validation. %v.", err)}
}

// refuse writes the answer in Entra's shape. The description names the request three times over, as
// support asks for it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	trace, correlation := uuid.NewString(), r.Header.Get("Client-Request-Id")
	if correlation == "" {
		correlation = uuid.NewString()
	}
	at := strings.Replace(s.now().UTC().Format(time.RFC3339), "T", " ", 1)
	writeJSON(w, why.status, map[string]any{
		"error": why.name,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			why.code, why.description, trace, correlation, at),
		"error_codes":    []int{why.code},
		"timestamp":      at,
		"trace_id":       trace,
		"correlation_id": correlation,
		"error_uri":      "https://login.microsoftonline.com/error?code=" + strconv.Itoa(why.code),
	})
}
