// Package testsync has what tests of processes wait with: a gate that another process comes to, a condition that is
// asked until it holds, and a log that is read while it is written.
package testsync

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits before it fails.
const patience = 20 * time.Second

// A Gate is a URL whose requests a test waits for and answers when it likes. A client that asks there stops until
// then.
type Gate struct {
	URL     string
	arrived chan struct{}
	open    chan struct{}
}

// NewGate returns a closed gate, which serves until the test ends.
func NewGate(t testing.TB) *Gate {
	t.Helper()
	g := &Gate{arrived: make(chan struct{}, 100), open: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.arrived <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Wait returns once a request has come. The test fails if none comes.
func (g *Gate) Wait(t testing.TB) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(patience):
		t.Fatal("no request has come to the gate")
	}
}

// Open lets one request pass: one that waits, or the next that comes.
func (g *Gate) Open() { g.open <- struct{}{} }

// Eventually waits for a condition that no channel announces. The test fails if it never holds.
func Eventually(t testing.TB, condition string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", condition)
		}
	}
}

// A LogBuffer is a log that a test reads while it is written. The zero LogBuffer is empty.
type LogBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *LogBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *LogBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
