package inference

import (
	"slices"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// permitBody checks what a body names besides its model.
func (a *API) permitBody(r *openaiapi.Request, body rawjson.Node) error {
	refusal, err := r.Caller.Check(body, a.targetsOf(r))
	if err != nil || refusal == nil {
		return err
	}
	return refusal
}

// permitHeader checks the deployments that the headers on their way to Azure name.
func (a *API) permitHeader(r *openaiapi.Request) error {
	if r.Caller.Any() {
		return nil
	}
	for param, name := range azure.Deployments(r.Header) {
		targets, err := a.targetsOf(r)(name)
		if err != nil {
			return err
		}
		if !r.Caller.Named(name, targets) {
			return permits.NameRefused(name, param)
		}
	}
	return nil
}

// targetsOf returns a function that finds the deployments, of any type, that a name can stand for.
func (a *API) targetsOf(r *openaiapi.Request) permits.Lookup {
	return func(name string) ([]routing.Target, error) {
		batch, online, err := a.azure.Targets(r.Context(), name)
		return slices.Concat(batch, online), err
	}
}
