package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// stack is what is checked, as a caller sees it.
type stack struct {
	base, key             string
	model, embeddingModel string // "" until known
	listed                bool   // /models has answered
	checks                []check
}

// apiError is an answer in OpenAI's error shape.
type apiError struct {
	status  int
	Message string
	Code    any // Azure has numbers here, too
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %v: %s", e.status, e.Code, shorten(e.Message))
}

// send makes a call and returns an answer of status 200; the error is an *apiError if the answer has OpenAI's error shape.
func (s *stack) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, payload)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.do(r)
}

// do sends a request under the key.
func (s *stack) do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+s.key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w; is the stack running, and is BASE_URL its base URL?", err)
	}
	if answer.StatusCode == http.StatusOK {
		if answer.Header.Get("X-Request-Id") == "" {
			answer.Body.Close()
			return nil, errors.New("the answer has no x-request-id")
		}
		return answer, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // what arrived is enough
	var failure struct{ Error *apiError }
	if json.Unmarshal(text, &failure) != nil || failure.Error == nil || failure.Error.Message == "" {
		return nil, fmt.Errorf("%s %s answers %d without OpenAI's error: %q", r.Method, r.URL, answer.StatusCode, shorten(string(text)))
	}
	failure.Error.status = answer.StatusCode
	return nil, failure.Error
}

// callJSON makes a call whose answer is JSON.
func (s *stack) callJSON(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	answer, err := s.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	return answer.Header, decode(answer, into)
}

// decode reads an answer that is JSON to its end.
func decode(answer *http.Response, into any) error {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("the answer broke off after %d bytes: %w", len(text), err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer is not the JSON expected: %q", shorten(string(text)))
	}
	return nil
}

// eventStream are a stream, read to its end.
type eventStream struct {
	data                  []string // of each event except [DONE]
	done                  bool     // [DONE] came, and nothing after it
	buffered              bool     // the answer was not sent as it came
	firstAfter, lastAfter time.Duration
}

func (s *stack) streamEvents(ctx context.Context, path string, body any) (*eventStream, error) {
	start := time.Now()
	answer, err := s.send(ctx, "POST", path, body)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "text/event-stream" {
		return nil, fmt.Errorf("the answer's content type is %q, want text/event-stream", kind)
	}
	e := &eventStream{buffered: answer.ContentLength >= 0}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		e.lastAfter = time.Since(start)
		if len(e.data) == 0 {
			e.firstAfter = e.lastAfter
		}
		if data = strings.TrimSpace(data); data == "[DONE]" {
			e.done = true
			continue
		}
		e.done = false
		e.data = append(e.data, data)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the stream broke off after %d events: %w", len(e.data), err)
	}
	return e, nil
}

// shorten makes one line of a text, of limited length.
func shorten(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
