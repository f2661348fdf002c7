// Package entra is a Microsoft Entra ID token endpoint for the applications of one tenant: client credentials proved
// with a secret or with a federated assertion, over TLS, because Microsoft's libraries insist on it.
// It does not know users, consent, certificates of clients, and what a token may be used for.
package entra

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"aoai-bridge/infra/local/certificate"
	"aoai-bridge/infra/local/faults"
)

// Options describe the tenant and its first application.
type Options struct {
	TenantID string // a UUID
	ClientID string // a UUID
	// ClientSecret proves the application. Without one no secret does.
	ClientSecret string
	// Federation is the application's federated identity credential, if it has one.
	Federation *Federation
	// TokenLifetime is an hour when zero. azidentity asks for a new token five minutes before the end.
	TokenLifetime time.Duration
	// RefreshIn, when not zero, tells the client to refresh that long after the token was issued.
	RefreshIn time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// A Federation says whose assertions stand for the application.
type Federation struct {
	Issuer, Subject, Audience string
	// PublicKey returns the issuer's key with the id, or nil.
	PublicKey func(kid string) crypto.PublicKey
}

// A Server is the endpoint. It is an http.Handler to be served with TLSConfig, and safe for concurrent
// use. The one operation of its faults.Switch is "token".
type Server struct {
	faults.Switch

	now         func() time.Time
	key         func() *rsa.PrivateKey // made when first needed
	certificate tls.Certificate
	mux         *http.ServeMux

	mu      sync.Mutex
	options Options
	others  map[string]Application // by client id
}

// An Application proves itself by a secret, by a federated assertion, or by either.
type Application struct {
	ClientID     string // a UUID
	ClientSecret string // "": no secret does
	Federations  []Federation
}

// New returns the endpoint, with a key and a certificate of its own.
func New(options Options) (*Server, error) {
	cert, err := certificate.New("local Entra ID")
	if err != nil {
		return nil, err
	}
	if options.TokenLifetime == 0 {
		options.TokenLifetime = time.Hour
	}
	s := &Server{
		now:         options.Now,
		options:     options,
		certificate: cert,
		mux:         http.NewServeMux(),
		key: sync.OnceValue(func() *rsa.PrivateKey {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err) // not for want of randomness: crypto/rand never fails
			}
			return key
		}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.discovery)
	s.mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// TLSConfig is what the endpoint is to be served with.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.certificate}}
}

// CertificatePEM is the certificate that a client has to trust.
func (s *Server) CertificatePEM() []byte { return certificate.PEM(s.certificate) }

// SetTokenLifetime changes the lifetime of tokens issued from now on.
func (s *Server) SetTokenLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.TokenLifetime = d
}

// SetClientSecret replaces the application's secret.
func (s *Server) SetClientSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.ClientSecret = secret
}

// SetApplication adds an application to the tenant, or replaces it.
func (s *Server) SetApplication(a Application) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.others == nil {
		s.others = make(map[string]Application)
	}
	s.others[a.ClientID] = a
}

// application returns the application with an id.
func (s *Server) application(id string) (a Application, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok = s.others[id]; ok || id != s.options.ClientID {
		return a, ok
	}
	a = Application{ClientID: id, ClientSecret: s.options.ClientSecret}
	if f := s.options.Federation; f != nil {
		a.Federations = []Federation{*f}
	}
	return a, true
}

func (s *Server) settings() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options
}

// The audiences that a service's tokens may be for.
var (
	openAIAudiences     = []string{"https://cognitiveservices.azure.com", "https://ai.azure.com"}
	managementAudiences = []string{"https://management.azure.com", "https://management.core.windows.net"}
)

// claims are those of a v1 access token, which the Cognitive Services resource asks for.
type claims struct {
	jwt.RegisteredClaims
	AppID    string `json:"appid"`
	TenantID string `json:"tid"`
	Version  string `json:"ver"`
}

func (o Options) issuer() string { return "https://sts.windows.net/" + o.TenantID + "/" }

func (s *Server) newAccessToken(o Options, clientID, audience string) (string, error) {
	now := s.now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    o.issuer(),
			Subject:   clientID,
			Audience:  jwt.ClaimStrings{audience},
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(o.TokenLifetime)),
			ID:        uuid.NewString(),
		},
		AppID: clientID, TenantID: o.TenantID, Version: "1.0",
	})
	return token.SignedString(s.key())
}

// Verify reports why an access token does not open Azure OpenAI; nil if it does.
func (s *Server) Verify(token string) error {
	_, err := s.VerifyClient(token)
	return err
}

// VerifyClient returns the id of the application that an access token opens Azure OpenAI for.
func (s *Server) VerifyClient(token string) (clientID string, err error) {
	return s.verify(token, "Azure OpenAI", openAIAudiences)
}

// VerifyManagement reports why an access token does not open Azure Resource Manager; nil if it does.
func (s *Server) VerifyManagement(token string) error {
	_, err := s.verify(token, "Azure Resource Manager", managementAudiences)
	return err
}

func (s *Server) verify(token, service string, audiences []string) (clientID string, err error) {
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return s.key().Public(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(s.settings().issuer()),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.now))
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	if !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(audiences, strings.TrimSuffix(a, "/")) }) {
		return "", fmt.Errorf("access token: audience %s is not %s's", c.Audience[0], service)
	}
	return c.AppID, nil
}
