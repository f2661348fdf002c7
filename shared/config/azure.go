package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"unicode"
)

// Azure is the Azure side as one secret states it: {"resources":[...],"prices":{...},"models":{...}},
// or {"endpoint","api_key"} for a single resource whose deployments are not listed.
type Azure struct {
	Resources []Resource `json:"resources"`

	// What the user knows of prices and models; the catalog checks them when an estimate needs them.
	Prices json.RawMessage `json:"prices"`
	Models json.RawMessage `json:"models"`
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
	Type     string `json:"type"`     // an Azure SKU name such as GlobalStandard; "" is unknown, and online
	Capacity int    `json:"capacity"` // in the SKU's own unit
}

const exampleAzure = `{"endpoint":"https://my-resource.openai.azure.com","api_key":"..."}`

// ParseAzure reads the Azure secret and fills in defaults. An error names each field that is wrong
// and shows an example; no value of the secret is in it but names, types and endpoints.
func ParseAzure(secret []byte) (*Azure, error) {
	var s struct {
		Azure
		Resource
	}
	if err := json.Unmarshal(secret, &s); err != nil {
		return nil, fmt.Errorf("the Azure secret is not JSON of the expected form (%s), want for example %s", describe(err), exampleAzure)
	}
	a := s.Azure
	switch single := s.Resource; {
	case len(a.Resources) > 0 && single.Endpoint != "":
		return nil, errors.New(`the Azure secret has both "endpoint" and "resources": move the endpoint into resources`)
	case len(a.Resources) == 0 && single.Endpoint == "" && single.APIKey == "" && single.Entra == nil:
		return nil, fmt.Errorf("the Azure secret names no endpoint, want for example %s", exampleAzure)
	case len(a.Resources) == 0:
		a.Resources = []Resource{single}
	}
	var errs []error
	seen := map[string]bool{}
	for i := range a.Resources {
		r := &a.Resources[i]
		at := fmt.Sprintf("resources[%d].", i)
		if s.Resource.Endpoint != "" || len(s.Azure.Resources) == 0 {
			at = ""
		}
		errs = append(errs, r.complete(at, i)...)
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf(`%sname: %q is used twice`, at, r.Name))
		}
		seen[r.Name] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("the Azure secret is wrong: %w", err)
	}
	return &a, nil
}

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
		if d.Name != "" && !Segment(d.Name) {
			errs = append(errs, fmt.Errorf(`%sdeployments[%d].%s %q cannot stand in a URL's path, want for example "gpt-4o"`, at, j, field, d.Name))
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
	if e.AuthorityHost != "" && !strings.HasPrefix(e.AuthorityHost, "https://") {
		errs = append(errs, fmt.Errorf(`%sauthority_host must be an https URL, want for example "https://login.microsoftonline.us"`, at))
	}
	return errs
}

// Segment reports whether a name can stand in a URL's path as one segment. Dots alone and slashes change the path,
// and so may an escape where a proxy decodes it once more. Azure takes only letters, digits, hyphens, underscores
// and periods in a deployment's name.
func Segment(name string) bool {
	return name != "" && name != "." && name != ".." &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || r == '%' || unicode.IsControl(r) })
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
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
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

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// describe says what is wrong with JSON without a value of it.
func describe(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		field := strings.TrimPrefix(strings.TrimPrefix(kind.Field, "Azure."), "Resource.") // where Go embeds them
		if field == "" {
			field = "the whole"
		}
		return fmt.Sprintf("%s is a JSON %s, want %s", field, kind.Value, wanted(kind.Type.Kind()))
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.Offset)
	}
	return "unreadable"
}

// wanted is a Go kind as people who write JSON call it.
func wanted(kind reflect.Kind) string {
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
