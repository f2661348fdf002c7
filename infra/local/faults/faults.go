// Package faults makes a local service misbehave for a test, and counts what it was asked. It does
// not know how a service words a failure.
package faults

import (
	"context"
	"sync"
	"time"
)

// A Switch belongs to one service, which embeds it and calls Enter for every request. The zero value
// lets everything pass. It is safe for concurrent use.
type Switch struct {
	mu    sync.Mutex
	fail  int
	delay time.Duration
	calls map[string]int
}

// FailNext makes the next n calls fail as an internal error of the service; negative n, all of them
// until FailNext(0).
func (s *Switch) FailNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = n
}

// Delay holds every call back for d, or until its client goes away.
func (s *Switch) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Calls returns how often an operation was asked for, failures included.
func (s *Switch) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// Enter counts a call and reports whether it has to fail.
func (s *Switch) Enter(ctx context.Context, operation string) (fail bool) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = make(map[string]int)
	}
	s.calls[operation]++
	if s.fail != 0 {
		fail = true
		s.fail = max(s.fail-1, -1)
	}
	delay := s.delay
	s.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return fail
}
