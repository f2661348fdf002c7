package azure_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
)

// brief is long enough for loopback's first events, and short enough to wait for.
const brief = 50 * time.Millisecond

const adviceToStream = `Ask with "stream": true`

func TestNoFirstByteInTime(t *testing.T) {
	for _, call := range []*azure.Call{chat("hi"), chatStream("hi")} {
		first, second, s := two(t)
		addFault(t, first, "hang", -1)
		call.Limit = brief
		r := s.do(t.Context(), call, false)
		failure := r.refused(t, http.StatusGatewayTimeout, "timeout")
		if advised := strings.Contains(failure.Message, adviceToStream); advised == call.Stream || failure.Type != "timeout_error" {
			t.Errorf("stream=%v: got %s", call.Stream, r.Body)
		}
		if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 0 {
			t.Errorf("stream=%v: asked %d and %d times, although the first may have been paid for", call.Stream, a, b)
		}
	}
}

// TestLimitIsForTheFirstByteOnly is about a stream that takes longer than that.
func TestLimitIsForTheFirstByteOnly(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "interval=20ms", 1)
	call := chatStream("Say [[words: 20]]")
	call.Limit = 6 * brief
	r := s.do(t.Context(), call, false)
	r.ok(t)
	if !strings.HasSuffix(r.Body.String(), "data: [DONE]\n\n") {
		t.Errorf("got %s", r.Body)
	}
}

func TestWholeAnswerThatStopsHalfWay(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "hang;after=10", 1)
	call := chat("hi")
	call.Limit = brief
	r := s.do(t.Context(), call, false)
	if failure := r.refused(t, http.StatusGatewayTimeout, "timeout"); !strings.Contains(failure.Message, adviceToStream) {
		t.Errorf("got %s", r.Body)
	}
}

func TestDeadline(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "hang", 1)
	ctx, cancel := context.WithTimeout(t.Context(), brief)
	defer cancel()
	s.do(ctx, chat("hi"), false).refused(t, http.StatusGatewayTimeout, "timeout")
}

func TestStreamThatFallsSilent(t *testing.T) {
	tests := []struct {
		name, fault string
		ctx         func(*testing.T) context.Context
		idle        time.Duration
		want        string
	}{
		{"for too long", "hang;after=3", (*testing.T).Context, brief, "fell silent before its answer was complete. What has been received is incomplete; it may have been charged."},
		{"behind its header", "hang;after=0", (*testing.T).Context, brief, "fell silent before its answer was complete. What has been received is incomplete; it may have been charged."},
		{"until the deadline", "hang;after=3", func(t *testing.T) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), 6*brief)
			t.Cleanup(cancel)
			return ctx
		}, time.Minute, "did not answer in time. The request was not tried again, because it may have been charged."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t, func(o *azure.Options) { o.Env.IdleTimeout = tt.idle })
			addFault(t, e, tt.fault, 1)
			r := s.do(tt.ctx(t), chatStream("Say one two three"), false)
			want := `data: {"error":{"message":"Azure OpenAI ` + tt.want + `","type":"timeout_error","param":null,"code":"timeout"}}` + "\n\n"
			if r.err != azure.ErrBroken || !strings.HasSuffix(r.Body.String(), want) || strings.Contains(r.Body.String(), "[DONE]") || r.record.Err == nil {
				t.Errorf("got %v, %s, in the log %v", r.err, r.Body, r.record.Err)
			}
			waitCancelled(t, e)
		})
	}
}

// waitCancelled waits until the emulator sees that nobody reads its last answer.
func waitCancelled(t *testing.T, e *azureopenai.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := e.WaitRequests(ctx, func(kept []azureopenai.Request) bool {
		return len(kept) > 0 && kept[len(kept)-1].Cancelled
	}); err != nil {
		t.Error("the call upstream was not cancelled")
	}
}

func TestHeartbeat(t *testing.T) {
	e, s := one(t, func(o *azure.Options) { o.Heartbeat = time.Millisecond })
	addFault(t, e, "hang;after=3", 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// A real server in between, as every beat must reach the caller at once.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.Do(r.Context(), chatStream("Say one two three"))
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Close()
		if err := answer.Relay(w, false); err != azure.ErrBroken {
			t.Errorf("got %v once the caller had left", err)
		}
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events, beats := 0, 0
	for lines := bufio.NewScanner(response.Body); beats < 3 && lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "data: "):
			events++
		case line == ": keep-alive":
			beats++
		case line != "":
			t.Errorf("got %q", line)
		}
	}
	if events != 3 || beats != 3 {
		t.Errorf("%d events and %d beats, want 3 and then beats", events, beats)
	}
	cancel()
	waitCancelled(t, e)
}

func TestCallerLeaves(t *testing.T) {
	tests := []struct {
		name, fault string
		call        *azure.Call
	}{
		{"before the answer", "hang", chat("hi")},
		{"before the stream", "hang", chatStream("hi")},
		{"in mid-stream", "hang;after=3", chatStream("Say one two three")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			addFault(t, e, tt.fault, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				_, _ = e.WaitRequests(ctx, func(kept []azureopenai.Request) bool { return len(kept) == 1 })
				cancel()
			}()
			r := s.do(ctx, tt.call, false)
			if r.err == nil {
				t.Errorf("got %d %s", r.Code, r.Body)
			}
			waitCancelled(t, e)
			if n := upstreamRequests(e); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// gone is the answer's way to a caller who has left: it takes so many writes.
type gone struct {
	http.ResponseWriter
	writes int
}

func (g *gone) Write(b []byte) (int, error) {
	if g.writes--; g.writes < 0 {
		return 0, errors.New("broken pipe")
	}
	return g.ResponseWriter.Write(b)
}

func TestAnswerNobodyTakes(t *testing.T) {
	for _, call := range []*azure.Call{chat("hi"), chatStream("Say [[words: 200]]")} {
		e, s := one(t)
		addFault(t, e, "interval=1ms", 1)
		answer, err := s.Do(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := answer.Relay(&gone{w, 0}, false); err != azure.ErrBroken || w.Body.Len() > 0 {
			t.Errorf("stream=%v: got %v and %s", call.Stream, err, w.Body)
		}
		answer.Close()
		if call.Stream {
			waitCancelled(t, e)
		}
	}
}
