package azureopenai

import (
	"encoding/json"
	"net/http"
)

// chat answers POST chat/completions. Answers are written with their keys in alphabetical order, as Azure
// writes them.
func (x *exchange) chat() error {
	var q chatRequest
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	c, err := q.conversation(x.deployment.model)
	if err != nil {
		return err
	}
	var o streamOptions
	if q.StreamOptions != nil {
		if q.DataSources != nil {
			return streamOptionsRefused(http.StatusBadRequest)
		}
		o = *q.StreamOptions
	}
	x.w.Header().Set("X-Ms-Rai-Invoked", "true")
	prompt, err := c.check(x.deployment)
	if err != nil {
		return err
	}
	n := 1
	if q.N != nil {
		n = *q.N
	}
	if err := x.countAgainstRate(prompt + n*max(c.limit, 16)); err != nil { // Azure counts 16 where no limit is given
		return err
	}
	answers := make([]completion, n)
	u := usage{PromptTokens: prompt}
	for i := range answers {
		answers[i] = c.complete(x.server, x.deployment.model, i)
		u.CompletionTokens += answers[i].tokens
		u.CompletionDetails.ReasoningTokens += answers[i].reasoning
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	if q.Stream {
		return x.streamChat(answers, u, o)
	}
	return x.wholeChat(answers, u)
}

type usage struct {
	CompletionTokens  int `json:"completion_tokens"`
	CompletionDetails struct {
		AcceptedPredictionTokens int `json:"accepted_prediction_tokens"`
		AudioTokens              int `json:"audio_tokens"`
		ReasoningTokens          int `json:"reasoning_tokens"`
		RejectedPredictionTokens int `json:"rejected_prediction_tokens"`
	} `json:"completion_tokens_details"`
	PromptTokens  int `json:"prompt_tokens"`
	PromptDetails struct {
		AudioTokens  int `json:"audio_tokens"`
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	TotalTokens int `json:"total_tokens"`
}

type chatAnswer struct {
	Choices             []chatChoice    `json:"choices"`
	Created             int64           `json:"created"`
	ID                  string          `json:"id"`
	Model               string          `json:"model"`
	Object              string          `json:"object"`
	PromptFilterResults json.RawMessage `json:"prompt_filter_results"`
	ServiceTier         string          `json:"service_tier"`
	SystemFingerprint   *string         `json:"system_fingerprint"`
	Usage               usage           `json:"usage"`
}

type chatChoice struct {
	ContentFilterResults json.RawMessage `json:"content_filter_results"`
	FinishReason         string          `json:"finish_reason"`
	Index                int             `json:"index"`
	Logprobs             *struct{}       `json:"logprobs"`
	Message              any             `json:"message"`
}

type answerMessage struct {
	Annotations []string   `json:"annotations"`
	Content     *string    `json:"content"`
	Refusal     *string    `json:"refusal"`
	Role        string     `json:"role"`
	ToolCalls   []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	Function struct {
		Arguments string `json:"arguments"`
		Name      string `json:"name"`
	} `json:"function"`
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (x *exchange) wholeChat(answers []completion, u usage) error {
	a := chatAnswer{
		Created: x.start.Unix(), ID: x.server.id("chatcmpl-", 29), Model: x.deployment.servedModel(), Object: "chat.completion",
		PromptFilterResults: json.RawMessage(promptResults), ServiceTier: "default", Usage: u,
	}
	for i, c := range answers {
		choice := chatChoice{FinishReason: c.finish, Index: i, Message: c.message(),
			ContentFilterResults: json.RawMessage(filterResults(safeCompletion, c.filtered))}
		if c.calls != nil {
			choice.ContentFilterResults = json.RawMessage("{}")
		}
		a.Choices = append(a.Choices, choice)
	}
	return x.sendJSON(http.StatusOK, encode(a))
}

func (c *completion) message() any {
	if c.filtered != "" { // Azure sends no content key at all
		return struct {
			Role string `json:"role"`
		}{"assistant"}
	}
	m := answerMessage{Annotations: []string{}, Role: "assistant"}
	if c.calls == nil {
		m.Content = &c.text
	}
	for _, call := range c.calls {
		t := toolCall{ID: call.id, Type: "function"}
		t.Function.Name, t.Function.Arguments = call.name, call.arguments
		m.ToolCalls = append(m.ToolCalls, t)
	}
	return m
}
