package azureopenai

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFaultStatuses(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		fault, path string
		status      int
		headers     map[string]string
		want        string
	}{
		{"429;retry-after=38", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", 429, map[string]string{"Retry-After": "38", "Retry-After-Ms": "", "X-Ratelimit-Remaining-Requests": "0"},
			"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 38 seconds."},
		{"429;retry-after-ms=1500;limit=tokens", chatPath, 429, map[string]string{"Retry-After": "", "Retry-After-Ms": "1500", "X-Ratelimit-Remaining-Tokens": "0"},
			"have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 2 seconds."},
		{"429", chatPath, 429, map[string]string{"Retry-After": "1", "Retry-After-Ms": "1000"}, "retry after 1 seconds"},
		{"429;retry-after=none", chatPath, 429, map[string]string{"Retry-After": "", "Retry-After-Ms": ""}, `"code":"429"`},
		{"408", chatPath, 408, nil, `{"error":{"code":"Timeout","message":"The operation was timeout."}}`},
		{"503;retry-after=7", chatPath, 503, map[string]string{"Retry-After": "7"}, string(errUnavailable.body)},
		{"500", chatPath, 500, map[string]string{"Ms-Azureml-Model-Error-Statuscode": "500"}, `"type":"server_error","param":null,"code":null`},
		{"502", chatPath, 502, nil, `"error"`},
		{"503", chatPath, 503, nil, string(errUnavailable.body)},
		{"504", chatPath, 504, nil, `"error"`},
		{"401", chatPath, 401, nil, string(errBadKey.body)},
		{"404", chatPath, 404, nil, string(errDeploymentNotFoundV1.body)},
		{"garbage", chatPath, 200, map[string]string{"Content-Type": "application/json"}, "not json"},
		{"garbage;status=502", chatPath, 502, map[string]string{"Content-Type": "text/html"}, "<h1>502 Bad Gateway</h1>"},
		{"delay=1ms", chatPath, 200, nil, "chat.completion"},
		{"partial;after=10", chatPath, 200, map[string]string{"Content-Length": "10"}, `{"choices"`},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			resp, body := do(t, "POST", url+tt.path, ask("hi"), "X-Emulator-Fault: "+tt.fault)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s", resp.StatusCode, body)
			}
			for name, want := range tt.headers {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if resp, _ := do(t, "POST", url+tt.path, ask("hi")); resp.StatusCode != 200 {
				t.Errorf("the next call has %d", resp.StatusCode)
			}
		})
	}
}

func TestBrokenStreams(t *testing.T) {
	s, url := start(t, nil)
	tests := []struct {
		fault  string
		whole  int // events that arrive in full
		broken bool
		end    string
	}{
		{"cut;after=3", 3, true, "\n\n"},
		{"reset;after=2", 2, true, "\n\n"},
		{"partial;after=4", 4, false, `"content":"`},
		{"error-event", 4, false, `"type":"server_error","param":null,"code":null}}` + "\n\n"},
		{"no-done", 0, false, `"finish_reason":"stop"`},
		{"interval=1ms", 0, false, "data: [DONE]\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			s.Reset()
			body := strings.Replace(ask("[[words: 8]] [[fault: "+tt.fault+"]]"), "{", `{"stream":true,`, 1)
			resp, err := open(t.Context(), "POST", url+chatPath, body)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if tt.broken != (err != nil) {
				t.Errorf("reading ends with %v", err)
			}
			text := string(got)
			if n := strings.Count(text, "\n\n"); tt.whole > 0 && n != tt.whole {
				t.Errorf("%d whole events, want %d", n, tt.whole)
			}
			if !strings.Contains(text[max(0, len(text)-400):], tt.end) || strings.Contains(text, "[DONE]") != strings.Contains(tt.end, "[DONE]") {
				t.Errorf("it ends in %s", text[max(0, len(text)-400):])
			}
			seen, err := s.WaitRequests(t.Context(), allDone)
			if err != nil || seen[0].Fault != tt.fault || seen[0].Cancelled {
				t.Errorf("recorded %+v, %v", seen, err)
			}
		})
	}
}

func allDone(seen []Request) bool {
	for _, r := range seen {
		if !r.Done {
			return false
		}
	}
	return len(seen) > 0
}

func TestBrokenConnections(t *testing.T) {
	_, url := start(t, nil)
	if _, err := open(t.Context(), "POST", url+chatPath, ask("hi"), "X-Emulator-Fault: close"); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("close: %v", err)
	}
	resp, err := open(t.Context(), "POST", url+chatPath, ask("hi"), "X-Emulator-Fault: cut;after=20")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 20 {
		t.Errorf("cut: %q, %v", got, err)
	}
}

