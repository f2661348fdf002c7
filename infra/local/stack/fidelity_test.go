package stack_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

// onlyRequest is the one request that Azure has got since the last Reset.
func onlyRequest(t *testing.T, s *stack.Stack) azureopenai.Request {
	t.Helper()
	requests := s.Emulator.Requests()
	if len(requests) != 1 {
		t.Fatalf("Azure got %d requests, want one", len(requests))
	}
	return requests[0]
}

func TestRequestBytes(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	const body = `{ "zeta" : 1e400, "seed":9007199254740993, "model" :"gpt-4o", "messages":[{"role":"user","content":"Gr\u00fc\u00df \ud83d\ude00 </script>"}], "future_field":{"b":1,"a":[ ]} }` + "\n"
	r := call{path: "/v1/chat/completions", body: body}.do(t, s)
	if answer := mustText(t, r); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, answer)
	}
	if got := string(onlyRequest(t, s).Body); got != body {
		t.Errorf("Azure got\n%s\nwant\n%s", got, body)
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	call{path: "/v1/chat/completions", body: hello, header: map[string]string{
		"X-Ms-Client-Request-Id": "mine", "X-Stainless-Lang": "go", "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4",
	}}.do(t, s).Body.Close()
	header := onlyRequest(t, s).Header
	if header.Get("X-Ms-Client-Request-Id") != "mine" {
		t.Errorf("X-Ms-Client-Request-Id did not reach Azure: %v", header)
	}
	for _, name := range []string{"X-Stainless-Lang", "Cookie", "X-Forwarded-For", "X-Amzn-Trace-Id"} {
		if header.Get(name) != "" {
			t.Errorf("%s reached Azure", name)
		}
	}
}

// TestAnswerBytes queues what Azure might say and wants it back as it was.
func TestAnswerBytes(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	const whole = `{"id":"x","big":12345678901234567890,"unknown":{"z":1,"a":"\u00fc"},"prompt_filter_results":[{"prompt_index":0}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	const stream = `data: {"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"jailbreak":{"filtered":false}}}]}

data: {"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":"\u00fc"},"index":0}],"big":12345678901234567890,"usage":null}

`
	const usage = `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}

