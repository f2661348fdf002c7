package azure_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
)

func TestWhatIsTriedAgain(t *testing.T) {
	tests := []struct {
		fault string
		tries int // until the answer, or the error
	}{
		{"429;retry-after=1", 2}, {"503", 2},
		{"408", 1}, {"500", 1}, {"502", 1}, {"504", 1}, {"garbage;status=502", 1}, // which may have been charged
		{"408;retry-after=1", 1}, {"500;retry-after=1", 1}, {"502;retry-after-ms=1", 1}, {"504;retry-after=1", 1},
		{"400", 1}, {"404", 1}, {"409", 1}, {"422", 1}, {"501", 1}, {"garbage", 1}, {"close", 1},
	}
	for _, call := range []*azure.Call{chat("hi"), chatStream("hi"), get("models")} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s stream=%v %s", call.Path, call.Stream, tt.fault), func(t *testing.T) {
				e, s := one(t)
				addFault(t, e, tt.fault, 1)
				r := s.do(t.Context(), call, false)
				if answered := r.err == nil; answered != (tt.tries == 2) {
					t.Errorf("got %d, %v", r.Code, r.err)
				}
				if n := upstreamRequests(e); n != tt.tries || r.record.Tries != n || len(s.naps()) != n-1 {
					t.Errorf("asked %d times, %d by the record, want %d and a sleep between two", n, r.record.Tries, tt.tries)
				}
			})
		}
	}
}

func TestHowLongIsWaited(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name   string
		header map[string]string
		want   time.Duration // 0: what is left to chance
		back   bool          // goes back at once
	}{
		{"retry-after-ms", map[string]string{"Retry-After-Ms": "1500"}, 1500 * time.Millisecond, false},
		{"retry-after-ms goes first", map[string]string{"Retry-After-Ms": "1500", "Retry-After": "2"}, 1500 * time.Millisecond, false},
		{"retry-after", map[string]string{"Retry-After": "2"}, 2 * sec, false},
		{"a fraction", map[string]string{"Retry-After": "0.25"}, sec / 4, false},
		{"the cap itself", map[string]string{"Retry-After": "10"}, 10 * sec, false},
		{"more than the cap", map[string]string{"Retry-After": "11"}, 0, true},
		{"much more", map[string]string{"Retry-After": "86400"}, 0, true},
		{"more than a duration can be", map[string]string{"Retry-After-Ms": "1e300"}, 0, true},
		{"a date too far away", map[string]string{"Retry-After": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 0, true},
		{"none", nil, 0, false},
		{"no number of seconds", map[string]string{"Retry-After": "Inf", "Retry-After-Ms": "NaN"}, 0, false},
		{"hexadecimal digits", map[string]string{"Retry-After-Ms": "0x1p9", "Retry-After": "2"}, 2 * sec, false},
		{"zero", map[string]string{"Retry-After": "0", "Retry-After-Ms": "0"}, 0, false},
		{"less than zero", map[string]string{"Retry-After": "-5"}, 0, false},
		{"a date that has passed", map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:05 GMT"}, 0, false},
		{"no number", map[string]string{"Retry-After": "soon"}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Status: 429, Body: `{"error":{"code":"429","message":"m"}}`, Headers: tt.header})
			r := s.do(t.Context(), chat("hi"), false)
			naps := s.naps()
			if tt.back {
				r.refused(t, http.StatusTooManyRequests, "429")
				for name, value := range tt.header {
					if r.Header().Get(name) != value {
						t.Errorf("%s: %q, want %q", name, r.Header().Get(name), value)
					}
				}
				if len(naps) > 0 || upstreamRequests(e) != 1 {
					t.Errorf("slept %v", naps)
				}
				return
			}
			r.ok(t)
			if len(naps) != 1 || tt.want > 0 && naps[0] != tt.want || tt.want == 0 && naps[0] > sec/2 {
				t.Fatalf("slept %v, want %v", naps, tt.want)
			}
			if r.record.UpstreamTime != naps[0] { // for which alone the clock moves
				t.Errorf("upstream time %v, want %v", r.record.UpstreamTime, naps)
			}
		})
	}
}

