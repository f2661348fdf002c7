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
	return r.notAllowed(names[0])
}

// MayReach returns nil if the caller may use one of the deployments that a name stands for. Where there is none, the
// caller must be allowed the name itself: only then may it learn that nothing has that name.
func (r *Request) MayReach(name string, deployments []routing.Target) error {
	if len(deployments) == 0 {
		return r.MayUse(name)
	}
	if slices.ContainsFunc(deployments, r.Caller.Target) {
		return nil
	}
	return r.notAllowed(name)
}

func (r *Request) notAllowed(name string) error {
	return permits.NotAllowed("The key of "+r.Caller.Name, name)
}
