package lambda_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/testsync"
)

func TestInvokeDescribesItself(t *testing.T) {
	host := start(t, lambda.Function{Name: "f", Timeout: time.Minute, Env: map[string]string{"MINE": "yes"}})
	before := time.Now()
	d := describe(t, host)
	if want := "arn:aws:lambda:us-east-1:000000000000:function:f"; d.ARN != want {
		t.Errorf("arn %q, want %q", d.ARN, want)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(d.RequestID) {
		t.Errorf("request id %q", d.RequestID)
	}
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(d.Trace) {
		t.Errorf("trace %q", d.Trace)
	}
	if left := time.UnixMilli(d.Deadline).Sub(before); left < 50*time.Second || left > 70*time.Second {
		t.Errorf("deadline in %v, want a minute", left)
	}
	for _, want := range []string{"MINE=yes", "AWS_LAMBDA_FUNCTION_NAME=f", "AWS_REGION=us-east-1"} {
		if !slices.Contains(d.Env, want) {
			t.Errorf("environment lacks %s", want)
		}
	}
	for _, pair := range d.Env {
		if strings.HasPrefix(pair, "GO") || strings.HasPrefix(pair, "AWS_LAMBDA_MAX_CONCURRENCY") {
			t.Errorf("environment has %s", pair)
		}
	}
	if got := host.Instances("f"); !slices.Equal(got, []int{d.PID}) {
		t.Errorf("instances %v, want %d", got, d.PID)
	}
}

// TestExitInMidAnswer lets the bootstrap go only once its first bytes have been read.
func TestExitInMidAnswer(t *testing.T) {
	host := start(t, lambda.Function{})
	g := testsync.NewGate(t)
	response, err := host.Invoke(t.Context(), "f", []byte(gated(g, "exit later")))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, len("some"))); err != nil {
		t.Fatal(err)
	}
	g.Open()
	rest, err := io.ReadAll(response.Body)
	failure, ok := errors.AsType[*lambda.FunctionError](err)
	if !ok || len(rest) > 0 || failure.Type != "Runtime.ExitError" || !strings.HasSuffix(failure.Message, "Error: Runtime exited with error: exit status 1") {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestInvokeFailures(t *testing.T) {
	tests := []struct {
		name, do      string
		wantBody      string
		wantType      string
		wantMessage   string // after the request id
		wantSurvivors bool   // the instance lives on
	}{
		{name: "error", do: "fail", wantType: "refusedError", wantMessage: "no", wantSurvivors: true},
		{name: "panic", do: "panic", wantType: "string", wantMessage: "at the disco"},
		{name: "exit", do: "exit", wantType: "Runtime.ExitError", wantMessage: "Error: Runtime exited with error: exit status 1"},
		{name: "exit 0", do: "exit 0", wantType: "Runtime.ExitError", wantMessage: "Error: Runtime exited without providing a reason"},
		{name: "hang", do: "hang", wantType: "Sandbox.Timedout", wantMessage: "Error: Task timed out after 0.50 seconds"},
		{name: "error for a first byte", do: "fail first", wantType: "refusedError", wantMessage: "no more", wantSurvivors: true},
		{name: "error after some bytes", do: "fail later", wantBody: "some", wantType: "refusedError", wantMessage: "no more", wantSurvivors: true},
		{name: "hang after some bytes", do: "hang later", wantBody: "some", wantType: "Sandbox.Timedout", wantMessage: "Error: Task timed out after 0.50 seconds"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			host := start(t, lambda.Function{MaxInstances: 1, Timeout: 500 * time.Millisecond})
			pid := describe(t, host).PID
			body, err := call(t, host, `{"do":"`+test.do+`"}`)
			failure, ok := errors.AsType[*lambda.FunctionError](err)
			if !ok {
				t.Fatalf("got %q, %v; want a FunctionError", body, err)
			}
			_, message, found := strings.Cut(failure.Message, "RequestId: ")
			if found {
				_, message, _ = strings.Cut(message, " ")
			} else {
				message = failure.Message
			}
			if body != test.wantBody || failure.Type != test.wantType || message != test.wantMessage {
				t.Errorf("got %q, %q, %q; want %q, %q, %q", body, failure.Type, message, test.wantBody, test.wantType, test.wantMessage)
			}
			if !strings.Contains(string(failure.Payload), `"errorType":"`+test.wantType+`"`) {
				t.Errorf("payload %s", failure.Payload)
			}
			if got := describe(t, host).PID; (got == pid) != test.wantSurvivors {
				t.Errorf("next invocation by %d, the one before by %d; the same: want %t", got, pid, test.wantSurvivors)
			}
		})
	}
}

