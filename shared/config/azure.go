package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
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
		if d.Name == "" {
			d.Name = d.Model
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

// cleanEndpoint drops what people copy along: a trailing slash, /openai, /openai/v1.
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
	case u.RawQuery != "" || strings.Contains(u.Path, "/openai/deployments"):
		return "", errors.New("goes on behind the resource: leave out /openai/deployments and the query")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "", errors.New("is not https")
	}
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/v1"), "/openai")
	return u.Scheme + "://" + u.Host + strings.TrimRight(path, "/"), nil
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