func TestDateToWaitFor(t *testing.T) {
	e, s := one(t)
	date := s.now().Add(7 * time.Second).Truncate(time.Second)
	want := date.Sub(s.now())
	e.QueueAnswer(azureopenai.Answer{Status: 503, Headers: map[string]string{"Retry-After": date.UTC().Format(http.TimeFormat)}})
	s.do(t.Context(), chat("hi"), false).ok(t)
	if naps := s.naps(); len(naps) != 1 || naps[0] != want {
		t.Errorf("slept %v, want %v", naps, want)
	}
}

func TestBackoffGrowsWithJitterUpToTheCap(t *testing.T) {
	const tries = 8
	e, s := one(t, func(o *azure.Options) { o.Env.MaxRetries, o.Env.RetryAfterCap = tries-1, 3*time.Second })
	addFault(t, e, "503", -1)
	r := s.do(t.Context(), chat("hi"), false)
	r.refused(t, http.StatusServiceUnavailable, "InternalServerError")
	naps := s.naps()
	if n := upstreamRequests(e); n != tries || len(naps) != tries-1 {
		t.Fatalf("asked %d times with %d sleeps, want %d tries", n, len(naps), tries)
	}
	for i, nap := range naps {
		if most := min(500*time.Millisecond<<i, 3*time.Second); nap > most {
			t.Errorf("sleep %d took %v, want at most %v", i+1, nap, most)
		}
	}
	slices.Sort(naps)
	if len(slices.Compact(naps)) == 1 {
		t.Errorf("every sleep took %v: there is no jitter", naps[0])
	}
}

func TestDeadlineNearerThanTheWait(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "429;retry-after=9", 1)
	ctx, cancel := context.WithDeadline(t.Context(), s.now().Add(5*time.Second))
	defer cancel()
	s.do(ctx, chat("hi"), false).refused(t, http.StatusTooManyRequests, "429")
	if naps := s.naps(); len(naps) > 0 || upstreamRequests(e) != 1 {
		t.Errorf("slept %v, which the caller would not see the end of", naps)
	}
}

func TestCallerLeavesDuringTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e, s := one(t, func(o *azure.Options) {
		o.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return context.Cause(ctx) }
	})
	addFault(t, e, "429;retry-after=9", 1)
	s.do(ctx, chat("hi"), false).refused(t, http.StatusTooManyRequests, "429")
	if n := upstreamRequests(e); n != 1 {
		t.Errorf("asked %d times for a caller who has left", n)
	}
}

func TestSecondDeploymentWhileTheFirstRests(t *testing.T) {
	first, second, s := two(t)
	for _, step := range []struct {
		name          string
		fault         string // of the first
		advance       time.Duration
		first, second int // how often each is asked
	}{
		{"the first is the preferred one", "", 0, 1, 0},
		{"the second answers for it at once", "429;retry-after=30", 0, 1, 1},
		{"and alone while the first rests", "", 29 * time.Second, 0, 1},
		{"until it has rested", "", time.Second, 1, 0},
	} {
		if step.fault != "" {
			addFault(t, first, step.fault, 1)
		}
		s.advance(step.advance)
		r := s.do(t.Context(), chat("hi"), false)
		r.ok(t)
		if a, b := upstreamRequests(first), upstreamRequests(second); a != step.first || b != step.second || len(s.naps()) > 0 {
			t.Errorf("%s: asked %d and %d times, want %d and %d and no sleep", step.name, a, b, step.first, step.second)
		}
		if want := map[bool]string{true: "second", false: "first"}[step.second > 0]; r.record.Resource != want {
			t.Errorf("%s: the log names %s, want %s", step.name, r.record.Resource, want)
		}
	}
}

