package azure_test

import (
	"context"
	"io"
	"strings"
	"testing"
)

// A call that names a resource goes there and nowhere else.
func TestResource(t *testing.T) {
	first, second, s := two(t)
	call := get("models")
	call.Resource = "second"
	s.do(t.Context(), call, false).ok(t)
	if upstreamRequests(first) != 0 || upstreamRequests(second) != 1 {
		t.Errorf("the first was asked %d times, the second %d", upstreamRequests(first), upstreamRequests(second))
	}
	call.Resource = "third"
	s.do(t.Context(), call, false).refused(t, 500, "configuration_error")
}

// A call that must not happen twice is sent once, whatever comes of it.
func TestOnce(t *testing.T) {
	for _, fault := range []string{"500", "503", "429;retry-after=1", "close"} {
		t.Run(fault, func(t *testing.T) {
			e, s := one(t)
			addFault(t, e, fault, 1)
			call := chat("hi")
			call.Once = true
			if r := s.do(t.Context(), call, false); r.err == nil || upstreamRequests(e) != 1 {
				t.Errorf("asked %d times: %v", upstreamRequests(e), r.err)
			}
		})
	}
}

// A body that is opened is opened again for each try, and its length is sent.
func TestOpenedBody(t *testing.T) {
	e, s := one(t)
	addFault(t, e, "503", 1)
	body, opened := string(chat("hi").Body("gpt-4o").Bytes()), 0
	call := chat("hi")
	call.Body, call.Size = nil, int64(len(body))
	call.Open = func(context.Context) (io.ReadCloser, error) {
		opened++
		return io.NopCloser(strings.NewReader(body)), nil
	}
	s.do(t.Context(), call, false).ok(t)
	if opened != 2 {
		t.Errorf("the body was opened %d times for two tries", opened)
	}
	if sent := last(t, e); string(sent.Body) != body || sent.Header.Get("Transfer-Encoding") != "" {
		t.Errorf("Azure got %s with %v", sent.Body, sent.Header)
	}
}

func TestTargets(t *testing.T) {
	_, s := one(t)
	batch, online, err := s.Targets(t.Context(), "gpt-4o")
	if err != nil || len(batch) != 1 || len(online) != 1 {
		t.Errorf("got %v, %v, %v", batch, online, err)
	}
}
