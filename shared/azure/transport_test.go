package azure_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
)

// A line is a server that can close its connections.
type line struct {
	url string
	mu  sync.Mutex
	all map[net.Conn]http.ConnState
}

func newLine(t *testing.T, h http.Handler) *line {
	l := &line{all: map[net.Conn]http.ConnState{}}
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all[c] = state
	}
	server.Start()
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// closeAll closes all connections, each once it is idle.
func (l *line) closeAll() {
	for active := true; active; runtime.Gosched() {
		active = false
		l.mu.Lock()
		for c, state := range l.all {
			switch state {
			case http.StateActive:
				active = true
			case http.StateIdle, http.StateNew: // one that was dialed and not needed is new
				c.Close()
				delete(l.all, c)
			}
		}
		l.mu.Unlock()
	}
}

// TestConnectionsClosedWhileFrozen has Azure close what is idle while the function is frozen, in which only
// wall time goes on. The calls that come next, one or several at the same time, must not go out on it.
func TestConnectionsClosedWhileFrozen(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as a function of 256 MB has
	for _, atOnce := range []int{1, 4} {
		emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{"k"}, DisableRecording: true})
		var arrived sync.WaitGroup // each call has a connection of its own
		l := newLine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived.Done()
			arrived.Wait()
			emulator.ServeHTTP(w, r)
		}))
		s := open(t, single(l.url, "k"))
		const rounds = 24
		var failed atomic.Int64
		for range rounds {
			arrived.Add(atOnce)
			var calls sync.WaitGroup
			for range atOnce {
				calls.Go(func() {
					if r := s.do(t.Context(), chat("hi"), false); r.err != nil {
						failed.Add(1)
						arrived.Done() // nobody else does it
					}
				})
			}
			calls.Wait()
			l.closeAll()
			s.advance(2 * time.Second)
		}
		if n := failed.Load(); n > 0 {
			t.Errorf("%d at once: %d of %d calls failed", atOnce, n, rounds*atOnce)
		}
	}
}

// TestLook is about which calls wait for a look at the connections.
func TestLook(t *testing.T) {
	var s *stage
	var takes time.Duration
	emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{"k"}})
	l := newLine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.advance(takes)
		emulator.ServeHTTP(w, r)
	}))
	s = open(t, single(l.url, "k"))
	looks := 0
	s.OnLook(func() { looks++ })
	for _, step := range []struct {
		name    string
		advance time.Duration // before the call
		takes   time.Duration
		want    int
	}{
		{"the first call has no connection", time.Hour, 0, 0},
		{"the next one follows at once", 0, 0, 0},
		{"within the second", time.Second - 1, 0, 0},
		{"a second later", time.Second, 0, 1},
		{"a call that takes long", 0, 5 * time.Second, 0},
		{"after which the next follows at once", 0, 0, 0},
		{"an hour later", time.Hour, 0, 1},
		{"a clock that is set back", -time.Hour, 0, 0},
	} {
		s.advance(step.advance)
		looks, takes = 0, step.takes
		s.do(t.Context(), chat("hi"), false).ok(t)
		if looks != step.want {
			t.Errorf("%s: %d looks, want %d", step.name, looks, step.want)
		}
	}
}

// TestClocks is about the clocks of a function: what outlives a call is compared by wall time, since the
// monotonic clock may stand still while a function is frozen; durations within a call are not.
func TestClocks(t *testing.T) {
	now, lap := azure.New(azure.Options{}).Clocks()
	if at := now(); at != at.Round(0) {
		t.Errorf("%v has a monotonic reading", at)
	}
	if at := lap(); at == at.Round(0) {
		t.Errorf("%v has no monotonic reading", at)
	}
}
