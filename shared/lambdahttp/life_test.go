package lambdahttp_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/lambda"
)

// TestBrokenEnds has handlers fail after a part of their answer is out. The process lives on.
func TestBrokenEnds(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{})
	pid := f.pid(t)
	for _, path := range []string{"/abort", "/panic-late"} {
		a := f.open(t, get(t, path))
		body, err := a.read()
		var failed *lambda.FunctionError
		if a.StatusCode != 200 || body != "part" || !errors.As(err, &failed) || failed.Type != "StreamAborted" {
			t.Errorf("%s: got %d %q, %v", path, a.StatusCode, body, err)
		}
	}
	for range 3 {
		if body, err := f.open(t, get(t, "/panic")).read(); err != nil || !strings.Contains(body, "internal_error") || strings.Contains(body, "secret reason") {
			t.Errorf("/panic: got %q, %v", body, err)
		}
	}
	if again := f.pid(t); again != pid {
		t.Errorf("process %d serves, want the first one, %d", again, pid)
	}
	log := f.logs.String()
	for _, want := range []string{`"msg":"panic","request_id":"request-1","panic":"a secret reason","stack":"`, `"error":"panic: late"`, `"status":500`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not have %s:\n%s", want, log)
		}
	}
}

func TestFirstByteLeavesBeforeTheHandlerEnds(t *testing.T) {
	t.Parallel()
	f, g := start(t, lambda.Function{}), newGate(t)
	a := f.open(t, get(t, "/stream?gate="+g.url))
	first := make([]byte, len("first "))
	if _, err := io.ReadFull(a.body, first); err != nil || string(first) != "first " {
		t.Fatalf("got %q, %v", first, err)
	}
	g.wait(t)
	g.open <- struct{}{} // and not before the first bytes were read
	if rest, err := a.read(); err != nil || rest != "second" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestReaderWhoLeavesEndsTheCall(t *testing.T) {
	t.Parallel()
	f, g := start(t, lambda.Function{}), newGate(t)
	pid := f.pid(t)
	a := f.open(t, get(t, "/until-done?begin&gate="+g.url))
	a.body.Close()
	if note := g.wait(t); note != context.Canceled.Error() {
		t.Errorf("the handler's call ended by %q", note)
	}
	g.open <- struct{}{}
	if again := f.pid(t); again != pid {
		t.Errorf("process %d serves, want the first one, %d", again, pid)
	}
}

func TestDeadlineLeavesTimeToSaySo(t *testing.T) {
	t.Parallel()
	f := start(t, lambda.Function{Timeout: 1500 * time.Millisecond})
	pid := f.pid(t)
	a := f.open(t, get(t, "/until-done"))
	if body, err := a.read(); err != nil || a.StatusCode != 504 || body != context.DeadlineExceeded.Error() {
		t.Errorf("got %d %q, %v", a.StatusCode, body, err)
	}
	if again := f.pid(t); again != pid {
		t.Errorf("process %d serves, want the first one, %d", again, pid)
	}
}

// TestConcurrency has one process serve as many calls at once as it is told, streams and bare payloads.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const calls = 8
	f, g := start(t, lambda.Function{Concurrency: calls}), newGate(t)
	f.pid(t)
	var all sync.WaitGroup
	for range calls {
		event := get(t, "/stream?gate="+g.url)
		all.Go(func() {
			response, err := f.Invoke(t.Context(), "f", event)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err != nil || !strings.HasSuffix(string(body), "\x00first second") {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
	for range calls {
		g.wait(t) // all are in hand before one may go on
	}
	if n := len(f.Instances("f")); n != 1 {
		t.Errorf("%d processes, want one", n)
	}
	for range calls {
		g.open <- struct{}{}
	}
	all.Wait()
}
