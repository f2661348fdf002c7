package sts

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// An apiError is an answer with a status other than 200.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func invalid(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "ValidationError", "1 validation error detected: " + fmt.Sprintf(format, args...)}
}

type metadata struct {
	RequestID string `xml:"RequestId"`
}

type callerIdentityResponse struct {
	XMLName  xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Arn      string   `xml:"GetCallerIdentityResult>Arn"`
	UserID   string   `xml:"GetCallerIdentityResult>UserId"`
	Account  string   `xml:"GetCallerIdentityResult>Account"`
	Metadata metadata `xml:"ResponseMetadata"`
}

type webIdentityTokenResponse struct {
	XMLName    xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetWebIdentityTokenResponse"`
	Token      string   `xml:"GetWebIdentityTokenResult>WebIdentityToken"`
	Expiration string   `xml:"GetWebIdentityTokenResult>Expiration"`
	Metadata   metadata `xml:"ResponseMetadata"`
}

type errorResponse struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// writeError writes an error in the form of the query protocol.
func writeError(w http.ResponseWriter, status int, code, message string) {
	blame := "Sender"
	if status >= 500 {
		blame = "Receiver"
	}
	write(w, status, errorResponse{Type: blame, Code: code, Message: message, RequestID: uuid.NewString()})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // only the connection can fail here
}

// ServeHTTP answers one call, in a form body or in the query string of a presigned URL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.call(r)
	var failure *apiError
	if errors.As(err, &failure) {
		writeError(w, failure.status, failure.code, failure.message)
		return
	}
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalFailure", err.Error())
		return
	}
	write(w, http.StatusOK, answer)
}

func (s *Server) call(r *http.Request) (any, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &apiError{http.StatusBadRequest, "MalformedQueryString", err.Error()}
	}
	action := r.Form.Get("Action")
	var do func(role string, form url.Values) (any, error)
	switch action {
	case "GetCallerIdentity":
		do = s.getCallerIdentity
	case "GetWebIdentityToken":
		do = s.getWebIdentityToken
	default:
		return nil, &apiError{http.StatusBadRequest, "InvalidAction",
			fmt.Sprintf("Could not find operation %s for version %s", action, r.Form.Get("Version"))}
	}
	if fail := s.Enter(r.Context(), action); fail {
		return nil, &apiError{http.StatusInternalServerError, "InternalFailure", "injected"}
	}
	return do(s.roleOf(r), r.Form)
}

func (s *Server) getCallerIdentity(role string, _ url.Values) (any, error) {
	return callerIdentityResponse{
		Arn:      "arn:aws:sts::" + account + ":assumed-role/" + role + "/local",
		UserID:   "AROA00000000000000000:local",
		Account:  account,
		Metadata: metadata{uuid.NewString()},
	}, nil
}

// getWebIdentityToken has the limits of the API's model; the wording of the refusals is unverified, except
// for the model's own sentence on disabled federation.
func (s *Server) getWebIdentityToken(role string, form url.Values) (any, error) {
	if s.disabled.Load() {
		return nil, &apiError{http.StatusForbidden, "OutboundWebIdentityFederationDisabledException",
			"The outbound web identity federation feature is not enabled for this account. To use this feature, you must " +
				"first enable it through the Amazon Web Services Management Console or API."}
	}
	audience := members(form, "Audience.member.%d")
	if n := len(audience); n < 1 || n > 10 {
		return nil, invalid("Value at 'audience' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	algorithm := form.Get("SigningAlgorithm")
	if algorithm != "RS256" && algorithm != "ES384" {
		return nil, invalid("Value '%s' at 'signingAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: "+
			"[RS256, ES384]", algorithm)
	}
	duration := 300
	if text := form.Get("DurationSeconds"); text != "" {
		var err error
		if duration, err = strconv.Atoi(text); err != nil || duration < 60 || duration > 3600 {
			return nil, invalid("Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value "+
				"between 60 and 3600", text)
		}
	}
	tags := make(map[string]string)
	values := members(form, "Tags.member.%d.Value")
	for i, key := range members(form, "Tags.member.%d.Key") {
		if i < len(values) {
			tags[key] = values[i]
		}
	}
	expires := s.now().Add(time.Duration(duration) * time.Second)
	token, err := s.token(role, algorithm, audience, expires, tags)
	if err != nil {
		return nil, err
	}
	return webIdentityTokenResponse{Token: token, Expiration: expires.UTC().Format(time.RFC3339), Metadata: metadata{uuid.NewString()}}, nil
}

// members reads a list of the query protocol, numbered from 1.
func members(form url.Values, pattern string) []string {
	var list []string
	for i := 1; ; i++ {
		values, ok := form[fmt.Sprintf(pattern, i)]
		if !ok {
			return list
		}
		list = append(list, values[0])
	}
}
