// Package sigv4 verifies requests signed with AWS Signature Version 4, in the Authorization header
// or in the query string. It does not know what a service does with a request, and it does not
// check the region: one local stack answers for every region.
package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
	maxSkew    = 15 * time.Minute
)

// The codes of an Error, as services of the query protocol name them.
const (
	MissingAuthenticationToken = "MissingAuthenticationToken"
	IncompleteSignature        = "IncompleteSignature"
	InvalidClientTokenID       = "InvalidClientTokenId"
	SignatureDoesNotMatch      = "SignatureDoesNotMatch"

	// What can be wrong with a body, as S3 names it.
	PayloadMismatch = "XAmzContentSHA256Mismatch"
	IncompleteBody  = "IncompleteBody"
)

// An Error is why a request was not accepted. The messages of a mismatch, an expired signature and an
// unknown access key are as public captures have them; the wording of the others is unverified.
type Error struct {
	Code    string // one of the codes above
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Scope is what a signature holds for.
type Scope struct {
	AccessKeyID string
	Date        string // YYYYMMDD
	Region      string // us-east-1
	Service     string // the signing name: secretsmanager, sts, lambda, s3
}

func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

// A Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	// Secret returns the secret of an access key.
	Secret func(accessKeyID string) (secret string, ok bool)
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// A signature is what a request says about how it was signed.
type signature struct {
	scope         Scope
	terminator    string
	time          string // ISO 8601 basic format
	expires       time.Duration
	signedHeaders []string
	hex           string
	presigned     bool
}

// Verify checks r's signature and returns its scope, as far as it could be read also with an error,
// so that a caller can word the refusal as the service would. Where the signature covers the body,
// the body is read whole and r.Body then reads the same bytes again; for S3 r.Body checks itself
// while it is read, and fails with an *Error instead of with its last byte. A body sent in
// chunks (STREAMING-...) is decoded so too, with trailers in r.Trailer once it is read, and a body
// sent as UNSIGNED-PAYLOAD is left alone.
// A refusal is an *Error; any other error comes from reading the body.
func (v *Verifier) Verify(r *http.Request) (Scope, error) {
	sig, err := parse(r)
	if err != nil {
		return sig.scope, err
	}
	if err := v.checkTime(sig); err != nil {
		return sig.scope, err
	}
	secret, ok := v.Secret(sig.scope.AccessKeyID)
	if !ok {
		return sig.scope, &Error{InvalidClientTokenID, "The security token included in the request is invalid."}
	}
	hash, err := payloadHash(r, sig)
	if err != nil {
		return sig.scope, err
	}
	canonical := canonicalRequest(r, sig, hash)
	digest := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{algorithm, sig.time, sig.scope.String(), hex.EncodeToString(digest[:])}, "\n")
	want := hex.EncodeToString(hmacSHA256(signingKey(secret, sig.scope), toSign))
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig.hex)) != 1 {
		return sig.scope, mismatch(canonical, toSign)
	}
	return sig.scope, checkBody(r, sig, secret)
}

func mismatch(canonical, toSign string) error {
	return &Error{SignatureDoesNotMatch, fmt.Sprintf("The request signature we calculated does not match the signature "+
		"you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."+
		"\n\nThe Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		canonical, toSign)}
}

// checkTime refuses a signature from another day than its scope's, or too far from now.
func (v *Verifier) checkTime(sig signature) error {
	signed, err := time.Parse(timeFormat, sig.time)
	if err != nil {
		return &Error{IncompleteSignature, fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. "+
			"See http://en.wikipedia.org/wiki/ISO_8601", sig.time)}
	}
	if day := signed.Format(dateFormat); day != sig.scope.Date {
		return &Error{SignatureDoesNotMatch, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 "+
			"version of date from HTTP: '%s' != '%s', from '%s'.", sig.scope.Date, day, sig.time)}
	}
	if sig.terminator != "aws4_request" {
		return &Error{SignatureDoesNotMatch, fmt.Sprintf("Credential should be scoped with a valid terminator: "+
			"'aws4_request', not '%s'.", sig.terminator)}
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	at, tolerated := now().UTC(), maxSkew
	if sig.presigned {
		tolerated = sig.expires
	}
	if earliest := at.Add(-tolerated); signed.Before(earliest) {
		return &Error{SignatureDoesNotMatch, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			sig.time, earliest.Format(timeFormat), at.Format(timeFormat), tolerated/time.Minute)}
	}
	if latest := at.Add(maxSkew); signed.After(latest) {
		return &Error{SignatureDoesNotMatch, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			sig.time, latest.Format(timeFormat), at.Format(timeFormat), maxSkew/time.Minute)}
	}
	return nil
}

// parse reads the signature from the header or, of a presigned request, from the query string.
func parse(r *http.Request) (signature, error) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		return parseHeader(auth, r)
	}
	if r.URL.Query().Get("X-Amz-Signature") != "" {
		return parseQuery(r)
	}
	return signature{}, &Error{MissingAuthenticationToken, "Missing Authentication Token"}
}

func parseHeader(auth string, r *http.Request) (signature, error) {
	scheme, fields, _ := strings.Cut(auth, " ")
	if scheme != algorithm {
		return signature{}, &Error{MissingAuthenticationToken, "Missing Authentication Token"}
	}
	values := make(map[string]string)
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	sig := signature{
		time:          r.Header.Get("X-Amz-Date"),
		hex:           values["Signature"],
		signedHeaders: splitHeaders(values["SignedHeaders"]),
	}
	malformed := sig.setCredential(values["Credential"])
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if values[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if sig.time == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return sig, &Error{IncompleteSignature, strings.Join(missing, " ") + " Authorization=" + scheme}
	}
	return sig, malformed
}

func parseQuery(r *http.Request) (signature, error) {
	query := r.URL.Query()
	sig := signature{
		time:          query.Get("X-Amz-Date"),
		hex:           query.Get("X-Amz-Signature"),
		signedHeaders: splitHeaders(query.Get("X-Amz-SignedHeaders")),
		expires:       maxSkew,
		presigned:     true,
	}
	if text := query.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 {
			return sig, &Error{IncompleteSignature, "X-Amz-Expires should be a number"}
		}
		sig.expires = time.Duration(seconds) * time.Second
	}
	if query.Get("X-Amz-Algorithm") != algorithm || sig.time == "" || sig.signedHeaders == nil {
		return sig, &Error{IncompleteSignature, "AWS query-string parameters must include 'X-Amz-Algorithm', " +
			"'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders' and 'X-Amz-Date'."}
	}
	err := sig.setCredential(query.Get("X-Amz-Credential"))
	return sig, err
}

// setCredential reads ACCESSKEY/20260102/us-east-1/sts/aws4_request.
func (s *signature) setCredential(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return &Error{IncompleteSignature, fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, "+
			"e.g. keyid/date/region/service/term, got '%s'", credential)}
	}
	s.scope = Scope{AccessKeyID: parts[0], Date: parts[1], Region: parts[2], Service: parts[3]}
	s.terminator = parts[4]
	return nil
}

func splitHeaders(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ";")
}
