package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// models lists the models and picks those to ask.
func (s *stack) models(ctx context.Context) (string, error) {
	var list struct {
		Data []struct{ ID string }
	}
	if _, err := s.callJSON(ctx, "GET", "/models", nil, &list); err != nil {
		return "", err
	}
	s.listed = true
	for _, m := range list.Data {
		embeds := strings.Contains(m.ID, "embedding")
		if embeds && s.embeddingModel == "" {
			s.embeddingModel = m.ID
		}
		if !embeds && s.model == "" {
			s.model = m.ID
		}
	}
	return fmt.Sprintf("%d models", len(list.Data)), nil
}

// noModel is the error of a check that has no model to ask. A variable of that name would give it one.
func (s *stack) noModel(variable string) error {
	if !s.listed {
		return fmt.Errorf("no model to ask, since the check of models failed: name one with %s=", variable)
	}
	return fmt.Errorf("no model to ask, since /models lists none: name one with %s=, or give the secret deployments", variable)
}

type jsonObject map[string]any

func (s *stack) chatRequest() jsonObject {
	return jsonObject{"model": s.model, "messages": []jsonObject{{"role": "user", "content": "Say in one short sentence what smoke is."}}}
}

// usage is what an answer cost.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

func (s *stack) chat(ctx context.Context) (string, error) {
	if s.model == "" {
		return "", s.noModel("MODEL")
	}
	var completion struct {
		Model   string
		Choices []struct {
			Message      struct{ Content string }
			FinishReason string `json:"finish_reason"`
		}
		Usage usage
	}
	header, err := s.callJSON(ctx, "POST", "/chat/completions", s.chatRequest(), &completion)
	switch {
	case err != nil:
		return "", s.suggestModel(err, s.model, "MODEL")
	case len(completion.Choices) == 0 || completion.Choices[0].Message.Content == "":
		return "", fmt.Errorf("%s: the answer has no text in it", s.model)
	case completion.Usage.Completion == 0:
		return "", fmt.Errorf("%s: the answer has no usage", s.model)
	}
	return fmt.Sprintf("%s: %d + %d tokens, x-request-id %s", completion.Model, completion.Usage.Prompt, completion.Usage.Completion,
		header.Get("X-Request-Id")), nil
}

func (s *stack) stream(ctx context.Context) (string, error) {
	if s.model == "" {
		return "", s.noModel("MODEL")
	}
	body := s.chatRequest()
	body["stream"] = true
	events, err := s.streamEvents(ctx, "/chat/completions", body)
	if err != nil {
		return "", s.suggestModel(err, s.model, "MODEL")
	}
	var text strings.Builder
	for _, data := range events.data {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
			Error   *apiError
			Usage   *usage
		}
		switch err := json.Unmarshal([]byte(data), &chunk); {
		case err != nil:
			return "", fmt.Errorf("%s: an event is no JSON: %s", s.model, shorten(data))
		case chunk.Error != nil:
			return "", fmt.Errorf("%s: the stream broke off: %w", s.model, chunk.Error)
		case chunk.Usage != nil && len(chunk.Choices) == 0:
			return "", fmt.Errorf("%s: a usage chunk came, though none was asked for", s.model)
		}
		for _, c := range chunk.Choices {
			text.WriteString(c.Delta.Content)
		}
	}
	switch {
	case !events.done:
		return "", fmt.Errorf("%s: the stream ended without [DONE] after %d events", s.model, len(events.data))
	case events.buffered:
		return "", fmt.Errorf("%s: the answer came whole (it has a Content-Length): something on the way buffers", s.model)
	case text.Len() == 0 || len(events.data) < 2:
		return "", fmt.Errorf("%s: %d events with %d bytes of text, want more of both", s.model, len(events.data), text.Len())
	}
	return fmt.Sprintf("%s: first of %d events after %d ms, [DONE] after %d ms", s.model, len(events.data),
		events.firstAfter.Milliseconds(), events.lastAfter.Milliseconds()), nil
}

func (s *stack) embeddings(ctx context.Context) (string, error) {
	if s.embeddingModel == "" {
		return "", s.noModel("EMBEDDING_MODEL")
	}
	var list struct {
		Model string
		Data  []struct {
			Index     int
			Embedding []float64
		}
	}
	body := jsonObject{"model": s.embeddingModel, "input": []string{"smoke", "fire"}, "encoding_format": "float"}
	if _, err := s.callJSON(ctx, "POST", "/embeddings", body, &list); err != nil {
		return "", s.suggestModel(err, s.embeddingModel, "EMBEDDING_MODEL")
	}
	if len(list.Data) != 2 || list.Data[0].Index != 0 || list.Data[1].Index != 1 {
		return "", fmt.Errorf("%s: %d vectors, want the two asked for, in order", s.embeddingModel, len(list.Data))
	}
	first, second := list.Data[0].Embedding, list.Data[1].Embedding
	if len(first) == 0 || len(first) != len(second) || slices.Equal(first, second) {
		return "", fmt.Errorf("%s: vectors of %d and %d numbers, want two unlike ones of one length", s.embeddingModel, len(first), len(second))
	}
	return fmt.Sprintf("%s: 2 vectors of %d numbers", list.Model, len(first)), nil
}

func (s *stack) wrongKey(ctx context.Context) (string, error) {
	stranger := *s
	stranger.key = "sk-wrong-on-purpose"
	_, err := stranger.callJSON(ctx, "GET", "/models", nil, new(jsonObject))
	var refusal *apiError
	switch {
	case err == nil:
		return "", errors.New("a key that nobody has was accepted")
	case !errors.As(err, &refusal) || refusal.status != http.StatusUnauthorized:
		return "", fmt.Errorf("want 401 in OpenAI's error shape, got %w", err)
	}
	return fmt.Sprintf("refused: 401 %v", refusal.Code), nil
}

// suggestModel adds to a 404 how to name another model than the one that was picked.
func (s *stack) suggestModel(err error, model, variable string) error {
	var refusal *apiError
	if errors.As(err, &refusal) && refusal.status == http.StatusNotFound {
		return fmt.Errorf("%s: %w (%s= names another)", model, err, variable)
	}
	return fmt.Errorf("%s: %w", model, err)
}
