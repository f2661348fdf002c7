package azureopenai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer in Azure's error form.
type apiError struct {
	status int
	body   []byte
	model  bool // the model refused, not the gateway before it
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.body) }

// Bodies seen on Azure.
var (
	errBadKey   = literal(401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}`)
	errNotFound = literal(404, `{"error":{"code":"404","message":"Resource not found"}}`)

	errDeploymentNotFound   = literal(404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}`)
	errDeploymentNotFoundV1 = literal(404, `{"error":{"type":"invalid_request_error","code":"DeploymentNotFound","message":"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}`)

	errTimeout     = literal(408, `{"error":{"code":"Timeout","message":"The operation was timeout."}}`)
	errUnavailable = literal(503, `{"error":{"code":"InternalServerError","message":"The service is temporarily unable to process your request. Please try again later."}}`)
)

// Bodies that are unverified.
var (
	errVersionV1 = literal(400, `{"error":{"code":"BadRequest","message":"API version not supported"}}`)
	errNoModel   = literal(400, `{"error":{"message":"you must provide a model parameter","type":"invalid_request_error","param":null,"code":null}}`)
	errBadJSON   = literal(400, `{"error":{"message":"We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)","type":"invalid_request_error","param":null,"code":null}}`)
)

func literal(status int, body string) *apiError { return &apiError{status: status, body: []byte(body)} }

// streamOptionsRefused has the words of Azure's where a chat has data sources.
func streamOptionsRefused(status int) *apiError {
	return literal(status, `{"error":{"code":"BadRequest","message":"Validation error at #/stream_options: Extra inputs are not permitted"}}`)
}

func unsupportedVersion(version string) *apiError { // unverified
	return literal(404, `{"error":{"code":"404","message":`+quote("Unsupported api-version '"+version+"'.")+`}}`)
}

func operationNotSupported(noun, model string) *apiError {
	return literal(400, `{"error":{"code":"OperationNotSupported","message":`+quote("The "+noun+" operation does not work with the specified model, "+model+
		". Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.")+`}}`)
}

// rateLimited takes "requests" or "tokens" for what ran out. The api-version that v1 paths name is unverified.
func rateLimited(r route, exceeded string, seconds int64) *apiError {
	kind := "call"
	if exceeded == "tokens" {
		kind = "token"
	}
	operation := "ChatCompletions_Create"
	if r.operation.name != "" {
		operation = r.operation.name
	}
	return literal(429, `{"error":{"code":"429","message":`+quote(fmt.Sprintf("Requests to the %s Operation under Azure OpenAI API version %s have exceeded %s rate limit of your current OpenAI S0 pricing tier. Please retry after %d seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.",
		operation, r.apiVersion, kind, seconds))+`}}`)
}

func serverError(requestID string) *apiError {
	return &apiError{http.StatusInternalServerError, errorBody("The server had an error processing your request. Sorry about that! You can retry your request, or contact us through an Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926 if you keep seeing this error. (Please include the request ID "+requestID+" in your email.)",
		"server_error", "", ""), true}
}

// errorBody writes the model's error form; an empty param or code is null.
func errorBody(message, kind, param, code string) []byte {
	return []byte(`{"error":{"message":` + quote(message) + `,"type":` + quote(kind) +
		`,"param":` + quoteOrNull(param) + `,"code":` + quoteOrNull(code) + `}}`)
}

// invalid is the model's refusal of a request.
func invalid(param, code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, errorBody(fmt.Sprintf(format, args...), "invalid_request_error", param, code), true}
}

// badJSON words what the decoder found, in OpenAI's words (on Azure unverified).
func badJSON(err error) *apiError {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return errBadJSON
	}
	return invalidType(wrong.Field, typeName(wrong.Type.Kind().String()), typeName(wrong.Value))
}

func invalidType(param, want, got string) *apiError {
	return invalid(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, want, got)
}

// typeName names Go's kinds and the decoder's JSON types as OpenAI names JSON's types.
func typeName(s string) string {
	switch s {
	case "bool":
		return "a boolean"
	case "int", "number":
		return "an integer"
	case "float64":
		return "a decimal"
	case "string":
		return "a string"
	case "slice", "array":
		return "an array"
	}
	if strings.HasPrefix(s, "number ") {
		return "a decimal"
	}
	return "an object"
}

// quote writes s as a JSON string, leaving <, > and & as they are.
func quote(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return string(encode(s))
		}
	}
	return `"` + s + `"`
}

func quoteOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// encode is json.Marshal without its HTML escapes, for values that cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
