package azureopenai

import (
	"encoding/json"
	"net/http"
)

// response is an object of the responses API.
type response struct {
	ID                 string          `json:"id"`
	Object             string          `json:"object"`
	CreatedAt          int64           `json:"created_at"`
	Status             string          `json:"status"`
	Background         bool            `json:"background"`
	Error              *struct{}       `json:"error"`
	IncompleteDetails  *incomplete     `json:"incomplete_details"`
	Instructions       *string         `json:"instructions"`
	MaxOutputTokens    *int            `json:"max_output_tokens"`
	Model              string          `json:"model"`
	Output             []outputItem    `json:"output"`
	ParallelToolCalls  bool            `json:"parallel_tool_calls"`
	PreviousResponseID *string         `json:"previous_response_id"`
	Reasoning          reasoningInfo   `json:"reasoning"`
	ServiceTier        string          `json:"service_tier"`
	Store              bool            `json:"store"`
	Temperature        float64         `json:"temperature"`
	Text               json.RawMessage `json:"text"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	Tools              json.RawMessage `json:"tools"`
	TopP               float64         `json:"top_p"`
	Truncation         string          `json:"truncation"`
	Usage              *responseUsage  `json:"usage"`
	User               *string         `json:"user"`
	Metadata           json.RawMessage `json:"metadata"`
}

type incomplete struct {
	Reason string `json:"reason"`
}

type reasoningInfo struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type responseUsage struct {
	InputTokens  int `json:"input_tokens"`
	InputDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens  int `json:"output_tokens"`
	OutputDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int `json:"total_tokens"`
}

// outputItem is one of the things a model puts out; which fields are there depends on its type.
type outputItem struct {
	ID        string        `json:"id"`
	Type      string        `json:"type"` // message, function_call or reasoning
	Status    string        `json:"status,omitempty"`
	Summary   []string      `json:"summary,omitzero"`
	Arguments *string       `json:"arguments,omitempty"`
	CallID    string        `json:"call_id,omitempty"`
	Name      string        `json:"name,omitempty"`
	Content   []contentItem `json:"content,omitzero"`
	Role      string        `json:"role,omitempty"`
}

type contentItem struct {
	Type        string   `json:"type"`
	Annotations []string `json:"annotations"`
	Logprobs    []string `json:"logprobs"`
	Text        string   `json:"text"`
}

func outputText(text string) contentItem {
	return contentItem{"output_text", []string{}, []string{}, text}
}

// createResponse answers POST responses.
func (x *exchange) createResponse() error {
	var q responsesRequest
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	c, items, err := q.conversation(x)
	if err != nil {
		return err
	}
	x.w.Header().Set("X-Ms-Rai-Invoked", "true")
	prompt, err := c.check(x.deployment)
	if err != nil {
		return err
	}
	if err := x.countAgainstRate(prompt + max(c.limit, 16)); err != nil {
		return err
	}
	answer := c.complete(x.server, x.deployment.model, 0)
	resp := q.response(x, prompt, &answer)
	stored := &storedResponse{final: *resp, items: items, history: answer.append(c.withoutInstructions())}
	if q.Background && !q.Stream {
		stored.state = "queued"
	}
	if resp.Store {
		x.server.responses.put(stored)
	}
	if q.Stream {
		return x.streamResponse(resp)
	}
	return x.sendJSON(http.StatusOK, encode(stored.view()))
}

// response fills in the object as it is once the answer is complete.
func (q *responsesRequest) response(x *exchange, prompt int, a *completion) *response {
	r := &response{
		ID: x.server.id("resp_", 48), Object: "response", CreatedAt: x.start.Unix(), Status: "completed",
		Background: q.Background, Instructions: q.Instructions, MaxOutputTokens: q.MaxOutputTokens, Model: x.deployment.servedModel(),
		ParallelToolCalls: q.ParallelToolCalls == nil || *q.ParallelToolCalls, PreviousResponseID: q.PreviousResponseID,
		Reasoning: q.Reasoning, ServiceTier: "default", Store: q.Store == nil || *q.Store, Temperature: 1, TopP: 1,
		Text: orDefault(q.Text, `{"format":{"type":"text"}}`), ToolChoice: orDefault(q.ToolChoice, `"auto"`), Tools: orDefault(q.Tools, `[]`),
		Truncation: "disabled", User: q.User, Metadata: orDefault(q.Metadata, `{}`),
	}
	if q.Temperature != nil {
		r.Temperature = *q.Temperature
	}
	if q.TopP != nil {
		r.TopP = *q.TopP
	}
	itemStatus := "completed"
	switch a.finish {
	case "length":
		r.Status, itemStatus, r.IncompleteDetails = "incomplete", "incomplete", &incomplete{"max_output_tokens"}
	case "content_filter":
		r.Status, itemStatus, r.IncompleteDetails = "incomplete", "incomplete", &incomplete{"content_filter"}
	}
	r.Output = a.items(x.server, itemStatus)
	u := &responseUsage{InputTokens: prompt, OutputTokens: a.tokens, TotalTokens: prompt + a.tokens}
	u.OutputDetails.ReasoningTokens = a.reasoning
	r.Usage = u
	return r
}

func orDefault(raw json.RawMessage, otherwise string) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage(otherwise)
	}
	return raw
}

func (c *completion) items(s *Server, status string) []outputItem {
	items := []outputItem{}
	if c.reasoning > 0 {
		items = append(items, outputItem{ID: s.id("rs_", 48), Type: "reasoning", Summary: []string{}})
	}
	for _, call := range c.calls {
		items = append(items, outputItem{ID: s.id("fc_", 48), Type: "function_call", Status: status, Arguments: &call.arguments, CallID: call.id, Name: call.name})
	}
	if c.calls == nil && c.tokens > c.reasoning {
		items = append(items, outputItem{ID: s.id("msg_", 48), Type: "message", Status: status, Content: []contentItem{outputText(c.text)}, Role: "assistant"})
	}
	return items
}

// append adds the answer to the messages that led to it.
func (c *completion) append(messages []message) []message {
	return append(messages[:len(messages):len(messages)], message{role: "assistant", text: c.text, calls: c.calls})
}

func (c *conversation) withoutInstructions() []message { return c.messages[c.instructions:] }

// getResponse answers GET responses/{id}.
func (x *exchange) getResponse() error {
	r, ok := x.server.responses.advance(x.route.id)
	if !ok {
		return noResponse(x.route.id)
	}
	return x.sendJSON(http.StatusOK, encode(r))
}

// deleteResponse answers DELETE responses/{id}.
func (x *exchange) deleteResponse() error {
	if !x.server.responses.remove(x.route.id) {
		return noResponse(x.route.id)
	}
	return x.sendJSON(http.StatusOK, []byte(`{"id":`+quote(x.route.id)+`,"object":"response","deleted":true}`))
}

// cancelResponse answers POST responses/{id}/cancel.
func (x *exchange) cancelResponse() error {
	r, found, err := x.server.responses.cancel(x.route.id)
	if !found {
		return noResponse(x.route.id)
	}
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusOK, encode(r))
}

// listInputItems answers GET responses/{id}/input_items; newest first unless order=asc.
func (x *exchange) listInputItems() error {
	items, ok := x.server.responses.inputItems(x.route.id)
	if !ok {
		return noResponse(x.route.id)
	}
	page, err := pageOf(items, x.r.URL.Query(), 20)
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusOK, encode(page))
}

func noResponse(id string) error { // unverified on Azure
	e := invalid("", "", "Response with id '%s' not found.", id)
	e.status = http.StatusNotFound
	return e
}
