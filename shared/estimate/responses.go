package estimate

import (
	"fmt"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// responses counts a body of POST /responses. Its items become the same messages that a chat has.
func (c *counter) responses(body rawjson.Node) error {
	functions, err := c.functions(body)
	if err != nil {
		return err
	}
	o := c.overhead
	system := false
	switch instructions := body.Get("instructions"); instructions.Kind() {
	case 0, 'n':
	case '"':
		system = true
		c.keepText(instructions.Text(), "instructions")
		tail := ""
		if len(functions) > 0 {
			tail = "\n"
		}
		c.add("instructions", o.message+c.Encoding.Count("system")+c.countMemoized(instructions, tail), o.basis, "")
	default:
		return wrongType("instructions", "a string", instructions)
	}
	switch input := body.Get("input"); input.Kind() {
	case 0, 'n':
	case '"':
		c.add("messages", o.message+c.Encoding.Count("user")+c.countText(input.Text(), "input"), o.basis, "")
	case '[':
		if input.Numbers() > 0 {
			return openaierr.Invalid("input", "invalid_type", "Invalid type for 'input': a response's input is a string or an array of items, but token ids were given.")
		}
		i := 0
		for item := range input.Elements() {
			first := len(functions) > 0 && !system && isSystem(item)
			system = system || isSystem(item)
			if err := c.item(item, elementParam("input", i), first); err != nil {
				return err
			}
			i++
		}
	default:
		return wrongType("input", "a string or an array", input)
	}
	for _, stored := range []string{"previous_response_id", "conversation", "prompt"} {
		if !body.Get(stored).Absent() {
			c.add("stored", 0, NotCounted, fmt.Sprintf("what '%s' names is stored by Azure and not part of this request", stored))
		}
	}
	c.add("priming", o.priming, o.basis, "")
	if len(functions) > 0 {
		c.definitions(functions, body, system)
		if err := c.toolChoice(body); err != nil {
			return err
		}
	}
	text := body.Get("text")
	if !text.Absent() && text.Kind() != '{' {
		return wrongType("text", "an object", text)
	}
	return c.format(text.Get("format"), "text.format", system || len(functions) > 0)
}

// item counts one input item.
func (c *counter) item(item rawjson.Node, param string, padded bool) error {
	if item.Kind() != '{' {
		return wrongType(param, "an object", item)
	}
	kind := item.Get("type").Text()
	switch kind {
	case "", "message":
		return c.message(item, param, padded)
	case "function_call", "custom_tool_call":
		arguments := item.Get("arguments").Text() + item.Get("input").Text()
		c.call(item.Get("name").Text(), arguments, c.overhead.calls)
		c.add("messages", c.overhead.message+c.Encoding.Count("assistant"), c.overhead.basis, "")
	case "function_call_output", "custom_tool_call_output":
		if _, err := c.content(item.Get("output"), textContext{"tool_results", c.overhead.calls, param + ".output"}, ""); err != nil {
			return err
		}
		c.add("tool_results", c.overhead.message+c.Encoding.Count("tool"), c.overhead.calls, "")
	case "reasoning":
		c.add("reasoning", 0, NotCounted, "how earlier reasoning enters the context is not published")
	case "item_reference":
		c.add("stored", 0, NotCounted, "an item_reference names what is stored by Azure and not part of this request")
	default:
		c.add("other", 0, NotCounted, fmt.Sprintf("no rule is known for an item of type %.40q", kind))
	}
	return nil
}
