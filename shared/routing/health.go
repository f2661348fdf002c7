package routing

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Tier is a service tier that has capacity of its own, "" any other.
type Tier string

// Flex takes the capacity that is left over. It can be used up while the deployment has room for other calls
// (Microsoft, "Flex processing").
const Flex Tier = "flex"

// TierOf returns the tier that a request's service_tier names.
func TierOf(name string) Tier {
	if name == string(Flex) {
		return Flex
	}
	return ""
}

const (
	// maxResting bounds what is remembered of deployments, since open resources take any name.
	maxResting = 1000
	// maxName is twice as long as the name of any deployment of Azure's, in bytes. Longer ones are not remembered.
	maxName = 128
)

// Health remembers which deployments asked to be left alone, and which resources cannot be used for a while. It
// outlives the versions of the secret. Its methods may be called concurrently.
type Health struct {
	mu      sync.Mutex
	resting map[place]time.Time
	sick    map[string]time.Time // by resource
	end     time.Time            // when the last of them may be asked again
}

// place is what rests of a target.
type place struct {
	resource, deployment string
	tier                 Tier // "" is all of them
}

// Rest leaves a target alone until then, or for longer if it has asked for that before. Where a tier is named, only
// calls of that tier leave it alone. It reports whether the target did not rest already.
func (h *Health) Rest(t Target, tier Tier, now, until time.Time) bool {
	if len(t.Deployment) > maxName {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := place{t.Resource, strings.Clone(t.Deployment), tier} // of a name that may be part of a large body
	before, known := h.resting[p]
	if h.resting == nil {
		h.resting = map[place]time.Time{}
	}
	if !known && len(h.resting) >= maxResting {
		h.makeRoom(now)
	}
	if until.After(before) {
		h.resting[p] = until
	}
	h.extend(until)
	return !before.After(now)
}

// makeRoom forgets one rest, of a few the one that has ended or ends last: made-up names, which rest long, then displace
// each other, and deployments that are busy for a moment stay known.
func (h *Health) makeRoom(now time.Time) {
	var gone place
	var end time.Time
	few := 8
	for p, until := range h.resting { // which begins anywhere
		if !until.After(now) {
			gone = p
			break
		}
		if until.After(end) {
			gone, end = p, until
		}
		if few--; few == 0 {
			break
		}
	}
	delete(h.resting, gone)
}

// RestResource leaves all of a resource alone until then. It reports whether the resource did not rest already.
func (h *Health) RestResource(name string, now, until time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sick == nil {
		h.sick = map[string]time.Time{}
	}
	before := h.sick[name]
	h.sick[name] = until
	h.extend(until)
	return !before.After(now)
}

func (h *Health) extend(until time.Time) {
	if until.After(h.end) {
		h.end = until
	}
}

// RestsUntil is when calls of a tier may ask a target again; the zero time if it does not rest.
func (h *Health) RestsUntil(t Target, tier Tier) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.restsUntil(t, tier)
}

func (h *Health) restsUntil(t Target, tier Tier) time.Time {
	until := h.sick[t.Resource]
	for _, tier := range []Tier{"", tier} {
		if rest := h.resting[place{t.Resource, t.Deployment, tier}]; rest.After(until) {
			until = rest
		}
	}
	return until
}

// Order puts those last that rest for calls of a tier, the one that is free soonest before the others. It keeps the
// order otherwise and does not change its argument.
func (h *Health) Order(targets []Target, tier Tier, now time.Time) []Target {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.end.After(now) { // as nearly always
		clear(h.resting)
		clear(h.sick)
		return targets
	}
	end := func(t Target) time.Time {
		if until := h.restsUntil(t, tier); until.After(now) {
			return until
		}
		return time.Time{}
	}
	if !slices.ContainsFunc(targets, func(t Target) bool { return !end(t).IsZero() }) {
		return targets
	}
	ordered := slices.Clone(targets)
	slices.SortStableFunc(ordered, func(a, b Target) int { return end(a).Compare(end(b)) })
	return ordered
}
