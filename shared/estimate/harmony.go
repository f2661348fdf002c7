package estimate

import (
	"bytes"
	"encoding/json"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// harmony counts a conversation as gpt-oss reads it. Every message is
//
//	<|start|>ROLE<|channel|>CHANNEL<|message|>TEXT<|end|>
//
// and the special tokens, of one token each, keep the texts between them apart. A system message that the request does
// not have comes first, and the instructions, tools and response format are one developer message.
// Source: openai/harmony @ec7606d, docs/format.md and src/encoding.rs.
type harmony struct {
	*counter
	tools, format string            // sections of the first developer message; "" once it is counted
	functions     int               // how many there are
	called        map[string]string // names of functions by the ids of their calls
}

const (
	harmonyWrap    = 3 // <|start|>, <|message|>, and <|end|> or <|call|>
	harmonyChannel = 1 // <|channel|>, without its name
)

// harmonySystem is the system message. Its date is the day of the call, and every day has as many tokens.
const harmonySystem = "You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2026-01-01\n\n" +
	"Reasoning: medium\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message."

// begin prepares for a model that reads harmony, and counts the system message. format is the one of the answer.
func (c *counter) begin(functions []function, body, format rawjson.Node) {
	if c.Model == nil || c.Model.Overhead != "harmony" {
		return
	}
	h := &harmony{counter: c, functions: len(functions), called: map[string]string{}}
	c.harmony = h
	system := harmonySystem
	for _, effort := range []rawjson.Node{body.Get("reasoning_effort"), body.Get("reasoning").Get("effort")} {
		if effort := effort.Text(); effort != "" {
			system = strings.Replace(system, "medium", effort, 1)
		}
	}
	if len(functions) > 0 {
		system += "\nCalls to these tools must go to the commentary channel: 'functions'."
		h.tools = harmonyTools(functions)
	}
	if schema := schemaOf(format); schema.Get("schema").Kind() == '{' {
		h.format = harmonyFormat(schema)
	}
	c.add("system", harmonyWrap+c.Encoding.Count("system")+c.Encoding.Count(system), c.overhead.basis, "the system message that the model's renderer begins with")
}

// developer counts instructions as a developer message; the first has the tools and the format too.
func (h *harmony) developer(instructions, part string) {
	sections := []string{}
	if instructions != "" {
		sections = append(sections, "# Instructions", instructions)
	}
	count := func() int { return h.Encoding.Count(strings.Join(sections, "\n\n")) }
	n := count()
	h.add(part, harmonyWrap+h.Encoding.Count("developer")+n, h.overhead.basis, "")
	if h.tools != "" {
		sections = append(sections, h.tools)
		h.addRange("tools", count()-n, count()-n, h.functions, h.overhead.schema, "")
		n = count()
	}
	if h.format != "" {
		sections = append(sections, h.format)
		h.add("response_format", count()-n, Estimated, "how the schema is written is known by an example only")
	}
	h.tools, h.format = "", ""
}

// end counts the tools and the format of a request that has no instructions.
func (h *harmony) end() {
	if h.tools != "" || h.format != "" {
		h.developer("", "messages")
	}
}

// message counts a message of a chat or a response, whose role is a string.
func (h *harmony) message(m rawjson.Node, param string) error {
	role, name, basis, part := m.Get("role").Text(), m.Get("name").Text(), h.overhead.basis, "messages"
	content := textContext{part, basis, param + ".content"}
	switch role {
	case "system", "developer":
		return h.instructions(m.Get("content"), content)
	case "tool", "function":
		return h.result(m.Get("content"), m.Get("tool_call_id").Text(), name, param+".content")
	}
	text, err := h.content(m.Get("content"), content, "")
	if err != nil {
		return err
	}
	if refusal := m.Get("refusal"); refusal.Kind() == '"' {
		text = true
		h.add(part, h.countText(refusal.Text(), param+".refusal"), Estimated, "a refusal is counted as text")
	}
	if role != "assistant" {
		if name != "" {
			role += ":" + name
		}
		h.add(part, harmonyWrap+h.Encoding.Count(role), basis, "")
		return nil
	}
	if !m.Get("reasoning_content").Absent() || !m.Get("reasoning").Absent() {
		h.missing("reasoning", reasoningNote)
	}
	var calls bool
	if list := m.Get("tool_calls"); !list.Absent() {
		if calls, err = h.calls(list, param+".tool_calls"); err != nil {
			return err
		}
		for call := range list.Elements() {
			h.called[call.Get("id").Text()] = call.Get("function").Get("name").Text() + call.Get("custom").Get("name").Text()
		}
	}
	if call := m.Get("function_call"); !call.Absent() {
		if call.Kind() != '{' {
			return wrongType(param+".function_call", "an object", call)
		}
		calls = true
		h.call(call.Get("name").Text(), call.Get("arguments").Text())
	}
	if text || !calls {
		h.add(part, harmonyWrap+h.Encoding.Count(role)+harmonyChannel+h.Encoding.Count("final"), basis, "")
	}
	return nil
}

// instructions counts a message of the system or the developer.
func (h *harmony) instructions(content rawjson.Node, tc textContext) error {
	switch content.Kind() {
	case 0, 'n', '"':
	case '[':
		if err := checkObjects(tc.param, content); err != nil {
			return err
		}
	default:
		return wrongType(tc.param, "a string or an array", content)
	}
	text := contentText(content)
	h.keepText(text, tc.param)
	h.developer(text, tc.part)
	return nil
}

// call counts a call, which is a message of its own.
func (h *harmony) call(name, arguments string) {
	n := harmonyWrap + h.Encoding.Count("assistant") + h.Encoding.Count(" to=functions."+name) +
		harmonyChannel + h.Encoding.Count("commentary") +
		h.Encoding.Count(" ") + 1 + h.Encoding.Count("json") + // <|constrain|>
		h.Encoding.Count(arguments)
	h.add("tool_calls", n, h.overhead.calls, "")
}

// result counts the result of a call, by the id of the call or the function's name.
func (h *harmony) result(content rawjson.Node, id, name, param string) error {
	if called := h.called[id]; called != "" {
		name = called
	}
	if _, err := h.content(content, textContext{"tool_results", h.overhead.calls, param}, ""); err != nil {
		return err
	}
	n := harmonyWrap + h.Encoding.Count("functions."+name) + h.Encoding.Count(" to=assistant") + harmonyChannel + h.Encoding.Count("commentary")
	h.add("tool_results", n, h.overhead.calls, "")
	return nil
}

// harmonyFormat is the section about the form of the answer.
func harmonyFormat(schema rawjson.Node) string {
	var b bytes.Buffer
	b.WriteString("# Response Formats\n\n## " + schema.Get("name").Text() + "\n\n")
	if description := schema.Get("description").Text(); description != "" {
		b.WriteString("// " + description + "\n")
	}
	_ = json.Compact(&b, schema.Get("schema").Raw()) // it has been parsed
	return b.String()
}
