package azureopenai

import (
	"encoding/json"
	"fmt"
	"strings"
)

// checkToolMessages wants every tool's message to answer a call, and every call to be answered.
func (c *conversation) checkToolMessages() error {
	open := make(map[string]bool)
	var order []string
	unanswered := func() error {
		var missing []string
		for _, id := range order {
			if open[id] {
				missing = append(missing, id)
			}
		}
		if missing == nil {
			return nil
		}
		return invalid("messages", "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(missing, ", "))
	}
	for i, m := range c.messages {
		if m.role == "tool" {
			if !open[m.callID] {
				return invalid(fmt.Sprintf("messages.[%d].role", i), "", "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
			}
			open[m.callID] = false
			continue
		}
		if err := unanswered(); err != nil {
			return err
		}
		order = order[:0]
		for _, call := range m.calls {
			open[call.id] = true
			order = append(order, call.id)
		}
	}
	return unanswered()
}

// addTool checks a function and adds it; other kinds of tools are taken and never called.
func (c *conversation) addTool(kind string, f function, param string) error {
	if kind != "function" {
		return nil
	}
	if f.Name == "" {
		return invalid(param+".name", "missing_required_parameter", "Missing required parameter: '%s.name'.", param)
	}
	if len(f.Description) > maxChars {
		return tooLong(param+".description", len(f.Description))
	}
	if string(f.Parameters) == "null" {
		f.Parameters = nil
	}
	if f.Strict && f.Parameters != nil {
		if wrong := checkStrict(readOrdered(f.Parameters), ""); wrong != "" {
			return invalid(param+".parameters", "invalid_function_parameters", "Invalid schema for function '%s': %s", f.Name, wrong)
		}
	}
	c.tools = append(c.tools, tool{f.Name, f.Description, f.Parameters})
	return nil
}

// readChoice reads tool_choice in either API's form.
func readChoice(raw json.RawMessage, tools []tool) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "auto", nil
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		switch {
		case word != "none" && word != "auto" && word != "required":
			return "", invalid("tool_choice", "invalid_value", "Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", word)
		case len(tools) == 0 && word == "required":
			return "", invalid("tool_choice", "", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
		}
		return word, nil
	}
	var choice struct {
		Name     string
		Function struct{ Name string }
	}
	if err := json.Unmarshal(raw, &choice); err != nil {
		return "", invalid("tool_choice", "invalid_type", "Invalid type for 'tool_choice': expected one of an object or 'none', 'auto', or 'required', but got %s instead.", jsonType(raw))
	}
	name := choice.Name + choice.Function.Name // one of them is there
	for _, t := range tools {
		if t.name == name {
			return "=" + name, nil
		}
	}
	if name == "" { // a choice of tools that the emulator does not have
		return "auto", nil
	}
	return "", invalid("tool_choice", "", "Tool choice '%s' not found in 'tools' parameter.", name)
}

func readStop(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var several []string
	if err := json.Unmarshal(raw, &several); err != nil {
		return nil, invalid("stop", "invalid_type", "Invalid type for 'stop': expected one of a string or array of strings, but got %s instead.", jsonType(raw))
	}
	if len(several) > 4 {
		return nil, tooMany("stop", 4, len(several))
	}
	return several, nil
}

// setFormat checks what form the answer must have; param names the field in errors.
func (c *conversation) setFormat(kind string, s jsonSchema, param string) error {
	c.format = format{kind, s.Schema}
	switch kind {
	case "text":
	case "json_object":
		for _, m := range c.messages {
			if strings.Contains(strings.ToLower(m.text), "json") {
				return nil
			}
		}
		return invalid("messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
	case "json_schema":
		switch {
		case s.Name == "":
			return invalid(param+".json_schema.name", "missing_required_parameter", "Missing required parameter: '%s.json_schema.name'.", param)
		case s.Strict:
			if wrong := checkStrict(readOrdered(s.Schema), ""); wrong != "" {
				return invalid(param, "", "Invalid schema for response_format '%s': %s", s.Name, wrong)
			}
		}
	default:
		return invalid(param+".type", "invalid_value", "Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", kind)
	}
	return nil
}
