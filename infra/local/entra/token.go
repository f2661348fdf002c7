package entra

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	o := s.settings()
	if tenant := r.PathValue("tenant"); tenant != o.TenantID {
		s.refuse(w, r, tenantNotFound(tenant))
		return
	}
	base := "https://" + r.Host + "/" + o.TenantID
	writeJSON(w, http.StatusOK, map[string]any{
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"issuer":                                base + "/v2.0",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
	})
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if fail := s.Enter(r.Context(), "token"); fail {
		s.refuse(w, r, transient)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.refuse(w, r, missingParameter("grant_type"))
		return
	}
	o := s.settings()
	resource, refusal := s.grant(o, r)
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	token, err := s.newAccessToken(o, r.PostForm.Get("client_id"), resource)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := map[string]any{
		"token_type":     "Bearer",
		"expires_in":     int(o.TokenLifetime / time.Second),
		"ext_expires_in": int(o.TokenLifetime / time.Second),
		"access_token":   token,
	}
	if o.RefreshIn > 0 {
		answer["refresh_in"] = int(o.RefreshIn / time.Second)
	}
	writeJSON(w, http.StatusOK, answer)
}

// grant decides on a token request and returns the resource that the token is for.
func (s *Server) grant(o Options, r *http.Request) (resource string, refusal *refusal) {
	form := r.PostForm
	if tenant := r.PathValue("tenant"); tenant != o.TenantID {
		return "", tenantNotFound(tenant)
	}
	for _, name := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(name) == "" {
			return "", missingParameter(name)
		}
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		return "", unsupportedGrant(grant)
	}
	application, known := s.application(form.Get("client_id"))
	if !known {
		return "", applicationNotFound(form.Get("client_id"), o.TenantID)
	}
	for scope := range strings.FieldsSeq(form.Get("scope")) {
		if scope == "openid" || scope == "offline_access" || scope == "profile" {
			continue // MSAL adds them, and Entra ignores them in this grant
		}
		var ok bool
		if resource, ok = strings.CutSuffix(scope, "/.default"); !ok {
			return "", scopeNotValid(scope)
		}
	}
	switch {
	case form.Get("client_secret") != "":
		if subtle.ConstantTimeCompare([]byte(form.Get("client_secret")), []byte(application.ClientSecret)) != 1 {
			return "", wrongSecret(application.ClientID)
		}
		return resource, nil
	case form.Get("client_assertion") != "" && form.Get("client_assertion_type") == jwtBearer:
		return resource, s.checkAssertion(application.Federations, form.Get("client_assertion"))
	}
	return "", noCredential
}

// checkAssertion holds a federated token against the application's credentials. A refusal names the first claim that none
// of them has.
func (s *Server) checkAssertion(trusted []Federation, assertion string) *refusal {
	var c jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.now))
	unverified, _, err := parser.ParseUnverified(assertion, &c)
	if err != nil {
		return assertionNotValid(err)
	}
	audience := strings.Join(c.Audience, ", ")
	if len(trusted) == 0 {
		return noFederation(c.Issuer, c.Subject, audience)
	}
	for _, claim := range []struct {
		name  string
		code  int
		value string
		has   func(Federation) bool
	}{
		{"issuer", 700211, c.Issuer, func(f Federation) bool { return f.Issuer == c.Issuer }},
		{"audience", 700212, audience, func(f Federation) bool { return len(c.Audience) == 1 && f.Audience == audience }},
		{"subject", 700213, c.Subject, func(f Federation) bool { return f.Subject == c.Subject }},
	} {
		var fit []Federation
		for _, f := range trusted {
			if claim.has(f) {
				fit = append(fit, f)
			}
		}
		if len(fit) == 0 {
			return noFederationFor(claim.name, claim.code, claim.value)
		}
		trusted = fit
	}
	kid, _ := unverified.Header["kid"].(string)
	key := trusted[0].PublicKey(kid)
	if key == nil {
		return assertionNotValid(errors.New("no key " + kid))
	}
	_, err = parser.ParseWithClaims(assertion, &c, func(*jwt.Token) (any, error) { return key, nil })
	if errors.Is(err, jwt.ErrTokenExpired) || errors.Is(err, jwt.ErrTokenNotValidYet) {
		return assertionOutOfTime(s.now(), c)
	}
	if err != nil {
		return assertionNotValid(err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // only the connection can fail here
}