func TestInvokeRefusals(t *testing.T) {
	host := start(t, lambda.Function{})
	if _, err := host.Invoke(t.Context(), "nobody", nil); !errors.Is(err, lambda.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := host.Invoke(t.Context(), "f", make([]byte, 6291457)); !errors.Is(err, lambda.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if len(host.Instances("f")) != 0 {
		t.Error("an instance was started")
	}
}

func TestInvokeStreams(t *testing.T) {
	host := start(t, lambda.Function{})
	g := testsync.NewGate(t)
	response, err := host.Invoke(t.Context(), "f", []byte(gated(g, "stream")))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, len("first"))
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("got %q, %v", first, err)
	}
	g.Wait(t) // the function is not done
	g.Open()
	if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "second" {
		t.Fatalf("got %q, %v", rest, err)
	}
	if response.ContentType != "application/octet-stream" {
		t.Errorf("content type %q", response.ContentType)
	}
}

func TestInstancesAreReused(t *testing.T) {
	host := start(t, lambda.Function{MaxInstances: 1})
	pid := describe(t, host).PID
	for range 200 { // also: a caller that is done finds the instance free
		if got := describe(t, host).PID; got != pid {
			t.Fatalf("instance %d, want %d", got, pid)
		}
	}
}

func TestInstancesOnDemand(t *testing.T) {
	host := start(t, lambda.Function{MaxInstances: 2})
	g := testsync.NewGate(t)
	held := make(chan string, 2)
	hold := func() {
		body, err := call(t, host, gated(g, "hold"))
		if err != nil {
			t.Error(err)
		}
		held <- body
	}
	go hold()
	g.Wait(t)
	go hold()
	g.Wait(t)
	if _, err := call(t, host, `{}`); !errors.Is(err, lambda.ErrThrottled) {
		t.Fatalf("third: %v, want ErrThrottled", err)
	}
	g.Open()
	first := <-held
	g.Open()
	last := <-held
	if first == last {
		t.Fatalf("both by %s", first)
	}
	// Both are idle or about to be; settle that before asking for the most recent one.
	pids := host.Instances("f")
	if len(pids) != 2 {
		t.Fatalf("instances %v, want 2", pids)
	}
	recent := describe(t, host).PID
	for range 10 {
		if got := describe(t, host).PID; got != recent && !slices.Contains(pids, got) {
			t.Fatalf("instance %d, want one of %v", got, pids)
		}
	}
}

func TestConcurrencyOnOneInstance(t *testing.T) {
	const concurrency = 4
	host := start(t, lambda.Function{MaxInstances: 1, Concurrency: concurrency})
	g := testsync.NewGate(t)
	held := make(chan string, concurrency)
	for range concurrency { // all at once: one start is enough for them
		go func() {
			body, err := call(t, host, gated(g, "hold"))
			if err != nil {
				t.Error(err)
			}
			held <- body
		}()
	}
	for range concurrency {
		g.Wait(t)
	}
	if _, err := call(t, host, `{}`); !errors.Is(err, lambda.ErrThrottled) {
		t.Errorf("one more: %v, want ErrThrottled", err)
	}
	for range concurrency {
		g.Open()
	}
	pid := strconv.Itoa(host.Instances("f")[0])
	for range concurrency {
		if got := <-held; got != pid {
			t.Errorf("by %s, want %s", got, pid)
		}
	}
}

