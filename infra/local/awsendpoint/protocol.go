package awsendpoint

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"

	"aoai-bridge/infra/local/sigv4"
)

// A protocol is how a service writes its errors.
type protocol int

const (
	restJSON protocol = iota // lambda, and what cannot be recognised
	awsJSON                  // secretsmanager: the operation is in X-Amz-Target
	query                    // sts: the operation is in a form
	restXML                  // s3
)

func protocolOf(r *http.Request, service string) protocol {
	switch {
	case service == "s3":
		return restXML
	case r.Header.Get("X-Amz-Target") != "":
		return awsJSON
	case service == "sts", strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return query
	}
	return restJSON
}

// refusals are the codes of a refused signature, as services that speak JSON, and S3, name them.
var refusals = map[string]struct{ json, s3 string }{
	sigv4.MissingAuthenticationToken: {"MissingAuthenticationTokenException", "AccessDenied"},
	sigv4.IncompleteSignature:        {"IncompleteSignatureException", "AuthorizationHeaderMalformed"},
	sigv4.InvalidClientTokenID:       {"UnrecognizedClientException", "InvalidAccessKeyId"},
	sigv4.SignatureDoesNotMatch:      {"InvalidSignatureException", "SignatureDoesNotMatch"},
	sigv4.PayloadMismatch:            {"InvalidSignatureException", sigv4.PayloadMismatch},
	sigv4.IncompleteBody:             {"InvalidSignatureException", sigv4.IncompleteBody},
}

// writeRefusal names the reason as the service would. Services of the JSON 1.x protocols answer 400,
// the others 403.
func writeRefusal(w http.ResponseWriter, r *http.Request, service string, refusal *sigv4.Error) {
	code, status := refusal.Code, http.StatusForbidden
	switch protocolOf(r, service) {
	case awsJSON:
		code, status = refusals[code].json, http.StatusBadRequest
	case restJSON:
		code = refusals[code].json
	case restXML:
		code = refusals[code].s3
	}
	switch refusal.Code {
	case sigv4.IncompleteSignature, sigv4.PayloadMismatch, sigv4.IncompleteBody:
		status = http.StatusBadRequest
	}
	writeError(w, r, service, status, code, refusal.Message)
}

type queryError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

type s3Error struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

func writeError(w http.ResponseWriter, r *http.Request, service string, status int, code, message string) {
	// What is left to go wrong when writing is the connection, and then the client is gone.
	switch protocolOf(r, service) {
	case query:
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_ = xml.NewEncoder(w).Encode(queryError{Type: "Sender", Code: code, Message: message})
	case restXML:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_ = xml.NewEncoder(w).Encode(s3Error{Code: code, Message: message})
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
}