func TestHangEndsWithTheClient(t *testing.T) {
	for _, fault := range []string{"hang", "hang;after=2", "delay=1h"} {
		t.Run(fault, func(t *testing.T) {
			s, url := start(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				resp, err := open(ctx, "POST", url+chatPath, strings.Replace(ask("hi"), "{", `{"stream":true,`, 1), "X-Emulator-Fault: "+fault)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				ended <- err
			}()
			if _, err := s.WaitRequests(t.Context(), func(seen []Request) bool { return len(seen) == 1 }); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("client: %v", err)
			}
			seen, err := s.WaitRequests(t.Context(), allDone)
			if err != nil || !seen[0].Cancelled || s.Counts().Cancelled != 1 {
				t.Errorf("recorded %+v, %v", seen, err)
			}
		})
	}
}

func TestFaultRules(t *testing.T) {
	s, url := start(t, nil)
	add := func(rule string) {
		t.Helper()
		if resp, body := do(t, "POST", url+"/_emulator/faults", rule); resp.StatusCode != 204 {
			t.Fatalf("%s: %d %s", rule, resp.StatusCode, body)
		}
	}
	add(`{"fault":"500","path":"/chat/completions","deployment":"gpt-4o","count":2}`)
	add(`{"fault":"503","path":"/embeddings","count":-1}`)
	statuses := func(n int, path, body string) (got []int) {
		for range n {
			resp, _ := do(t, "POST", url+path, body)
			got = append(got, resp.StatusCode)
		}
		return got
	}
	check := func(got []int, want ...int) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %v, want %v", got, want)
				return
			}
		}
	}
	check(statuses(1, chatPath, strings.Replace(ask("hi"), "gpt-4o", "gpt-4.1", 1)), 200)
	check(statuses(3, chatPath, ask("hi")), 500, 500, 200)
	embed := `{"model":"text-embedding-3-small","input":"x"}`
	check(statuses(2, "/openai/v1/embeddings", embed), 503, 503)
	if _, body := do(t, "GET", url+"/_emulator/faults", ""); body != `[{"fault":"503","path":"/embeddings","count":-3}]` {
		t.Errorf("listed: %s", body)
	}
	do(t, "DELETE", url+"/_emulator/faults", "")
	check(statuses(1, "/openai/v1/embeddings", embed), 200)
	check(statuses(3, chatPath, ask("[[fault: 500;times=2]]")), 500, 500, 200)
	if err := s.AddFault(FaultRule{Fault: "cut;after=soon"}); err == nil {
		t.Error("a bad option passes")
	}
}

func TestLiteralAnswers(t *testing.T) {
	s, url := start(t, nil)
	const whole = `{"z":9007199254740993,"a":"\u00e9\ud83d","nested":{"b":1,"a":2.50}}`
	s.QueueAnswer(Answer{Path: "/chat/completions", Status: 418, Headers: map[string]string{"X-Odd": "yes", "X-Ms-Region": "Mars"}, Body: whole})
	resp, body := do(t, "POST", url+chatPath, ask("hi"))
	if resp.StatusCode != 418 || body != whole || resp.Header.Get("X-Odd") != "yes" || resp.Header.Get("X-Ms-Region") != "Mars" {
		t.Errorf("got %d %s %v", resp.StatusCode, body, resp.Header)
	}
	const stream = "data: {\"n\":9007199254740993}\n\n: comment\n\ndata: [DONE]\n\n"
	request := `{"headers":{"Content-Type":"text/event-stream"},"body":` + quote(stream) + `}`
	for _, fault := range []string{"", "no-done", "interval=1ms"} {
		do(t, "POST", url+"/_emulator/answers", request)
		want := stream
		if fault == "no-done" {
			want = strings.TrimSuffix(stream, "data: [DONE]\n\n")
		}
		if _, body := do(t, "POST", url+chatPath, ask("hi"), "X-Emulator-Fault: "+fault); body != want {
			t.Errorf("%q: got %q", fault, body)
		}
	}
	if _, body := do(t, "POST", url+chatPath, ask("Say hi")); !strings.Contains(body, `"hi"`) {
		t.Errorf("after the answers are used up: %s", body)
	}
}

func TestWaitRequestsEndsWithItsContext(t *testing.T) {
	s := New(Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.WaitRequests(ctx, allDone); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
