// Package sts is AWS STS as far as a function needs it: GetCallerIdentity, and GetWebIdentityToken,
// which signs the caller's identity for services outside AWS. It does not assume roles: an access key has the role that it
// is given, or the one local role.
package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"aoai-bridge/infra/local/faults"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// A Server is the STS of one account. It is an http.Handler, which leaves the request's signature to
// its caller, and it is safe for concurrent use.
type Server struct {
	faults.Switch // operations are named as in the API: GetCallerIdentity, GetWebIdentityToken

	disabled atomic.Bool
	roles    sync.Map // access key id -> name of a role
	now      func() time.Time
	// The keys are made when first needed: most stacks never ask for a token.
	rsaKey func() *rsa.PrivateKey
	ecKey  func() *ecdsa.PrivateKey
}

// New returns the account's STS, with keys of its own.
func New() *Server {
	return &Server{
		now: time.Now,
		rsaKey: sync.OnceValue(func() *rsa.PrivateKey {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err) // not for want of randomness: crypto/rand never fails
			}
			return key
		}),
		ecKey: sync.OnceValue(func() *ecdsa.PrivateKey {
			key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
			if err != nil {
				panic(err)
			}
			return key
		}),
	}
}

// Issuer is the iss claim of the account's tokens.
func (s *Server) Issuer() string {
	return "https://00000000-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
}

// Subject is the sub claim of the account's tokens: the ARN of the role that a caller has to whom none is given.
func (s *Server) Subject() string { return RoleARN("local") }

// RoleARN is the ARN of one of the account's roles.
func RoleARN(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// SetRole gives an access key a role.
func (s *Server) SetRole(accessKeyID, role string) { s.roles.Store(accessKeyID, role) }

// roleOf is the role of who has signed a request; the signature is the endpoint's business.
func (s *Server) roleOf(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, _ := strings.Cut(credential, "/")
	if role, ok := s.roles.Load(id); ok {
		return role.(string)
	}
	return "local"
}

// FederationEnabled reports whether the account issues tokens.
func (s *Server) FederationEnabled() bool { return !s.disabled.Load() }

// DisableFederation makes GetWebIdentityToken refuse, as in an account that never enabled outbound web
// identity federation.
func (s *Server) DisableFederation(disabled bool) { s.disabled.Store(disabled) }

// PublicKey returns the key that verifies tokens with a kid header, and nil for a kid that is not the
// account's. It stands in for the JWKS document at the issuer's URL.
func (s *Server) PublicKey(kid string) crypto.PublicKey {
	switch kid {
	case "RS256":
		return s.rsaKey().Public()
	case "ES384":
		return s.ecKey().Public()
	}
	return nil
}

// token signs a role's identity. Claims as in the IAM User Guide, "Understanding token claims".
func (s *Server) token(role, algorithm string, audience []string, expires time.Time, tags map[string]string) (string, error) {
	details := map[string]any{
		"aws_account":   account,
		"source_region": region,
	}
	if len(tags) > 0 {
		details["request_tags"] = tags
	}
	claims := jwt.MapClaims{
		"iss":                        s.Issuer(),
		"sub":                        RoleARN(role),
		"aud":                        any(audience),
		"iat":                        s.now().Unix(),
		"exp":                        expires.Unix(),
		"jti":                        uuid.NewString(),
		"https://sts.amazonaws.com/": details,
	}
	if len(audience) == 1 {
		claims["aud"] = audience[0]
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), claims)
	token.Header["kid"] = algorithm // each algorithm has one key
	if algorithm == "ES384" {
		return token.SignedString(s.ecKey())
	}
	return token.SignedString(s.rsaKey())
}
