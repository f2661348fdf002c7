package stack_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

func TestAzureFaults(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{Parameters: map[string]string{"FirstByteTimeout": "500ms", "IdleTimeout": "500ms"}})
	tests := []struct {
		name, fault string
		stream      bool
		status      int
		code        string
		broken      bool // the answer has no clean end
		tries       int
	}{
		{name: "503 once", fault: "503;retry-after-ms=10;times=1", status: 200, tries: 2},
		{name: "429 once", fault: "429;retry-after-ms=10;retry-after=none;times=1", status: 200, tries: 2},
		{name: "503 once, stream", fault: "503;retry-after-ms=10;times=1", stream: true, status: 200, tries: 2},
		{name: "503 for good", fault: "503;retry-after-ms=1", status: 503, code: "InternalServerError", tries: 3},
		{name: "500", fault: "500;retry-after-ms=1", status: 500, tries: 1},
		{name: "408", fault: "408;retry-after-ms=1", status: 408, code: "Timeout", tries: 1},
		{name: "no first byte", fault: "hang", status: 504, code: "timeout", tries: 1},
		{name: "closed without an answer", fault: "close", status: 502, code: "upstream_connection_lost", tries: 1},
		{name: "cut in an answer", fault: "cut", status: 502, code: "upstream_connection_lost", tries: 1},
		{name: "garbage", fault: "garbage", status: 502, code: "upstream_invalid_response", tries: 1},
		{name: "cut in a stream", fault: "cut;after=3", stream: true, status: 200, code: "upstream_connection_lost", broken: true, tries: 1},
		{name: "reset in a stream", fault: "reset;after=3", stream: true, status: 200, code: "upstream_connection_lost", broken: true, tries: 1},
		{name: "half an event", fault: "partial;after=3", stream: true, status: 200, code: "upstream_connection_lost", broken: true, tries: 1},
		{name: "a proper end too early", fault: "end;after=3", stream: true, status: 200, code: "upstream_connection_lost", broken: true, tries: 1},
		{name: "silence in a stream", fault: "hang;after=3", stream: true, status: 200, code: "timeout", broken: true, tries: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.Emulator.Reset()
			body := strings.Replace(hello, "Say hello", "Say a b c d e f g h [[fault: "+test.fault+"]]", 1)
			if test.stream {
				body = strings.Replace(body, "{", `{"stream":true,`, 1)
			}
			r := call{path: "/v1/chat/completions", body: body}.do(t, s)
			answer, err := text(t, r)
			if r.StatusCode != test.status || (err != nil) != test.broken {
				t.Fatalf("status %d, end %v: %s", r.StatusCode, err, answer)
			}
			if n := len(s.Emulator.Requests()); n != test.tries {
				t.Errorf("Azure was asked %d times, want %d", n, test.tries)
			}
			if strings.Contains(answer, "[DONE]") != (test.stream && !test.broken) {
				t.Errorf("[DONE] in %s", answer)
			}
			switch {
			case test.broken:
				events := strings.Split(strings.TrimSpace(answer), "\n\n")
				answer = strings.TrimPrefix(events[len(events)-1], "data: ")
				fallthrough
			case test.status != 200:
				if e := decodeError(t, answer); test.code != "" && e.code() != test.code {
					t.Errorf("got %s", answer)
				}
			}
		})
	}
	if n := len(s.Host.Instances("ChatFunction")); n != 1 {
		t.Errorf("%d instances live on, want the first one", n)
	}
}

func TestSecretMissing(t *testing.T) {
	t.Parallel()
	s, logs := start(t, stack.Options{})
	for _, tt := range []struct {
		id, code string
		status   int
		final    bool
	}{
		{s.Template.Parameters["AzureSecretId"], "configuration_error", 500, true},
		{s.CallersSecretID(), "no_callers", 401, false}, // as after a first deployment
	} {
		id := tt.id
		secret, _ := s.Secrets.Get(id)
		s.Secrets.Remove(id)
		restart(t, s)
		r := call{path: "/v1/chat/completions", body: hello}.do(t, s)
		if e := decodeError(t, mustText(t, r)); r.StatusCode != tt.status || e.code() != tt.code || (r.Header.Get("X-Should-Retry") == "false") != tt.final {
			t.Errorf("%s: %d %+v", id, r.StatusCode, e)
		}
		if !strings.Contains(logs.String(), `"secret not read","release":"unreleased","secret":"`+id+`"`) {
			t.Errorf("%s is not in the log", id)
		}
		s.Secrets.Put(id, secret)
		testsync.Eventually(t, "the mended secret is used", func() bool {
			status, _ := call{path: "/v1/chat/completions", body: hello}.answer(t, s)
			return status == 200
		})
	}
}

func TestSecretWrong(t *testing.T) {
	t.Parallel()
	s, logs := start(t, stack.Options{})
	id := s.Template.Parameters["AzureSecretId"]
	s.Secrets.Put(id, `{"endpoint":"my-resource.openai.azure.com","api_key":"top-secret-key"}`)
	r := call{path: "/v1/chat/completions", body: hello}.do(t, s)
	if e := decodeError(t, mustText(t, r)); r.StatusCode != 500 || e.code() != "configuration_error" {
		t.Errorf("%d %+v", r.StatusCode, e)
	}
	if !strings.Contains(logs.String(), `endpoint is not a URL, want for example`) || strings.Contains(logs.String(), "top-secret-key") {
		t.Error("the log does not name the field, or shows the key")
	}
}

// TestRotationUnderLoad changes Azure's key at the same moment as the secret, while calls are under way. None may fail.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	id := s.Template.Parameters["AzureSecretId"]
	secret, _ := s.Secrets.Get(id)
	_, rest, _ := strings.Cut(secret, `"api_key":"`)
	key, _, _ := strings.Cut(rest, `"`)
	put := func(to string) {
		secret = strings.Replace(secret, `"api_key":"`+key+`"`, `"api_key":"`+to+`"`, 1)
		s.Secrets.Put(id, secret)
		s.Emulator.SetAPIKeys(to)
		key = to
	}
	var workers sync.WaitGroup
	var calls atomic.Int64
	stop := make(chan struct{})
	for range 4 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != 200 {
					t.Errorf("%d %s", status, body)
					return
				}
				calls.Add(1)
			}
		})
	}
	after := func(n int64) {
		from := calls.Load()
		testsync.Eventually(t, "calls go on", func() bool { return t.Failed() || calls.Load() >= from+n })
	}
	after(20)
	put("second-key")
	after(40)
	close(stop)
	workers.Wait()
}

func TestBootstrapKilled(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	r := stream(t.Context(), t, s, "Say hello [[fault: hang;after=2]]")
	defer r.Body.Close()
	if _, err := io.ReadFull(r.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	restart(t, s)
	if _, err := io.ReadAll(r.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the answer of a killed bootstrap ends with %v", err)
	}
	if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != 200 {
		t.Errorf("the next call: %d %s", status, body)
	}
}

// restart kills the bootstraps of the chat function.
func restart(t *testing.T, s *stack.Stack) {
	t.Helper()
	for _, pid := range s.Host.Instances("ChatFunction") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	testsync.Eventually(t, "the bootstraps have ended", func() bool { return len(s.Host.Instances("ChatFunction")) == 0 })
}
