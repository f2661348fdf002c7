package apigateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

// A refusal is what the gateway answers by itself, a gateway response.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type refusal struct {
	responseType string // a name in template.API.GatewayResponses
	status       int    // unless the template says otherwise
	errorType    string
	message      string
}

func (r *refusal) Error() string { return r.responseType + ": " + r.message }

// Lambda's refusals are 500, and what goes wrong within a function is 502, both "Internal server
// error": https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html. That the one
// is an INTEGRATION_FAILURE holds for throttling at least; that the other goes by DEFAULT_5XX, no
// name of its own, is unverified.
var (
	unknownRoute  = &refusal{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	tooLarge      = &refusal{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request Too Long"}
	notInvoked    = &refusal{"INTEGRATION_FAILURE", http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
	malformed     = &refusal{"DEFAULT_5XX", http.StatusBadGateway, "InternalServerErrorException", "Internal server error"}
	misconfigured = &refusal{"API_CONFIGURATION_ERROR", http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
	timedOut      = &refusal{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout, "InternalServerErrorException", "Endpoint request timed out"}
)

// refusalOf is the refusal for an error of an Invoker.
func refusalOf(err error) error {
	if _, ok := errors.AsType[*lambda.FunctionError](err); ok {
		return malformed
	}
	if errors.Is(err, lambda.ErrTooLarge) {
		return tooLarge // unverified: by the letter of the documentation it were a 500
	}
	return notInvoked
}

const ownTemplate = `{"message":$context.error.messageString}`

// refuse answers with a gateway response: the template's of that name, else its default for the
// class, else the service's own.
func (g *gateway) refuse(w http.ResponseWriter, c *call, r *refusal) {
	response, ok := g.responses[r.responseType]
	if !ok && r.status < http.StatusInternalServerError {
		response = g.responses["DEFAULT_4XX"]
	} else if !ok {
		response = g.responses["DEFAULT_5XX"]
	}
	h := w.Header()
	h["x-amzn-ErrorType"] = []string{r.errorType}
	h.Set("Content-Type", "application/json")
	for name, value := range response.Headers {
		h.Set(name, value)
	}
	w.WriteHeader(cmp.Or(response.StatusCode, r.status))
	_, _ = w.Write([]byte(fillTemplate(response, c, r))) // the caller may be gone
}

// fillTemplate substitutes a response template's variables: no more than text for text.
func fillTemplate(response template.GatewayResponse, c *call, r *refusal) string {
	quoted, _ := json.Marshal(r.message) // text always marshals
	return strings.NewReplacer(
		"$context.error.messageString", string(quoted), // before its own beginning
		"$context.error.message", r.message,
		"$context.error.responseType", r.responseType,
		"$context.extendedRequestId", c.extendedID,
		"$context.requestId", c.requestID,
	).Replace(cmp.Or(response.Templates["application/json"], ownTemplate))
}
