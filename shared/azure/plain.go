package azure

import (
	"bytes"
	"context"
	"net/http"
	"sync"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// body is the text for a target: without what only we ask for, where that is known to be refused.
func (a *attempts) body(target routing.Target) rawjson.Pieces {
	if a.call.Plain != nil && (a.plain || a.client.plain.has(target)) {
		return a.call.Plain(target.Deployment)
	}
	return a.call.Body(target.Deployment)
}

// refusesOurs reports whether Azure has refused stream_options that the caller did not ask for. It does beside
// data_sources, in models and versions that do not know them, and so do other servers of the API.
func (a *attempts) refusesOurs(target routing.Target, err error) bool {
	if a.call.Plain == nil || a.plain || a.client.plain.has(target) {
		return false
	}
	e := openaierr.From(err)
	return (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) && bytes.Contains(e.JSON(), []byte("stream_options"))
}

// withoutOurs sends the call once more as the caller made it. A target that takes it then is remembered.
func (a *attempts) withoutOurs(ctx context.Context, target routing.Target) (*Answer, outcome) {
	a.plain = true
	answer, o := a.try(ctx, target)
	if o.err == nil {
		a.client.plain.add(target)
	}
	return answer, o
}

// targetSet is a set of targets of a bounded size. The zero set is empty.
type targetSet struct {
	mu  sync.RWMutex
	set map[routing.Target]bool
}

// maxTargets is more than any secret lists. One that lists none takes any name for a deployment's.
const maxTargets = 1000

func (s *targetSet) has(t routing.Target) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.set[t]
}

func (s *targetSet) add(t routing.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil || len(s.set) >= maxTargets {
		s.set = map[routing.Target]bool{}
	}
	s.set[t] = true
}
