package inference

import (
	"context"
	"net/http"
	"slices"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// permit checks that the caller may use one of the deployments that a name stands for. Where there is none, only a
// caller that may use the name goes on to the 404.
func (a *API) permit(ctx context.Context, name string) error {
	_, online, err := a.azure.Targets(ctx, name)
	if err != nil {
		return err
	}
	caller := callers.From(ctx)
	if len(online) == 0 {
		return Permit(ctx, name, name)
	}
	if !slices.ContainsFunc(online, caller.Target) {
		return azure.NotAllowed("The key of "+caller.Name, name)
	}
	return nil
}

// Permit checks that the caller may use a model under one of its names.
func Permit(ctx context.Context, name string, names ...string) error {
	caller := callers.From(ctx)
	if caller.May(names...) {
		return nil
	}
	return azure.NotAllowed("The key of "+caller.Name, name)
}

// permitBody checks what a body names besides its model.
func (a *API) permitBody(ctx context.Context, body []byte) error {
	caller := callers.From(ctx)
	if caller.Any() {
		return nil
	}
	tree, err := rawjson.ParseTree(body)
	if err != nil {
		return err // it has been parsed before
	}
	refusal, err := caller.Check(tree, a.lookup(ctx))
	if err != nil || refusal == nil {
		return err
	}
	return refusal
}

// permitHeader checks the deployments that the headers on their way to Azure name.
func (a *API) permitHeader(ctx context.Context, header http.Header) error {
	caller := callers.From(ctx)
	if caller.Any() {
		return nil
	}
	for param, name := range azure.Deployments(header) {
		targets, err := a.lookup(ctx)(name)
		if err != nil {
			return err
		}
		if !caller.Named(name, targets) {
			return permits.NameRefused(name, param)
		}
	}
	return nil
}

// lookup finds the deployments of any type that a name can stand for.
func (a *API) lookup(ctx context.Context) permits.Lookup {
	return func(name string) ([]routing.Target, error) {
		batch, online, err := a.azure.Targets(ctx, name)
		return slices.Concat(batch, online), err
	}
}
