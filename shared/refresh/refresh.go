// Package refresh keeps one value fresh: loaded when first asked for and again when due, by one
// load at a time, with the last good value standing in while a source fails.
// It does not know what it holds, and starts no timer: between invocations a Lambda function is frozen.
package refresh

import (
	"context"
	"sync"
	"time"

	"aoai-bridge/shared/clock"
)

const (
	loadTimeout = 10 * time.Second // a load belongs to every waiting call, so no call's end cuts it short
	retryUsable = 5 * time.Second  // after a failed load, while an older value serves
	retryEmpty  = time.Second      // after a failed load, while there is nothing to serve

	// patience is how long a call waits for a load while an older value could serve it. A source that
	// works answers sooner; one that hangs must not hold up calls that need nothing of it.
	patience = time.Second
	// reloadPatience is longer, because the older value has been refused where it is used: a call that
	// gives up waiting fails.
	reloadPatience = 3 * time.Second
)

// Loaded is a value and how long it stays good.
type Loaded[T any] struct {
	Value  T
	Due    time.Time // load again from here on
	Expire time.Time // of no use from here on; the zero time is never
}

// Value is one value kept fresh. Its methods may be called concurrently.
type Value[T any] struct {
	load func(context.Context) (Loaded[T], error)
	now  func() time.Time

	mu     sync.Mutex
	held   Loaded[T]
	has    bool
	err    error     // of the last load, if it failed
	wait   time.Time // no load before this, after a failed one
	forced time.Time // the last load that Reload asked for
	flight chan struct{}
}

// New makes a Value around load. A nil now is clock.Wall.
func New[T any](load func(context.Context) (Loaded[T], error), now func() time.Time) *Value[T] {
	return &Value[T]{load: load, now: clock.Or(now)}
}

// Get returns the value, loading it if it is due. A value at hand that has not expired is served after
// a second if the load takes longer, and at once to the calls that come while another one loads; the
// load goes on, and calls get its value as soon as it has come. Without such a value Get waits until
// the load ends, at most ten seconds. The error is the load's, or ctx's.
func (v *Value[T]) Get(ctx context.Context) (T, error) {
	v.mu.Lock()
	now := v.now()
	usable := v.usable(now)
	switch {
	case usable && (now.Before(v.held.Due) || now.Before(v.wait) || v.flight != nil):
		defer v.mu.Unlock()
		return v.held.Value, nil
	case !usable && now.Before(v.wait) && v.flight == nil:
		defer v.mu.Unlock()
		return *new(T), v.err
	}
	return v.join(ctx, now, patience)
}

// Reload loads at once although the value is not due, but not if the last such load was less than
// gap ago. It returns the value that then stands: the old one if the load has failed, or takes longer
// than three seconds. It then goes on, and the next calls get its value.
func (v *Value[T]) Reload(ctx context.Context, gap time.Duration) (T, error) {
	v.mu.Lock()
	now := v.now()
	if v.flight == nil && v.has && now.Sub(v.forced) < gap {
		defer v.mu.Unlock()
		return v.held.Value, nil
	}
	if v.flight == nil {
		v.forced = now
	}
	return v.join(ctx, now, reloadPatience)
}

// join waits for the load under way, or starts one; while the value at hand is usable, for as long as
// patience says. It is called with mu held and releases it.
func (v *Value[T]) join(ctx context.Context, now time.Time, patience time.Duration) (T, error) {
	flight := v.flight
	if flight == nil {
		flight = make(chan struct{})
		v.flight = flight
		go v.fly(context.WithoutCancel(ctx), flight)
	}
	var enough <-chan time.Time // never, unless there is a value to serve
	if v.usable(now) {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	v.mu.Unlock()
	err := error(nil)
	select {
	case <-flight:
	case <-enough:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil {
		err = v.err
	}
	if err == nil || v.usable(now) {
		return v.held.Value, nil
	}
	return *new(T), err
}

func (v *Value[T]) fly(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	loaded, err := v.load(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	defer close(flight)
	v.flight = nil
	v.err = err
	if err == nil {
		v.held, v.has, v.wait = loaded, true, time.Time{}
		return
	}
	now := v.now()
	v.wait = now.Add(retryEmpty)
	if v.usable(now) {
		v.wait = now.Add(retryUsable)
	}
}

func (v *Value[T]) usable(now time.Time) bool {
	return v.has && (v.held.Expire.IsZero() || now.Before(v.held.Expire))
}
