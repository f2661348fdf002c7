package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// tokens counts a text by both of the operations that count.
func (s *stack) tokens(ctx context.Context) (string, error) {
	if s.model == "" {
		return "", s.noModel("MODEL")
	}
	var count, estimate struct {
		Tokens int `json:"input_tokens"`
	}
	if _, err := s.callJSON(ctx, "POST", "/responses/input_tokens", jsonObject{"model": s.model, "input": "smoke"}, &count); err != nil {
		return "", err
	}
	if _, err := s.callJSON(ctx, "POST", "/tokens/estimate", s.chatRequest(), &estimate); err != nil {
		return "", err
	}
	if count.Tokens < 1 || estimate.Tokens <= count.Tokens {
		return "", fmt.Errorf("%s: %d tokens in a word and %d in a question", s.model, count.Tokens, estimate.Tokens)
	}
	return fmt.Sprintf("%s: %d in a word, %d in a question", s.model, count.Tokens, estimate.Tokens), nil
}

// batchTimeout is how long a batch is waited for. One of Azure's takes minutes to hours, so that it is then
// cancelled: that it was taken up is what can be checked.
const batchTimeout = 20 * time.Second

type batchObject struct {
	ID      string
	Status  string
	Output  string `json:"output_file_id"`
	Request struct {
		Total     int
		Completed int
	} `json:"request_counts"`
}

// batch has a file of two lines answered.
func (s *stack) batch(ctx context.Context) (string, error) {
	if s.model == "" {
		return "", s.noModel("MODEL")
	}
	file, err := s.upload(ctx)
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	defer s.callJSON(context.WithoutCancel(ctx), "DELETE", "/files/"+file, nil, new(jsonObject))
	var b batchObject
	order := jsonObject{"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
	if _, err := s.callJSON(ctx, "POST", "/batches", order, &b); err != nil {
		return "", err
	}
	for end := time.Now().Add(batchTimeout); ; {
		switch b.Status {
		case "completed":
			return s.batchAnswers(ctx, b)
		case "validating", "in_progress", "finalizing":
		default:
			return "", fmt.Errorf("%s is %s", b.ID, b.Status)
		}
		if time.Now().After(end) {
			if _, err := s.callJSON(ctx, "POST", "/batches/"+b.ID+"/cancel", jsonObject{}, &b); err != nil {
				return "", err
			}
			return fmt.Sprintf("%s was under way after %v, and is cancelled", b.ID, batchTimeout), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		if _, err := s.callJSON(ctx, "GET", "/batches/"+b.ID, nil, &b); err != nil {
			return "", err
		}
	}
}

func (s *stack) batchAnswers(ctx context.Context, b batchObject) (string, error) {
	answer, err := s.send(ctx, "GET", "/files/"+b.Output+"/content", nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 || b.Request.Completed != 2 {
		return "", fmt.Errorf("%s has %d lines of output and %d completed, want 2", b.ID, len(lines), b.Request.Completed)
	}
	for i, line := range lines {
		if want := fmt.Sprintf(`"custom_id":"smoke-%d"`, i+1); !strings.Contains(line, want) {
			return "", fmt.Errorf("line %d of the output has no %s: %s", i+1, want, shorten(line))
		}
	}
	return b.ID + ": 2 lines answered, in order", nil
}

// upload sends a file of two lines, as SDKs do.
func (s *stack) upload(ctx context.Context) (id string, err error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	err = w.WriteField("purpose", "batch")
	part, partErr := w.CreateFormFile("file", "smoke.jsonl")
	if err = errors.Join(err, partErr); err != nil {
		return "", err
	}
	lines := json.NewEncoder(part)
	for i := range 2 {
		line := jsonObject{"custom_id": fmt.Sprintf("smoke-%d", i+1), "method": "POST", "url": "/v1/chat/completions", "body": s.chatRequest()}
		if err := lines.Encode(line); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, "POST", s.base+"/files", &form)
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	answer, err := s.do(r)
	if err != nil {
		return "", err
	}
	var file struct{ ID string }
	err = decode(answer, &file)
	return file.ID, err
}