func TestFirstRestsThoughNoTryIsLeft(t *testing.T) {
	first, second, s := two(t, never)
	addFault(t, first, "429;retry-after=30", 1)
	s.do(t.Context(), chat("hi"), false).refused(t, http.StatusTooManyRequests, "429")
	s.do(t.Context(), chat("hi"), false).ok(t)
	if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 1 {
		t.Errorf("asked %d and %d times, want the second one to answer the second call", a, b)
	}
}

func TestBothRest(t *testing.T) {
	first, second, s := two(t)
	addFault(t, first, "429;retry-after=5", 1)
	addFault(t, second, "429;retry-after=3", 1)
	s.do(t.Context(), chat("hi"), false).ok(t)
	if naps := s.naps(); len(naps) != 1 || naps[0] != 3*time.Second {
		t.Errorf("slept %v, want 3s: until the second one is free", naps)
	}
	if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 2 {
		t.Errorf("asked %d and %d times, want 1 and 2", a, b)
	}
	// Both again, for longer than a caller is kept waiting.
	s.advance(time.Minute)
	addFault(t, first, "429;retry-after=50", 1)
	addFault(t, second, "429;retry-after=30", 1)
	r := s.do(t.Context(), chat("hi"), false)
	r.refused(t, http.StatusTooManyRequests, "429")
	if got := r.Header().Get("Retry-After"); got != "30" || len(s.naps()) > 0 {
		t.Errorf("Retry-After %q, want 30 at once", got)
	}
}

// A dropper reads a request, or does not, and resets the connection.
func dropper(t *testing.T, read bool) (url string, requests *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			requests.Add(1)
			if read {
				readRequest(c)
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String(), requests
}

// readRequest reads until the end of a chat's JSON.
func readRequest(r io.Reader) {
	var got strings.Builder
	buffer := make([]byte, 4096)
	for !strings.HasSuffix(got.String(), "]}") {
		n, err := r.Read(buffer)
		if err != nil {
			return
		}
		got.Write(buffer[:n])
	}
}

func TestConnectionLostAfterTheRequestWentOut(t *testing.T) {
	firstURL, requests := dropper(t, true)
	second, secondURL := emulator(t, azureopenai.Options{})
	s := open(t, pair(firstURL, secondURL))
	s.do(t.Context(), chat("hi"), false).refused(t, http.StatusBadGateway, "upstream_connection_lost")
	if requests.Load() != 1 || upstreamRequests(second) != 0 || len(s.naps()) > 0 {
		t.Errorf("asked %d times and another deployment too, although it may have been paid for", requests.Load())
	}
}

func TestConnectionLostBeforeTheRequestWasOut(t *testing.T) {
	url, requests := dropper(t, false)
	s := open(t, single(url, "k"))
	s.do(t.Context(), chat(strings.Repeat("x", 16<<20)), false).refused(t, http.StatusBadGateway, "upstream_unreachable")
	if n := requests.Load(); n != 3 {
		t.Errorf("tried %d times, want 3", n)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	second, secondURL := emulator(t, azureopenai.Options{})
	s := open(t, pair("http://"+l.Addr().String(), secondURL))
	s.do(t.Context(), chat("hi"), false).ok(t)
	if n := upstreamRequests(second); n != 1 || len(s.naps()) > 0 {
		t.Errorf("the second deployment was asked %d times", n)
	}
}

// TestWaitBeyondTheLimit is about a wait that would outlast the time for the first byte: the caller gets
// Azure's answer at once.
func TestWaitBeyondTheLimit(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "429;retry-after=5", 1)
	call := chat("hi")
	call.Limit = 2 * time.Second
	s.do(t.Context(), call, false).refused(t, http.StatusTooManyRequests, "429")
	if naps := s.naps(); len(naps) > 0 {
		t.Errorf("waited %v", naps)
	}
}
