// Package azuresecret is the Azure secret: the resources, their deployments, and what its owner knows of prices and
// models. It judges all of it when the secret is read, and every mistake that it finds names the field and shows an
// example. It does not fetch the secret, nor call Azure.
package azuresecret

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/urlpath"
)

// Secret is the Azure side as one secret states it: {"resources":[...],"prices":{...},"models":{...}},
// or {"endpoint","api_key"} for a single resource whose deployments are not listed.
type Secret struct {
	Resources []Resource
	overrides catalog.Overrides
	catalog   func() (*catalog.Catalog, error)
}

// Catalog returns the catalog with the secret's prices and models merged over it, except for entries that are wrong. It
// is made when it is first asked for, since calls to Azure need none.
func (s *Secret) Catalog() *catalog.Catalog {
	known, _ := s.catalog()
	return known
}

// CheckPrices returns an error for each entry of prices and models that is wrong and was left out. Everything else of
// the secret holds.
func (s *Secret) CheckPrices() error {
	if len(s.overrides.Prices)+len(s.overrides.Models) == 0 {
		return nil
	}
	_, err := s.catalog()
	return err
}

// Resource is one Azure OpenAI resource. Either APIKey or Entra is set.
type Resource struct {
	Name        string       `json:"name"`     // for logs; "resource-1" and so on by default
	Endpoint    string       `json:"endpoint"` // https://NAME.openai.azure.com, without a path
	APIKey      string       `json:"api_key"`
	Entra       *Entra       `json:"entra"`
	Deployments []Deployment `json:"deployments"` // none: every model name is passed on as a deployment's
}

// Entra signs in as an app registration: with a client secret, or with no secret at all, by a token
// that AWS STS issues and the app trusts as a federated credential.
type Entra struct {
	TenantID      string `json:"tenant_id"`
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
	AuthorityHost string `json:"authority_host"` // of another cloud; Azure's public one by default
}

// Deployment is one model deployment of a resource.
type Deployment struct {
	Name     string `json:"name"` // the model's name by default
	Model    string `json:"model"`
	Capacity int    `json:"capacity"` // in the type's own unit

	Type catalog.DeploymentType `json:"type"` // Azure's name of the SKU; "" is unknown, and online
}

const example = `{"endpoint":"https://my-resource.openai.azure.com","api_key":"..."}`

// Parse reads the Azure secret and fills in defaults. An error names each field that is wrong and shows an example.
// Of the secret it has names, types and endpoints only. Prices and models are left to CheckPrices.
func Parse(text []byte) (*Secret, error) {
	var form struct {
		Resources []Resource `json:"resources"`
		catalog.Overrides
		Resource
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return nil, fmt.Errorf("the Azure secret is not JSON of the expected form (%s), want for example %s", jsonErrorText(err), example)
	}
	s := &Secret{Resources: form.Resources, overrides: form.Overrides}
	switch single := form.Resource; {
	case len(s.Resources) > 0 && single.Endpoint != "":
		return nil, errors.New(`the Azure secret has both "endpoint" and "resources": move the endpoint into resources`)
	case len(s.Resources) == 0 && single.Endpoint == "" && single.APIKey == "" && single.Entra == nil:
		return nil, fmt.Errorf("the Azure secret names no endpoint, want for example %s", example)
	case len(s.Resources) == 0:
		s.Resources = []Resource{single}
	}
	var errs []error
	seen := map[string]bool{}
	for i := range s.Resources {
		r := &s.Resources[i]
		at := fmt.Sprintf("resources[%d].", i)
		if len(form.Resources) == 0 {
			at = ""
		}
		errs = append(errs, r.complete(at, i)...)
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf(`%sname: %q is used twice`, at, r.Name))
		}
		seen[r.Name] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, secretError(err)
	}
	s.catalog = sync.OnceValues(func() (*catalog.Catalog, error) {
		return catalog.Embedded().With(s.overrides)
	})
	return s, nil
}

func secretError(err error) error { return fmt.Errorf("the Azure secret is wrong: %w", err) }

