// Package permits judges what a key may reach: which deployments may answer it, and which models, deployments,
// stored things and identities its requests may name. It does not know who calls, nor where things are.
package permits

import (
	"fmt"
	"net/http"
	"slices"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// What a key that is bound to models may be allowed besides.
const (
	State       = "state"        // to name what is stored in Azure: files, vector stores, conversations ...
	DataSources = "data_sources" // to have data sources read with Azure's managed identity
)

// Allowances are what Permits.Allow may have.
var Allowances = []string{State, DataSources}

// Permits are what a key may reach. The zero Permits reach nothing.
type Permits struct {
	Models []string // models, or deployments by a name of their own; "*" is any
	Allow  []string // State, DataSources
}

// Any reports whether the key may use every model; then nothing that its requests name is checked.
func (p Permits) Any() bool { return slices.Contains(p.Models, "*") }

// May reports whether the key may use a model that goes by these names.
func (p Permits) May(names ...string) bool {
	return p.Any() || slices.ContainsFunc(p.Models, func(model string) bool { return slices.Contains(names, model) })
}

// Target reports whether a deployment may answer the key.
func (p Permits) Target(t routing.Target) bool { return p.Any() || t.Within(p.Models) }

// Named reports whether a request may name a model or a deployment besides its own. Azure looks the name up in the
// resource that answers, which may be any, so the key has to be allowed all targets that the name stands for.
func (p Permits) Named(name string, targets []routing.Target) bool {
	if len(targets) == 0 {
		return p.May(name)
	}
	return !slices.ContainsFunc(targets, func(t routing.Target) bool { return !p.Target(t) })
}

// Lookup returns the deployments, of any type, that a name can stand for.
type Lookup func(name string) ([]routing.Target, error)

// Check looks for what the body of a request names and the key may not reach. It returns the error for the caller,
// nil if there is no such thing. The body's own model is not checked. err is the lookup's.
func (p Permits) Check(body rawjson.Node, lookup Lookup) (refusal *openaierr.Error, err error) {
	if p.Any() {
		return nil, nil
	}
	judged := map[string]bool{}
	for r := range references(body) {
		switch r.kind {
		case byStoredID:
			if refusal := p.Stored(r.value, r.path); refusal != nil {
				return refusal, nil
			}
		case byIdentity:
			if !slices.Contains(p.Allow, DataSources) {
				return identityRefused(r), nil
			}
		case byName:
			if judged[r.value] {
				continue
			}
			targets, err := lookup(r.value)
			if err != nil {
				return nil, err
			}
			if !p.Named(r.value, targets) {
				return NameRefused(r.value, r.path), nil
			}
			judged[r.value] = true
		}
	}
	return nil, nil
}

// Stored returns nil if the key may name what is stored in Azure, else the 404 about a thing that a parameter names; ""
// is none.
func (p Permits) Stored(id, param string) *openaierr.Error {
	if p.Any() || slices.Contains(p.Allow, State) {
		return nil
	}
	names := ""
	if param != "" {
		names = fmt.Sprintf(", which '%s' names", param)
	}
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Param: param, Code: "not_found",
		Message: fmt.Sprintf("There is no %.100q for your key%s: a key that is bound to models reaches nothing that is stored in Azure but responses of its models. The owner of this endpoint can allow it with make key NAME=... REPLACE=1 ALLOW=state.", id, names),
	}
}

// NotAllowed is the 403 for a model that a key may not use.
func NotAllowed(name string) *openaierr.Error {
	return &openaierr.Error{
		Status: http.StatusForbidden, Type: openaierr.TypePermission, Param: "model", Code: "model_not_allowed",
		Message: fmt.Sprintf("Your key may not use the model `%s`. GET /v1/models lists those it may use; the owner of this endpoint can add to them.", name),
	}
}

// NameRefused is the 403 for a model or a deployment that a parameter beside 'model' names.
func NameRefused(name, param string) *openaierr.Error {
	return &openaierr.Error{
		Status: http.StatusForbidden, Type: openaierr.TypePermission, Param: param, Code: "model_not_allowed",
		Message: fmt.Sprintf("Your key may not use the model %.100q, which '%s' names. GET /v1/models lists those it may use; the owner of this endpoint can add to them.", name, param),
	}
}

func identityRefused(r reference) *openaierr.Error {
	return &openaierr.Error{
		Status: http.StatusForbidden, Type: openaierr.TypePermission, Param: r.path, Code: "managed_identity_not_allowed",
		Message: fmt.Sprintf("Your key may not have data read with Azure's managed identity, as '%s' asks. Give the data source a key of its own in 'authentication'; or the owner of this endpoint can allow it with make key NAME=... REPLACE=1 ALLOW=data_sources.", r.path),
	}
}
