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
	text := body.Get("text")
	if !text.Absent() && text.Kind() != '{' {
		return wrongType("text", "an object", text)
	}
	c.begin(functions, body, text.Get("format"))
	o := c.overhead
	system := false
	switch instructions := body.Get("instructions"); instructions.Kind() {
	case 0, 'n':
	case '"':
		system = true
		c.keepText(instructions.Text(), "instructions")
		if c.harmony != nil {
			c.harmony.developer(instructions.Text(), "instructions")
			break
		}
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
		c.endCalls()
	default:
		return wrongType("input", "a string or an array", input)
	}
	for _, stored := range []string{"previous_response_id", "conversation"} {
		if !body.Get(stored).Absent() {
			c.missing("stored", fmt.Sprintf("what '%s' names is stored by Azure and not part of this request", stored))
		}
	}
	if !body.Get("prompt").Absent() {
		c.unbounded("stored", "what 'prompt' names is stored by Azure and not part of this request; it may bring tools and files")
	}
	c.add("priming", o.priming, o.basis, "")
	return c.rest(functions, body, system, text.Get("format"), "text.format")
}

// item counts one input item. Calls that follow each other are made side by side, as those of one message of a chat.
func (c *counter) item(item rawjson.Node, param string, padded bool) error {
	if item.Kind() != '{' {
		return wrongType(param, "an object", item)
	}
	kind := item.Get("type").Text()
	switch kind {
	case "", "message":
		c.endCalls()
		return c.message(item, param, padded)
	case "function_call", "custom_tool_call":
		c.waiting.add(item.Get("name").Text(), item.Get("arguments").Text()+item.Get("input").Text())
		if c.harmony != nil {
			c.harmony.called[item.Get("call_id").Text()] = item.Get("name").Text()
		}
	case "function_call_output", "custom_tool_call_output":
		c.endCalls()
		if c.harmony != nil {
			return c.harmony.result(item.Get("output"), item.Get("call_id").Text(), "", param+".output")
		}
		if _, err := c.content(item.Get("output"), textContext{"tool_results", c.overhead.calls, param + ".output"}, ""); err != nil {
			return err
		}
		c.add("tool_results", c.overhead.message+c.Encoding.Count("tool"), c.overhead.calls, "")
	case "reasoning":
		c.missing("reasoning", reasoningNote)
	case "item_reference":
		c.missing("stored", "an item_reference names what is stored by Azure and not part of this request")
	default:
		c.missing("other", fmt.Sprintf("no rule is known for an item of type %.40q", kind))
	}
	return nil
}

const reasoningNote = "how earlier reasoning enters the context is not published"

// endCalls counts the calls that have been met since the last message or result: those of one message.
func (c *counter) endCalls() {
	if len(c.waiting.names) == 0 {
		return
	}
	c.countCalls(c.waiting)
	if c.harmony == nil {
		c.add("messages", c.overhead.message+c.Encoding.Count("assistant"), c.overhead.basis, "")
	}
	c.waiting = callList{}
}
