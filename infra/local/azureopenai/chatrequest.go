package azureopenai

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// chatRequest is what the emulator reads of a chat completion's body.
type chatRequest struct {
	Messages            []chatMessage   `json:"messages"`
	Stream              bool            `json:"stream"`
	StreamOptions       *streamOptions  `json:"stream_options"`
	DataSources         json.RawMessage `json:"data_sources"`
	N                   *int            `json:"n"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	Stop                json.RawMessage `json:"stop"`
	Tools               []chatTool      `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls"`
	ReasoningEffort     string          `json:"reasoning_effort"`
	ResponseFormat      *struct {
		Type       string     `json:"type"`
		JSONSchema jsonSchema `json:"json_schema"`
	} `json:"response_format"`
}

type streamOptions struct {
	IncludeUsage       bool  `json:"include_usage"`
	IncludeObfuscation *bool `json:"include_obfuscation"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict"`
}

type chatMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

type chatTool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

// Limits of Azure's quota page.
const (
	maxMessages = 2048
	maxTools    = 128
	maxChoices  = 128
	maxChars    = 1048576
)

// conversation checks the request and brings it into the form that both APIs share. Wordings for which
// no body was seen on Azure are OpenAI's.
func (q *chatRequest) conversation(m model) (*conversation, error) {
	if err := q.checkLimits(m); err != nil {
		return nil, err
	}
	c := &conversation{effort: q.ReasoningEffort, parallel: q.ParallelToolCalls == nil || *q.ParallelToolCalls}
	for i := range q.Messages {
		msg, err := q.Messages[i].read(fmt.Sprintf("messages[%d]", i))
		if err != nil {
			return nil, err
		}
		c.messages = append(c.messages, msg)
	}
	if err := c.checkToolMessages(); err != nil {
		return nil, err
	}
	for i, t := range q.Tools {
		if err := c.addTool(t.Type, t.Function, fmt.Sprintf("tools[%d].function", i)); err != nil {
			return nil, err
		}
	}
	var err error
	if c.choice, err = readChoice(q.ToolChoice, c.tools); err != nil {
		return nil, err
	}
	if c.stop, err = readStop(q.Stop); err != nil {
		return nil, err
	}
	for _, limit := range []*int{q.MaxTokens, q.MaxCompletionTokens} {
		if limit != nil {
			c.limit = *limit
		}
	}
	c.format.kind = "text"
	if f := q.ResponseFormat; f != nil {
		return c, c.setFormat(f.Type, f.JSONSchema, "response_format")
	}
	return c, nil
}

