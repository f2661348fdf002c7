package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

// start serves an emulator; spoil, if not nil, wraps its handler.
func start(t *testing.T, spoil func(http.Handler) http.Handler) (*azureopenai.Server, *stack) {
	t.Helper()
	emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{"k"}})
	var handler http.Handler = emulator
	if spoil != nil {
		handler = spoil(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return emulator, &stack{base: server.URL + "/openai/v1", key: "k", checks: online}
}

// runAll runs the checks and returns each one's line by its name.
func runAll(t *testing.T, s *stack) (lines map[string]string, failed int) {
	t.Helper()
	var out bytes.Buffer
	failed = s.runChecks(t.Context(), &out)
	lines = make(map[string]string)
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		lines[s.checks[i].name] = line
	}
	if len(lines) != len(s.checks) {
		t.Fatalf("%d lines, want one for each check:\n%s", len(lines), out.String())
	}
	return lines, failed
}

func TestSound(t *testing.T) {
	_, s := start(t, nil)
	lines, failed := runAll(t, s)
	for name, want := range map[string]string{
		"models":     " models",
		"chat":       "gpt-4.1",
		"stream":     "[DONE] after",
		"embeddings": "2 vectors of 3072 numbers",
		"wrong key":  "refused: 401",
	} {
		if line := lines[name]; !strings.HasPrefix(line, "ok ") || !strings.Contains(line, want) {
			t.Errorf("%s: %q, want ok and %q", name, line, want)
		}
	}
	if failed != 0 {
		t.Errorf("%d failed", failed)
	}
}

func TestNamedModels(t *testing.T) {
	emulator, s := start(t, nil)
	s.model, s.embeddingModel = "gpt-4o-mini", "text-embedding-ada-002"
	if lines, failed := runAll(t, s); failed != 0 {
		t.Error(lines)
	}
	asked := make(map[string]int)
	for _, r := range emulator.Requests() {
		asked[r.Deployment]++
	}
	if asked["gpt-4o-mini"] != 2 || asked["text-embedding-ada-002"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(http.Handler) http.Handler
		change func(*stack)
		check  string // the one that fails
		want   string
	}{
		{"refused", withFault("429", `"model":"gpt-4.1"}`), nil, "chat", "429"},
		{"no JSON", withFault("garbage", `"input"`), nil, "embeddings", "JSON"},
		{"no error shape", withFault("garbage;status=502", `"input"`), nil, "embeddings", "502 without OpenAI's error"},
		{"no [DONE]", withFault("no-done", `"stream":true`), nil, "stream", "without [DONE]"},
		{"cut", withFault("cut", `"stream":true`), nil, "stream", "broke off after 3 events"},
		{"error event", withFault("error-event", `"stream":true`), nil, "stream", "broke off"},
		{"buffered", bufferAnswers, nil, "stream", "buffers"},
		{"no request id", withoutID, nil, "chat", "x-request-id"},
		{"anyone may call", acceptAnyKey, nil, "wrong key", "accepted"},
		{"unknown model", nil, func(s *stack) { s.embeddingModel = "none" }, "embeddings", "EMBEDDING_MODEL="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, s := start(t, test.spoil)
			if test.change != nil {
				test.change(s)
			}
			lines, failed := runAll(t, s)
			if line := lines[test.check]; failed != 1 || !strings.HasPrefix(line, "FAILED ") || !strings.Contains(line, test.want) {
				t.Errorf("%d failed, want %s alone with %q:\n%v", failed, test.check, test.want, lines)
			}
		})
	}
}

// withFault applies the emulator's fault to requests whose body has that text.
func withFault(fault, text string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(readBody(r), text) {
				r.Header.Set("X-Emulator-Fault", fault)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// readBody returns the request's body and leaves it to be read again.
func readBody(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}

// bufferAnswers sends every answer in one piece.
func bufferAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		maps.Copy(w.Header(), whole.Header())
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes())
	})
}

// withoutID takes x-request-id off whole chats.
func withoutID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body := readBody(r); strings.Contains(body, "messages") && !strings.Contains(body, "stream") {
			w = withoutRequestID{w}
		}
		next.ServeHTTP(w, r)
	})
}

type withoutRequestID struct{ http.ResponseWriter }

func (w withoutRequestID) WriteHeader(status int) {
	w.Header().Del("X-Request-Id")
	w.ResponseWriter.WriteHeader(status)
}

func (w withoutRequestID) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// acceptAnyKey lets every key pass.
func acceptAnyKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer k")
		next.ServeHTTP(w, r)
	})
}

func TestNothingThere(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	lines, failed := runAll(t, &stack{base: server.URL + "/v1", key: "k", checks: online})
	if failed != len(online) || !strings.Contains(lines["models"], "is the stack running") || !strings.Contains(lines["chat"], "since the check of models failed") {
		t.Errorf("%d failed: %v", failed, lines)
	}
}

func TestLocalBase(t *testing.T) {
	for port, want := range map[string]string{"": "http://127.0.0.1:8080/v1", "9090": "http://127.0.0.1:9090/v1"} {
		if got := localBase(port); got != want {
			t.Errorf("PORT=%s: %s, want %s", port, got, want)
		}
	}
}