`
	const done = "data: [DONE]\n\n"
	const asked = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}`
	unasked := strings.Replace(asked, `,"stream_options":{"include_usage":true}`, "", 1)
	sse := map[string]string{"Content-Type": "text/event-stream"}
	tests := []struct {
		name, body string
		answer     azureopenai.Answer
		want       string
	}{
		{"whole", hello, azureopenai.Answer{Body: whole}, whole},
		{"stream, usage asked for", asked, azureopenai.Answer{Headers: sse, Body: stream + usage + done}, stream + usage + done},
		{"stream, usage not asked for", unasked, azureopenai.Answer{Headers: sse, Body: stream + usage + done}, stream + done},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.Emulator.QueueAnswer(test.answer)
			if got := mustText(t, call{path: "/v1/chat/completions", body: test.body}.do(t, s)); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestUsageIsMetered(t *testing.T) {
	t.Parallel()
	s, logs := start(t, stack.Options{})
	body := strings.Replace(hello, "{", `{"stream":true,`, 1)
	if got := mustText(t, call{path: "/v1/chat/completions", body: body}.do(t, s)); strings.Contains(got, `"usage":{`) || !strings.HasSuffix(got, "data: [DONE]\n\n") {
		t.Errorf("got %s", got)
	}
	testsync.Eventually(t, "the tokens are in the log", func() bool {
		return strings.Contains(logs.String(), `"output_tokens":1`) && strings.Contains(logs.String(), `"input_tokens":`)
	})
}

func TestRetirementsAreReported(t *testing.T) {
	t.Parallel()
	s, logs := start(t, stack.Options{})
	for range 2 {
		if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	const metric = `"Dimensions":[["stack"],["stack","resource","deployment"]],"Metrics":[{"Name":"DaysToRetirement","Unit":"None"}]`
	var lines []string
	testsync.Eventually(t, "a day of retirement is in the log", func() bool {
		lines = nil
		for line := range strings.Lines(logs.String()) {
			if strings.Contains(line, metric) && strings.Contains(line, `"function":"chat"`) && strings.Contains(line, `"deployment":"gpt-4o-mini",`) {
				lines = append(lines, line)
			}
		}
		return len(lines) > 0
	})
	if len(lines) > 1 {
		t.Errorf("%d lines of a day, want 1", len(lines))
	}
}

func TestContentFilter(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	prompt := func(text string) string { return strings.Replace(hello, "Say hello", text, 1) }
	refused := mustText(t, call{path: "/v1/chat/completions", body: prompt("trigger-violence")}.do(t, s))
	if e := decodeError(t, refused); e.code() != "content_filter" || e.param() != "prompt" || !strings.Contains(refused, `"innererror"`) || !strings.Contains(refused, `"content_filter_result"`) {
		t.Errorf("prompt: %s", refused)
	}
	filtered := mustText(t, call{path: "/v1/chat/completions", body: prompt("trigger-completion-hate")}.do(t, s))
	if !strings.Contains(filtered, `"finish_reason":"content_filter"`) || !strings.Contains(filtered, `"prompt_filter_results"`) {
		t.Errorf("completion: %s", filtered)
	}
	streamed := mustText(t, call{path: "/v1/chat/completions", body: strings.Replace(prompt("trigger-completion-hate"), "{", `{"stream":true,`, 1)}.do(t, s))
	if !strings.Contains(streamed, `"finish_reason":"content_filter"`) || !strings.Contains(streamed, `"prompt_filter_results"`) {
		t.Errorf("stream: %s", streamed)
	}
}

func TestRetryAfterReachesTheCaller(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	body := strings.Replace(hello, "Say hello", "[[fault: 429;retry-after=60;retry-after-ms=60000]]", 1)
	r := call{path: "/v1/chat/completions", body: body}.do(t, s)
	if e := decodeError(t, mustText(t, r)); r.StatusCode != 429 || r.Header.Get("Retry-After") != "60" || r.Header.Get("Retry-After-Ms") != "60000" || e.code() != "429" {
		t.Errorf("%d %v %+v", r.StatusCode, r.Header, e)
	}
	onlyRequest(t, s) // a wait that long is the caller's
}

// TestFirstByte reads the first event while the rest of the stream has not been made yet.
func TestFirstByte(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := stream(ctx, t, s, "Say hello [[fault: hang;after=2]]")
	defer r.Body.Close()
	line, err := bufio.NewReader(r.Body).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "data: {") {
		t.Fatalf("%q %v", line, err)
	}
	if request := onlyRequest(t, s); request.Done {
		t.Error("the stream had ended before its first event was read")
	}
}

func TestCancelReachesAzure(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	r := stream(ctx, t, s, "[[words: 100000]] [[fault: interval=1ms]]")
	if _, err := io.ReadFull(r.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.Body.Close()
	waiting, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := s.Emulator.WaitRequests(waiting, func(all []azureopenai.Request) bool { return len(all) == 1 && all[0].Cancelled }); err != nil {
		t.Fatalf("Azure went on: %v", err)
	}
	if status, body := (call{path: "/v1/chat/completions", body: hello}).answer(t, s); status != 200 {
		t.Errorf("the next call: %d %s", status, body)
	}
	if n := len(s.Host.Instances("ChatFunction")); n != 1 {
		t.Errorf("%d instances, want the one that was cancelled", n)
	}
}

// stream asks for a stream and returns when its header has come.
func stream(ctx context.Context, t *testing.T, s *stack.Stack, prompt string) *http.Response {
	t.Helper()
	body := `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"` + prompt + `"}]}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stack.CallerKey)
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}
