package azure

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/routing"
)

const (
	// backoff is the upper end of the first wait where Azure names none; it doubles with each try.
	backoff = 500 * time.Millisecond
	// recovery is how long a resource rests that refuses our credential, and a deployment that is not there.
	recovery = time.Minute
)

// trail is what a call has met so far.
type trail struct {
	tries   int
	repeats int              // tries that MaxRetries counts
	asked   []routing.Target // those that failed, each once
	barred  []routing.Target // of these, what cannot answer this call
	charged bool             // one may have charged for its error
	failed  error            // what the caller gets if no answer comes
	weight  int              // of that error
	by      string           // the resource that gave it
}

// ask tries the targets until one answers or nothing is left to try. A renewed secret may have others.
func (a *attempts) ask(ctx context.Context, list func() []routing.Target) (*Answer, error) {
	targets, renewed := list(), false
	if len(targets) == 0 {
		return nil, a.nowhere()
	}
	if err := a.untilHomeIsFree(ctx, targets); err != nil {
		return nil, err
	}
	target := a.order(targets)[0]
	for {
		answer, o := a.try(ctx, target)
		if o.err == nil {
			return answer, nil
		}
		if o.unfit == sickResource && !renewed && a.rereadSecret(ctx) {
			if targets, renewed = list(), true; len(targets) == 0 {
				return nil, a.nowhere()
			}
			if targets = without(targets, a.barred); len(targets) == 0 {
				return nil, a.failure(nil)
			}
			target = a.order(targets)[0]
			continue
		}
		news := a.rest(target, o, len(targets) == 1)
		o = a.judge(o)
		a.note(target, o)
		targets = a.left(targets, target, o)
		among := targets
		if o.busy && a.follows() {
			among = of(targets, target.Resource) // it decides, unless it says later that it does not have the state
		}
		next, ok := a.next(ctx, among, o)
		if !ok {
			return nil, a.failure(among)
		}
		if news {
			slog.Warn("left alone for a minute, and another is asked", "resource", target.Resource, "deployment", target.Deployment, "reason", reason(o.err))
		}
		target = next
	}
}

// order puts those first that are free, and before them the ones of the resource that is remembered for what the call
// goes on from.
func (a *attempts) order(targets []routing.Target) []routing.Target {
	targets = a.client.health.Order(targets, a.call.Tier, a.client.now())
	if a.home == "" {
		return targets
	}
	home := of(targets, a.home)
	return append(home, without(targets, home)...)
}

// untilHomeIsFree waits for the resource that is remembered for what the call goes on from, if it rests and others could
// be asked: these do not have it. The error is a 429.
func (a *attempts) untilHomeIsFree(ctx context.Context, targets []routing.Target) error {
	if a.home == "" || !a.follows() {
		return nil
	}
	home := of(targets, a.home)
	if len(home) == 0 || len(home) == len(targets) {
		return nil
	}
	home = a.client.health.Order(home, a.call.Tier, a.client.now())
	rest := a.restsFor(home[0])
	switch {
	case a.wait(ctx, rest):
		return nil
	case ctx.Err() != nil:
		return a.contextError(ctx, ctx.Err())
	}
	return busy(rest)
}

// rests reports whether a target wants to be left alone by the call.
func (a *attempts) rests(t routing.Target) bool { return a.restsFor(t) > 0 }

// restsFor returns for how long, 0 if it is free.
func (a *attempts) restsFor(t routing.Target) time.Duration {
	return max(0, a.client.health.RestsUntil(t, a.call.Tier).Sub(a.client.now()))
}

// rereadSecret reads the secret again after a refused credential and reports whether that is worth a try.
func (a *attempts) rereadSecret(ctx context.Context) bool {
	version, changed := a.client.secret.Newer(ctx, a.version)
	if changed {
		a.site, a.version = version.Value, version.ID
	}
	return changed
}

// rest leaves what failed alone for a while, in other calls too. It reports whether the log should say so.
func (a *attempts) rest(target routing.Target, o outcome, alone bool) bool {
	health, now := &a.client.health, a.client.now()
	switch {
	case o.unfit == sickResource:
		return health.RestResource(target.Resource, now, now.Add(recovery))
	case o.unfit == noSuchDeployment:
		// A rest is of no use where there is no other, and callers can make up names.
		return !alone && health.Rest(target, "", now, now.Add(recovery)) && a.site.table.Lists(target)
	case o.then == askAgain || o.then == askOnce:
		rest := o.after
		if rest == 0 {
			rest = rand.N(min(backoff<<min(a.tries-1, 10), a.client.env.RetryAfterCap))
		}
		health.Rest(target, o.tier, now, now.Add(rest))
	}
	return false
}