func (q *chatRequest) checkLimits(m model) error {
	switch {
	case q.Messages == nil:
		return invalid("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	case len(q.Messages) == 0:
		return emptyArray("messages")
	case len(q.Messages) > maxMessages:
		return tooMany("messages", maxMessages, len(q.Messages))
	case len(q.Tools) > maxTools:
		return tooMany("tools", maxTools, len(q.Tools))
	case q.Tools != nil && len(q.Tools) == 0:
		return emptyArray("tools")
	case q.N != nil && *q.N > maxChoices:
		return invalid("n", "integer_above_max_value", "Invalid 'n': integer above maximum value. Expected a value <= %d, but got %d instead.", maxChoices, *q.N)
	case q.N != nil && *q.N < 1:
		return tooSmall("n", *q.N)
	case m.reasoning && q.MaxTokens != nil:
		return invalid("max_tokens", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	case m.toolsNeedNoReasoning && len(q.Tools) > 0 && q.ReasoningEffort != "none":
		return invalid("", "", "Function tools with reasoning_effort are not supported for this model") // form and further models unverified
	}
	for _, limit := range []struct {
		name  string
		value *int
	}{{"max_tokens", q.MaxTokens}, {"max_completion_tokens", q.MaxCompletionTokens}} {
		if err := checkMaxTokens(limit.name, limit.value, m); err != nil {
			return err
		}
	}
	return checkTemperature(q.Temperature, m)
}

func checkMaxTokens(name string, value *int, m model) error {
	switch {
	case value == nil:
		return nil
	case *value < 1:
		return tooSmall(name, *value)
	case m.maxOutput > 0 && *value > m.maxOutput:
		return invalid(name, "invalid_value", "%s is too large: %d. This model supports at most %d completion tokens, whereas you provided %d.", name, *value, m.maxOutput, *value)
	}
	return nil
}

func checkTemperature(t *float64, m model) error {
	switch {
	case t == nil:
		return nil
	case m.reasoning && *t != 1:
		return invalid("temperature", "unsupported_value", "Unsupported value: 'temperature' does not support %v with this model. Only the default (1) value is supported.", *t)
	case *t < 0:
		return invalid("temperature", "decimal_below_min_value", "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got %v instead.", *t)
	case *t > 2:
		return invalid("temperature", "decimal_above_max_value", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got %v instead.", *t)
	}
	return nil
}

func tooMany(param string, limit, got int) error {
	return invalid(param, "array_above_max_length", "Invalid '%s': array too long. Expected an array with maximum length %d, but got an array with length %d instead.", param, limit, got)
}

func emptyArray(param string) error {
	return invalid(param, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", param)
}

func tooSmall(param string, got int) error {
	return invalid(param, "integer_below_min_value", "Invalid '%s': integer below minimum value. Expected a value >= 1, but got %d instead.", param, got)
}

func tooLong(param string, got int) error {
	return invalid(param, "string_above_max_length", "Invalid '%s': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", param, maxChars, got)
}

var roles = []string{"system", "assistant", "user", "function", "tool", "developer"}

// read checks a message; at names it in errors.
func (m *chatMessage) read(param string) (message, error) {
	if !slices.Contains(roles, m.Role) {
		return message{}, invalid(param+".role", "invalid_value", "Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", m.Role)
	}
	msg := message{role: m.Role, callID: m.ToolCallID}
	for _, c := range m.ToolCalls {
		msg.calls = append(msg.calls, call{c.ID, c.Function.Name, c.Function.Arguments})
	}
	if len(m.Content) == 0 || string(m.Content) == "null" {
		if m.Role == "assistant" {
			return msg, nil
		}
		return msg, invalid(param+".content", "", "Invalid value for 'content': expected a string, got null.")
	}
	if err := msg.readContent(m.Content, param+".content"); err != nil {
		return msg, err
	}
	if len(msg.text) > maxChars {
		return msg, tooLong(param+".content", len(msg.text))
	}
	return msg, nil
}

// contentPart is a part of a message; the responses API writes image_url as a string.
type contentPart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	ImageURL json.RawMessage `json:"image_url"`
	Detail   string          `json:"detail"`
}

func (m *message) readContent(raw json.RawMessage, param string) error {
	if raw[0] == '"' {
		return json.Unmarshal(raw, &m.text)
	}
	var parts []contentPart
	if err := json.Unmarshal(raw, &parts); err != nil {
		return invalid(param, "invalid_type", "Invalid type for '%s': expected one of a string or array of objects, but got %s instead.", param, jsonType(raw))
	}
	var texts []string
	for i, p := range parts {
		switch p.Type {
		case "text", "input_text", "output_text":
			texts = append(texts, p.Text)
		case "refusal":
			texts = append(texts, p.Refusal)
		case "image_url", "input_image":
			img, err := p.image()
			if err != nil {
				return err
			}
			m.images = append(m.images, img)
		case "input_audio", "file", "input_file": // taken, and not looked into
		default:
			return invalid(fmt.Sprintf("%s[%d].type", param, i), "invalid_value", "Invalid value: '%s'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.", p.Type)
		}
	}
	m.text = strings.Join(texts, "\n")
	return nil
}

func (p *contentPart) image() (image, error) {
	var url string
	if json.Unmarshal(p.ImageURL, &url) == nil {
		return readImage(url, p.Detail)
	}
	var object struct{ URL, Detail string }
	if err := json.Unmarshal(p.ImageURL, &object); err != nil {
		return image{}, errBadImage()
	}
	return readImage(object.URL, object.Detail)
}

func jsonType(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '[':
		return "an array"
	case '{':
		return "an object"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "an integer"
}