func (r *Resource) complete(at string, i int) (errs []error) {
	if r.Name == "" {
		r.Name = fmt.Sprintf("resource-%d", i+1)
	}
	endpoint, err := cleanEndpoint(r.Endpoint)
	if err != nil {
		errs = append(errs, fmt.Errorf(`%sendpoint %w, want for example "https://my-resource.openai.azure.com"`, at, err))
	}
	r.Endpoint = endpoint
	switch {
	case r.APIKey != "" && r.Entra != nil:
		errs = append(errs, fmt.Errorf(`%sapi_key and %sentra are both given: keep one`, at, at))
	case r.Entra != nil:
		errs = append(errs, r.Entra.check(at+"entra.")...)
	case r.APIKey == "":
		errs = append(errs, fmt.Errorf(`%sapi_key is missing, want for example "api_key":"..." or "entra":{"tenant_id":"...","client_id":"..."}`, at))
	case strings.ContainsFunc(r.APIKey, func(c rune) bool { return c <= ' ' || c > '~' }):
		errs = append(errs, fmt.Errorf(`%sapi_key has white space or other characters that no key has: copy it again`, at))
	}
	for j := range r.Deployments {
		d := &r.Deployments[j]
		if d.Model == "" {
			errs = append(errs, fmt.Errorf(`%sdeployments[%d].model is missing, want for example "gpt-4o"`, at, j))
		}
		field := "name"
		if d.Name == "" {
			d.Name, field = d.Model, "model"
		}
		if d.Name != "" && !urlpath.IsSegment(d.Name) {
			errs = append(errs, fmt.Errorf(`%sdeployments[%d].%s %q cannot stand in a URL's path, want for example "gpt-4o"`, at, j, field, d.Name))
		}
		if d.Type != "" && !d.Type.Known() {
			errs = append(errs, fmt.Errorf(`%sdeployments[%d].type %q is not a deployment type, want one of %v`, at, j, d.Type, catalog.DeploymentTypes()))
		}
	}
	return errs
}

func (e *Entra) check(at string) (errs []error) {
	for _, field := range []struct{ name, value string }{{"tenant_id", e.TenantID}, {"client_id", e.ClientID}} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf(`%s%s is missing, want for example "00000000-0000-0000-0000-000000000000"`, at, field.name))
		}
	}
	if strings.ContainsFunc(e.TenantID, notInTenant) {
		errs = append(errs, fmt.Errorf(`%stenant_id is neither an id nor a domain, want for example "00000000-0000-0000-0000-000000000000"`, at))
	}
	if e.AuthorityHost != "" && !strings.HasPrefix(e.AuthorityHost, "https://") {
		errs = append(errs, fmt.Errorf(`%sauthority_host must be an https URL, want for example "https://login.microsoftonline.us"`, at))
	}
	return errs
}

// notInTenant reports whether a character has no place in a tenant's id or domain, as azidentity has it.
func notInTenant(c rune) bool {
	return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-')
}

// cleanEndpoint drops what people copy along: white space, a trailing slash, /openai with all that follows it, as in
// a target URI of the portal, and an operation of /models.
func cleanEndpoint(endpoint string) (string, error) {
	if endpoint == "" {
		return "", errors.New("is missing")
	}
	u, err := url.Parse(strings.TrimSpace(endpoint))
	switch {
	case err != nil || u.Host == "":
		return "", errors.New("is not a URL")
	case u.User != nil:
		return "", errors.New("has credentials in it")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return "", errors.New("is not https")
	}
	path, cut := resourcePath(u.Path)
	if query := u.Query(); query.Has("api-version") && cut {
		query.Del("api-version") // of the operation that was cut off
		u.RawQuery = query.Encode()
	}
	switch {
	case u.RawQuery != "":
		return "", errors.New("has a query: leave out all after the resource's address")
	case strings.HasSuffix(path, "/completions"), strings.HasSuffix(path, "/responses"), strings.HasSuffix(path, "/embeddings"):
		return "", errors.New("ends in an operation: leave out all after the resource's address")
	}
	return u.Scheme + "://" + u.Host + path, nil
}

// resourcePath is a path without Azure's operations, which begin at the last /openai: a gateway's path may have
// another one before. cut is set where something was cut off.
func resourcePath(path string) (resource string, cut bool) {
	path = strings.TrimRight(path, "/")
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i > 0; i-- {
		if strings.EqualFold(segments[i], "openai") {
			return strings.TrimRight(strings.Join(segments[:i], "/"), "/"), true
		}
	}
	for _, operation := range []string{"/models/chat/completions", "/models/embeddings"} { // as Azure AI Foundry shows them
		if resource, cut := strings.CutSuffix(path, operation); cut {
			return resource, true
		}
	}
	return strings.TrimRight(strings.TrimSuffix(path, "/v1"), "/"), false
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// jsonErrorText says what is wrong with JSON without a value of it.
func jsonErrorText(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		field := strings.TrimPrefix(strings.TrimPrefix(kind.Field, "Overrides."), "Resource.") // where Go embeds them
		if field == "" {
			field = "the whole"
		}
		return fmt.Sprintf("%s is a JSON %s, want %s", field, kind.Value, jsonTypeName(kind.Type.Kind()))
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.Offset)
	}
	return "unreadable"
}

// jsonTypeName is a Go kind as people who write JSON call it.
func jsonTypeName(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number without a fraction"
}