func TestInitFails(t *testing.T) {
	for _, test := range []struct {
		name      string
		bootstrap string
		wantType  string
	}{
		{name: "exits", wantType: "Runtime.ExitError"},
		{name: "is missing", bootstrap: filepath.Join(t.TempDir(), "bootstrap"), wantType: "Runtime.InvalidEntrypoint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logs testsync.LogBuffer
			host := startLogging(t, &logs, lambda.Function{Bootstrap: test.bootstrap, MaxInstances: 1, Env: map[string]string{"INIT": "exit"}})
			for range 2 {
				_, err := call(t, host, `{}`)
				if failure, ok := errors.AsType[*lambda.FunctionError](err); !ok || failure.Type != test.wantType {
					t.Fatalf("got %v, want %s", err, test.wantType)
				}
			}
			host.Close()
			if starts := strings.Count(logs.String(), "init\n"); test.bootstrap == "" && starts != 2 {
				t.Errorf("%d starts for 2 invocations", starts)
			}
			if reports := strings.Count(logs.String(), test.wantType); reports != 2 {
				t.Errorf("%d reports in the log, want 2:\n%s", reports, logs.String())
			}
		})
	}
}

func TestCallerLeavesDuringAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		goAway func(cancel func(), body io.Closer)
	}{
		{"context ends", func(cancel func(), _ io.Closer) { cancel() }},
		{"body is closed", func(_ func(), body io.Closer) { body.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := start(t, lambda.Function{MaxInstances: 1, Timeout: time.Minute})
			g := testsync.NewGate(t)
			pid := describe(t, host).PID
			for range 5 {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				response, err := host.Invoke(ctx, "f", []byte(gated(g, "endless")))
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				if _, err := io.ReadFull(response.Body, make([]byte, len("first"))); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error)
				go func() {
					_, err := response.Body.Read(make([]byte, 1))
					ended <- err
				}()
				test.goAway(cancel, response.Body)
				g.Wait(t) // the function's reader was closed
				g.Open()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("read ended with %v", err)
				}
				if got := describe(t, host).PID; got != pid {
					t.Fatalf("next by %d, want %d", got, pid)
				}
			}
		})
	}
}

func TestCallerLeavesBeforeAnswer(t *testing.T) {
	host := start(t, lambda.Function{MaxInstances: 1, Timeout: time.Minute})
	g := testsync.NewGate(t)
	pid := describe(t, host).PID
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := host.Invoke(ctx, "f", []byte(gated(g, "hold")))
		left <- err
	}()
	g.Wait(t)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := call(t, host, `{}`); !errors.Is(err, lambda.ErrThrottled) {
		t.Fatalf("while it works on: %v, want ErrThrottled", err)
	}
	g.Open()
	testsync.Eventually(t, "the instance is free", func() bool {
		_, err := call(t, host, `{}`)
		return err == nil
	})
	if got := describe(t, host).PID; got != pid {
		t.Errorf("next by %d, want %d", got, pid)
	}
}

func TestKilledInstance(t *testing.T) {
	host := start(t, lambda.Function{MaxInstances: 1})
	g := testsync.NewGate(t)
	response, err := host.Invoke(t.Context(), "f", []byte(gated(g, "endless")))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	pid := host.Instances("f")[0]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	failure, ok := errors.AsType[*lambda.FunctionError](err)
	if !ok || failure.Type != "Runtime.ExitError" || !strings.HasSuffix(failure.Message, "signal: killed") || string(body) != "first" {
		t.Fatalf("got %q, %v", body, err)
	}
	if got := describe(t, host).PID; got == pid {
		t.Errorf("still %d", got)
	}
}

func TestClose(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	host := start(t, lambda.Function{MaxInstances: 2, Timeout: time.Minute})
	g := testsync.NewGate(t)
	held := make(chan error)
	go func() {
		_, err := call(t, host, gated(g, "hold"))
		held <- err
	}()
	g.Wait(t)
	response, err := host.Invoke(t.Context(), "f", []byte(gated(g, "endless")))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	pids := host.Instances("f")
	if len(pids) != 2 {
		t.Fatalf("instances %v, want 2", pids)
	}
	host.Close()
	for _, pid := range pids {
		if process, err := os.FindProcess(pid); err == nil && process.Signal(syscall.Signal(0)) == nil {
			t.Errorf("%d lives", pid)
		}
	}
	if err := <-held; err == nil {
		t.Error("no error for who waited")
	}
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("no error for who read")
	}
	if _, err := host.Invoke(t.Context(), "f", nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	testsync.Eventually(t, "no goroutine is left", func() bool {
		return runtime.NumGoroutine() <= goroutines+3 // the gate's server
	})
}
