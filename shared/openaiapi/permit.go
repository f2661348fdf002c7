package openaiapi

import (
	"slices"

	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/routing"
)

// MayUse returns nil if the caller may use a model that goes by these names, else the 403 about the first of them.
func (r *Request) MayUse(names ...string) error {
	if r.Caller.May(names...) {
		return nil
	}
	return permits.NotAllowed(names[0])
}

// MayReach is MayUse for a name that stands for deployments: the caller must be allowed one of them or, if there is
// none, the name itself.
func (r *Request) MayReach(name string, deployments []routing.Target) error {
	switch {
	case len(deployments) == 0:
		return r.MayUse(name)
	case slices.ContainsFunc(deployments, r.Caller.Target):
		return nil
	}
	return permits.NotAllowed(name)
}