// judge changes what may follow a try to what may follow it in this call.
func (a *attempts) judge(o outcome) outcome {
	switch {
	case o.then == stop:
	case a.call.Begins && o.begun:
		o.err, o.then = openaierr.From(o.err).Final(), giveUp
	case a.call.Once, o.then == askOnce && a.charged:
		o.then = giveUp
	case a.lookup && o.then != askAgain, a.seeks && !o.found:
		o.then = askAnother // which may have what this one has not, or cannot give
	}
	return o
}

// note keeps what a failed try means for the call's own error.
func (a *attempts) note(target routing.Target, o outcome) {
	if !slices.Contains(a.asked, target) {
		a.asked = append(a.asked, target)
	}
	a.charged = a.charged || o.begun && o.then != askAgain
	if o.away && a.by == target.Resource {
		a.weight = 0 // what it said before does not matter to this call
	}
	if weight := a.weigh(o); weight > a.weight || weight == decisive && !a.lookup {
		a.failed, a.weight, a.by = o.err, weight, target.Resource
	}
}

// The weights of errors, by how much they tell a caller.
const (
	notThere   = iota + 1 // another might have what was asked for
	refused               // another might have taken the call
	decisive              // it is about the call
	conclusive            // nothing was asked after it
)

// weigh says which error a caller gets: of a lookup the first that leaves open whether the thing is there, otherwise the
// last that another resource or deployment might not have had.
func (a *attempts) weigh(o outcome) int {
	switch {
	case o.then == stop:
		return conclusive
	case a.seeks && !o.found, o.away, o.unfit == noSuchDeployment:
		return notThere
	case o.unfit == sickResource && !a.lookup:
		return refused
	}
	return decisive
}

// left returns the targets that the call may still ask.
func (a *attempts) left(targets []routing.Target, target routing.Target, o outcome) []routing.Target {
	switch {
	case o.then == giveUp || o.then == stop:
		return nil
	case o.then == askAgain:
		return targets
	case o.unfit == sickResource:
		return without(targets, of(targets, target.Resource))
	case o.away:
		a.barred = append(a.barred, of(targets, target.Resource)...)
		return without(targets, a.barred)
	}
	a.barred = append(a.barred, target)
	return without(targets, a.barred)
}

// next waits until one of the targets may be asked, no time at all if one is free. ok is false where no try is left or the
// waiting is the caller's to do.
func (a *attempts) next(ctx context.Context, targets []routing.Target, o outcome) (next routing.Target, ok bool) {
	if len(targets) == 0 {
		return next, false
	}
	targets = a.order(targets)
	if fresh := without(targets, a.asked); len(fresh) > 0 && (o.then == askAnother || a.lookup) {
		if !o.away || !a.follows() || !a.rests(fresh[0]) {
			return fresh[0], true // as if the call had begun there
		}
		if fresh[0] == targets[0] { // none that is free has what the call goes on from: one that rests has it
			return fresh[0], a.wait(ctx, a.restsFor(fresh[0]))
		}
	}
	if a.repeats++; a.repeats > a.client.env.MaxRetries {
		return next, false
	}
	return targets[0], a.wait(ctx, a.restsFor(targets[0]))
}

// wait waits for a target, unless that takes longer than the cap or than the call may. It reports whether it has waited.
func (a *attempts) wait(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	end := a.client.now().Add(wait)
	deadline, bound := ctx.Deadline()
	if wait > a.client.env.RetryAfterCap || bound && end.After(deadline) || a.call.Limit > 0 && end.After(a.began.Add(a.call.Limit)) {
		return false
	}
	return a.client.sleep(ctx, wait) == nil // or the time is up, or nobody waits any more
}

// failure is the error of a call that has failed with some targets left. Once a second deployment was asked for what the
// first may have charged, the SDKs must not have both asked again.
func (a *attempts) failure(left []routing.Target) error {
	if a.charged && len(a.asked) > 1 && !a.lookup {
		return openaierr.From(a.failed).Final()
	}
	if a.follows() {
		return a.untilFree(left)
	}
	return a.failed
}

// reason is why something cannot be used, for the log.
func reason(err error) string {
	e := openaierr.From(err)
	if e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Code
}

// of returns the targets of a resource. It does not change its arguments.
func of(targets []routing.Target, resource string) []routing.Target {
	return slices.DeleteFunc(slices.Clone(targets), func(t routing.Target) bool { return t.Resource != resource })
}

// without returns the targets that are not among others. It does not change its arguments.
func without(targets, others []routing.Target) []routing.Target {
	return slices.DeleteFunc(slices.Clone(targets), func(t routing.Target) bool { return slices.Contains(others, t) })
}

// RetryAfter is how long Azure wants to be left alone, 0 where it does not say. It reads retry-after-ms,
// which is exact, or retry-after in seconds or as a date; what is none of these says nothing.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := decimal.Parse(h.Get("Retry-After-Ms")); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e12) * float64(time.Millisecond))
	}
	value := h.Get("Retry-After")
	if seconds, err := decimal.Parse(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1e9) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}
