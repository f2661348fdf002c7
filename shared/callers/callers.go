// Package callers knows who calls: it checks the key of an HTTP request against the callers' secret
// and says what its owner may reach and spend. It does not know Azure, nor what is asked of it.
package callers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/secrets"
	"aoai-bridge/shared/telemetry"
)

// TTL is how long a key that was taken out of the secret may go on working.
const TTL = 45 * time.Second

// Caller is who makes a call.
type Caller struct {
	Name string
	permits.Permits
	CostCeiling *float64 // the most that a batch of the caller's may cost, in USD; 0 is any, nil what the stack has
}

// List is the callers' secret, parsed.
type List struct{ entries []entry }

type entry struct {
	Caller
	sum [sha256.Size]byte
}

const exampleList = `{"callers":[{"name":"my-app","sha256":"<64 hex digits>","models":["*"]}]}`

// Parse reads the callers' secret. An error names the field and shows an example.
func Parse(secret []byte) (List, error) {
	var s struct {
		Callers []struct {
			Name   string   `json:"name"`
			SHA256 string   `json:"sha256"`
			Models []string `json:"models"`
			Allow  []string `json:"allow"`

			CostCeiling *float64 `json:"cost_ceiling"`
		} `json:"callers"`
	}
	if err := json.Unmarshal(secret, &s); err != nil {
		what := ""
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			kind, _, _ := strings.Cut(wrong.Value, " ") // what follows is a number itself
			what = fmt.Sprintf(" (%s is a JSON %s)", wrong.Field, kind)
		}
		return List{}, fmt.Errorf("the callers' secret is not JSON of the expected form%s, want for example %s", what, exampleList)
	}
	if s.Callers == nil { // an empty list is one that nobody has been added to yet
		return List{}, fmt.Errorf("the callers' secret has no callers, want for example %s", exampleList)
	}
	var list List
	for i, c := range s.Callers {
		e := entry{Caller: Caller{c.Name, permits.Permits{Models: c.Models, Allow: c.Allow}, c.CostCeiling}}
		sum, err := hex.DecodeString(c.SHA256)
		switch {
		case c.Name == "":
			return List{}, fmt.Errorf("the callers' secret is wrong: callers[%d].name is missing, want for example %s", i, exampleList)
		case err != nil || copy(e.sum[:], sum) != sha256.Size || len(sum) != sha256.Size:
			return List{}, fmt.Errorf("the callers' secret is wrong: callers[%d].sha256 (%s) is not a SHA-256 in 64 hex digits", i, c.Name)
		case len(c.Models) == 0:
			return List{}, fmt.Errorf(`the callers' secret is wrong: callers[%d].models (%s) is missing, want for example ["*"] or ["gpt-4o"]`, i, c.Name)
		case c.CostCeiling != nil && *c.CostCeiling < 0:
			return List{}, fmt.Errorf(`the callers' secret is wrong: callers[%d].cost_ceiling (%s) is less than 0, want an amount in USD such as 500, or 0 for none`, i, c.Name)
		}
		for _, allowed := range c.Allow {
			if !slices.Contains(permits.Allowances, allowed) {
				return List{}, fmt.Errorf(`the callers' secret is wrong: callers[%d].allow (%s) has %.40q, want any of %q`, i, c.Name, allowed, permits.Allowances)
			}
		}
		list.entries = append(list.entries, e)
	}
	return list, nil
}

// lookUp compares with every entry, so that the time it takes says nothing of where a key stands, nor
// of how much of it is right.
func (l List) lookUp(key string) (Caller, bool) {
	sum := sha256.Sum256([]byte(key))
	found := -1
	for i := range l.entries {
		if subtle.ConstantTimeCompare(l.entries[i].sum[:], sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Caller{}, false
	}
	return l.entries[found].Caller, true
}

type contextKey struct{}

// From returns who makes the call under way. Outside of Require and Trust it is a caller who may use nothing.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}

// Trust serves everybody under one name and with any model: anyone who may invoke the function has been
// let in by IAM.
func Trust(name string, next http.Handler) http.Handler {
	return serve(next, func(*http.Request) (Caller, error) {
		return Caller{Name: name, Permits: permits.Permits{Models: []string{"*"}}}, nil
	})
}

// Require serves only requests with a key of the list, in "Authorization: Bearer" or "api-key".
func Require(list *secrets.Secret[List], next http.Handler) http.Handler {
	return serve(next, func(r *http.Request) (Caller, error) {
		key, err := keyOf(r.Header)
		if err != nil {
			return Caller{}, err
		}
		version, err := list.Get(r.Context())
		if errors.Is(err, secrets.ErrMissing) || err == nil && len(version.Value.entries) == 0 {
			return Caller{}, unauthorized("no_callers", "This endpoint has no caller yet, so that no API key can be right. Its owner makes the first key with: make key NAME=my-app")
		}
		if err != nil {
			return Caller{}, (&openaierr.Error{
				Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "configuration_error", Cause: err,
				Message: "The callers' secret of the bridge cannot be read or is not valid, so no key can be checked. Its owner finds the reason in the function's log.",
			}).Final()
		}
		caller, ok := version.Value.lookUp(key)
		if !ok {
			return Caller{}, unauthorized("invalid_api_key", "Incorrect API key provided: "+maskKey(key)+". Ask the owner of this endpoint for a key.")
		}
		return caller, nil
	})
}

func serve(next http.Handler, who func(*http.Request) (Caller, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := who(r)
		call := telemetry.From(r.Context())
		if err != nil {
			e := openaierr.From(err)
			call.Code, call.Err = cmp.Or(e.Code, "missing_api_key"), e.Cause // OpenAI's code for that is null
			openaierr.Write(w, e)
			return
		}
		call.Caller = caller.Name
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, caller)))
	})
}

func keyOf(h http.Header) (string, error) {
	if key := h.Get("Api-Key"); key != "" {
		return key, nil
	}
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); key == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", unauthorized("", "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or in an api-key header.")
	}
	return key, nil
}

func unauthorized(code, message string) error {
	return &openaierr.Error{
		Status: http.StatusUnauthorized, Type: openaierr.TypeInvalidRequest, Code: code, Message: message,
		Header: http.Header{"Www-Authenticate": {"Bearer"}},
	}
}

// maskKey shows enough of a key to tell which one was sent.
func maskKey(key string) string {
	if len(key) < 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:3] + "***" + key[len(key)-4:]
}
