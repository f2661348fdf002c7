package azureopenai

import (
	"encoding/json"
	"fmt"
	"strings"
)

// responsesRequest is what the emulator reads of a body of POST responses.
type responsesRequest struct {
	Input              json.RawMessage `json:"input"`
	Instructions       *string         `json:"instructions"`
	MaxOutputTokens    *int            `json:"max_output_tokens"`
	Temperature        *float64        `json:"temperature"`
	TopP               *float64        `json:"top_p"`
	Stream             bool            `json:"stream"`
	StreamOptions      streamOptions   `json:"stream_options"`
	Background         bool            `json:"background"`
	Store              *bool           `json:"store"`
	PreviousResponseID *string         `json:"previous_response_id"`
	Tools              json.RawMessage `json:"tools"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls"`
	Reasoning          reasoningInfo   `json:"reasoning"`
	Text               json.RawMessage `json:"text"`
	User               *string         `json:"user"`
	Metadata           json.RawMessage `json:"metadata"`
}

// inputItem is one element of "input".
type inputItem struct {
	Type      string          `json:"type"` // "" is a message
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
}

// minOutputTokens is the least that max_output_tokens may be.
const minOutputTokens = 16

// conversation checks the request; it also returns the input as items that can be listed. Wordings are
// OpenAI's, on Azure unverified.
func (q *responsesRequest) conversation(x *exchange) (*conversation, []json.RawMessage, error) {
	m := x.deployment.model
	if err := q.check(m); err != nil {
		return nil, nil, err
	}
	c := &conversation{parallel: q.ParallelToolCalls == nil || *q.ParallelToolCalls}
	if q.Instructions != nil {
		c.messages = append(c.messages, message{role: "system", text: *q.Instructions})
		c.instructions = 1
	}
	if q.PreviousResponseID != nil {
		history, ok := x.server.responses.history(*q.PreviousResponseID)
		if !ok {
			return nil, nil, invalid("previous_response_id", "previous_response_not_found", "Previous response with id '%s' not found.", *q.PreviousResponseID)
		}
		c.messages = append(c.messages, history...)
	}
	items, err := q.items()
	if err != nil {
		return nil, nil, err
	}
	for i := range items {
		if err := c.addItem(items[i], fmt.Sprintf("input[%d]", i)); err != nil {
			return nil, nil, err
		}
		items[i] = withID(items[i], x.server)
	}
	if len(c.messages) == 0 {
		return nil, nil, emptyArray("input")
	}
	if q.MaxOutputTokens != nil {
		c.limit = *q.MaxOutputTokens
	}
	if q.Reasoning.Effort != nil {
		c.effort = *q.Reasoning.Effort
	}
	if err := q.readTools(c); err != nil {
		return nil, nil, err
	}
	return c, items, q.readFormat(c)
}

func (q *responsesRequest) check(m model) error {
	switch {
	case len(q.Input) == 0 || string(q.Input) == "null":
		return invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	case q.MaxOutputTokens != nil && *q.MaxOutputTokens < minOutputTokens:
		return invalid("max_output_tokens", "integer_below_min_value", "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= %d, but got %d instead.", minOutputTokens, *q.MaxOutputTokens)
	case q.Background && q.Store != nil && !*q.Store:
		return invalid("background", "", "Background mode requires 'store' to be true.")
	}
	return checkTemperature(q.Temperature, m)
}

// items returns the input as a list; a string is one message.
func (q *responsesRequest) items() ([]json.RawMessage, error) {
	var text string
	if json.Unmarshal(q.Input, &text) == nil {
		return []json.RawMessage{json.RawMessage(`{"type":"message","role":"user","content":[{"type":"input_text","text":` + quote(text) + `}]}`)}, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(q.Input, &items); err != nil {
		return nil, invalid("input", "invalid_type", "Invalid type for 'input': expected one of a string or array of input items, but got %s instead.", jsonType(q.Input))
	}
	if len(items) == 0 {
		return nil, emptyArray("input")
	}
	return items, nil
}

func (c *conversation) addItem(raw json.RawMessage, param string) error {
	var item inputItem
	if err := json.Unmarshal(raw, &item); err != nil {
		return invalidType(param, "an object", jsonType(raw))
	}
	switch item.Type {
	case "", "message":
		m := chatMessage{Role: item.Role, Content: item.Content}
		msg, err := m.read(param)
		if err != nil {
			return err
		}
		c.messages = append(c.messages, msg)
	case "function_call":
		c.messages = append(c.messages, message{role: "assistant", calls: []call{{item.CallID, item.Name, item.Arguments}}})
	case "function_call_output":
		if c.callName(item.CallID) == "" {
			return invalid("input", "", "No tool call found for function call output with call_id %s.", item.CallID)
		}
		msg := message{role: "tool", callID: item.CallID}
		if len(item.Output) == 0 {
			return invalid(param+".output", "missing_required_parameter", "Missing required parameter: '%s.output'.", param)
		}
		if err := msg.readContent(item.Output, param+".output"); err != nil {
			return err
		}
		c.messages = append(c.messages, msg)
	}
	return nil // other items, such as reasoning, say nothing to an emulator
}

// withID gives an item the id and type that it is listed with.
func withID(raw json.RawMessage, s *Server) json.RawMessage {
	o, ok := readOrdered(raw).(*object)
	if !ok || o.get("id") != nil {
		return raw
	}
	prefix := "msg_"
	if kind, _ := o.get("type").(string); strings.HasPrefix(kind, "function_call") {
		prefix = "fc_"
	} else if kind == "" {
		o.set("type", "message")
	}
	o.set("id", s.id(prefix, 48))
	return encode(o)
}

func (q *responsesRequest) readTools(c *conversation) error {
	if len(q.Tools) > 0 {
		var tools []struct {
			Type string `json:"type"`
			function
		}
		if err := json.Unmarshal(q.Tools, &tools); err != nil {
			return invalidType("tools", "an array of objects", jsonType(q.Tools))
		}
		if len(tools) > maxTools {
			return tooMany("tools", maxTools, len(tools))
		}
		for i, t := range tools {
			if err := c.addTool(t.Type, t.function, fmt.Sprintf("tools[%d]", i)); err != nil {
				return err
			}
		}
	}
	var err error
	c.choice, err = readChoice(q.ToolChoice, c.tools)
	return err
}

func (q *responsesRequest) readFormat(c *conversation) error {
	c.format.kind = "text"
	if len(q.Text) == 0 || string(q.Text) == "null" {
		return nil
	}
	var text struct {
		Format *struct {
			Type string `json:"type"`
			jsonSchema
		} `json:"format"`
	}
	if err := json.Unmarshal(q.Text, &text); err != nil {
		return badJSON(err)
	}
	if text.Format == nil {
		return nil
	}
	return c.setFormat(text.Format.Type, text.Format.jsonSchema, "text.format")
}
