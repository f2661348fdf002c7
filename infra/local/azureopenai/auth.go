package azureopenai

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

type keySet map[[sha256.Size]byte]bool

// SetAPIKeys replaces the valid API keys; several are valid at once, as while a key is rotated.
// Requests under way are not affected.
func (s *Server) SetAPIKeys(keys ...string) {
	set := make(keySet, len(keys))
	for _, k := range keys {
		if k != "" {
			set[sha256.Sum256([]byte(k))] = true
		}
	}
	s.keys.Store(&set)
}

// authenticate notes which credential the request has and refuses a wrong one. Bearer API keys are
// known on the v1 paths only.
func (x *exchange) authenticate() error {
	keys := *x.server.keys.Load()
	key, ok := firstHeader(x.r, "Api-Key")
	if ok {
		x.record.Auth = "api-key"
		x.record.Credential = fingerprint(key)
		if keys[sha256.Sum256([]byte(key))] {
			return nil
		}
		return errBadKey
	}
	header, _ := firstHeader(x.r, "Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		x.record.Auth = "none"
		return errBadKey
	}
	x.record.Credential = fingerprint(token)
	if x.route.family == familyV1 && keys[sha256.Sum256([]byte(token))] {
		x.record.Auth = "bearer key"
		return nil
	}
	x.record.Auth = "bearer token"
	if verify := x.server.options.VerifyBearer; verify != nil && verify(token) == nil {
		return nil
	}
	return errBadKey // what Azure says of a bad token is unverified
}

func firstHeader(r *http.Request, name string) (string, bool) {
	if v := r.Header[name]; len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// fingerprint tells credentials apart without giving them away.
func fingerprint(credential string) string {
	sum := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(sum[:4])
}
