// Package iam is AWS IAM as far as outbound web identity federation needs it: whether the account issues tokens, and who
// their issuer is. It knows no users, roles and policies.
package iam

import (
	"encoding/xml"
	"net/http"

	"github.com/google/uuid"

	"aoai-bridge/infra/local/faults"
)

// Account is what issues the tokens.
type Account interface {
	Issuer() string
	FederationEnabled() bool
	DisableFederation(disabled bool)
}

// A Server is the IAM of one account. It is an http.Handler, which leaves the request's signature to its caller.
type Server struct {
	faults.Switch // operations are named as in the API

	account Account
}

// New returns the IAM of an account.
func New(account Account) *Server { return &Server{account: account} }

type infoResponse struct {
	XMLName   xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ GetOutboundWebIdentityFederationInfoResponse"`
	Issuer    string   `xml:"GetOutboundWebIdentityFederationInfoResult>IssuerIdentifier"`
	Enabled   bool     `xml:"GetOutboundWebIdentityFederationInfoResult>JwtVendingEnabled"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type enableResponse struct {
	XMLName   xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ EnableOutboundWebIdentityFederationResponse"`
	Issuer    string   `xml:"EnableOutboundWebIdentityFederationResult>IssuerIdentifier"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type errorResponse struct {
	XMLName   xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// ServeHTTP answers one call. Members and error codes are those of the service's model; the sentences of the errors are the
// model's own descriptions.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	action := r.Form.Get("Action")
	if s.Enter(r.Context(), action) {
		refuse(w, http.StatusInternalServerError, "ServiceFailure", "injected")
		return
	}
	id := uuid.NewString()
	switch enabled := s.account.FederationEnabled(); {
	case action == "GetOutboundWebIdentityFederationInfo" && !enabled:
		refuse(w, http.StatusBadRequest, "FeatureDisabled", "The request failed because outbound identity federation is already disabled for your Amazon Web Services account.")
	case action == "GetOutboundWebIdentityFederationInfo":
		write(w, http.StatusOK, infoResponse{Issuer: s.account.Issuer(), Enabled: true, RequestID: id})
	case action == "EnableOutboundWebIdentityFederation" && enabled:
		refuse(w, http.StatusConflict, "FeatureEnabled", "The request failed because outbound identity federation is already enabled for your Amazon Web Services account.")
	case action == "EnableOutboundWebIdentityFederation":
		s.account.DisableFederation(false)
		write(w, http.StatusOK, enableResponse{Issuer: s.account.Issuer(), RequestID: id})
	default:
		refuse(w, http.StatusBadRequest, "InvalidAction", "Could not find operation "+action+" for version "+r.Form.Get("Version"))
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	write(w, status, errorResponse{Type: "Sender", Code: code, Message: message, RequestID: uuid.NewString()})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // only the connection can fail here
}
