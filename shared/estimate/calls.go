package estimate

import (
	"bytes"
	"encoding/json"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// calls counts the tool calls of an assistant's message, and reports whether there are any.
//
// A single call is written as its function's name, once with a dot before it and once without, and its
// arguments as JSON without white space. Several calls are one call of a function that takes them all.
func (c *counter) calls(calls rawjson.Node, param string) (found bool, err error) {
	if err := checkObjects(param, calls); err != nil {
		return false, err
	}
	var list callList
	i := 0
	for call := range calls.Elements() {
		if call.Kind() != '{' {
			return false, wrongType(elementParam(param, i), "an object", call)
		}
		f := call.Get("function")
		text := "arguments"
		if f.Absent() {
			f, text = call.Get("custom"), "input"
		}
		if f.Kind() != '{' {
			return false, wrongType(elementParam(param, i)+".function", "an object", f)
		}
		list.add(f.Get("name").Text(), f.Get(text).Text())
		i++
	}
	c.countCalls(list)
	return i > 0, nil
}

// callList is calls that are made side by side.
type callList struct{ names, arguments []string }

func (l *callList) add(name, arguments string) {
	l.names, l.arguments = append(l.names, name), append(l.arguments, arguments)
}

// countCalls counts the calls of one message without the message.
func (c *counter) countCalls(l callList) {
	if c.harmony != nil {
		for i, name := range l.names {
			c.harmony.call(name, l.arguments[i])
		}
		return
	}
	c.parallel = len(l.names) > 1
	switch {
	case c.parallel:
		c.parallelCalls(l.names, l.arguments)
	case len(l.names) == 1:
		c.call(l.names[0], l.arguments[0], c.overhead.calls)
	}
}

// call counts one call without the message that it is in.
func (c *counter) call(name, arguments string, basis Basis) {
	n := 5 + c.Encoding.Count(name) + c.Encoding.Count("."+name) + c.Encoding.Count(compact(arguments))
	c.add("tool_calls", n, basis, "")
}

// parallelCalls counts calls made side by side. The constants fit the reported usage of gpt-4-turbo and
// gpt-4o to within a few tokens.
func (c *counter) parallelCalls(names, arguments []string) {
	var b bytes.Buffer
	b.WriteString(`{"tool_uses":[`)
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		recipient, _ := json.Marshal("functions." + name) // a string always marshals
		b.WriteString(`{"recipient_name":`)
		b.Write(recipient)
		b.WriteString(`,"parameters":`)
		b.WriteString(compact(arguments[i]))
		b.WriteByte('}')
	}
	b.WriteString("]}")
	n := c.Encoding.CountBytes(b.Bytes()) + 10 + len(names)
	c.addRange("tool_calls", n, n, len(names), Estimated, "how parallel calls are written is not published")
}

// compact is JSON without white space, and any other text as it is.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}

// toolChoice counts what tool_choice and function_call add to the definitions.
func (c *counter) toolChoice(body rawjson.Node) error {
	for _, member := range []struct {
		name        string
		namedTokens int // a function that has to be called, beside its name
	}{{"tool_choice", 7}, {"function_call", 4}} {
		choice := body.Get(member.name)
		counted := c.harmony == nil // which has no words for it
		switch choice.Kind() {
		case 0, 'n':
		case '"':
			n := 0
			switch choice.Text() {
			case "auto", "required":
			case "none":
				n = 1
			default:
				return openaierr.Invalid(member.name, "invalid_value",
					"Invalid value for '%s': %.40q. Use \"none\", \"auto\", \"required\" or an object that names a function.", member.name, choice.Text())
			}
			if counted {
				c.add("tool_choice", n, c.overhead.schema, "")
			}
		case '{':
			name := choice.Get("function").Get("name").Text() + choice.Get("name").Text() + choice.Get("custom").Get("name").Text()
			basis, note := c.overhead.schema, ""
			if name == "" {
				basis, note = Estimated, "no rule is known for this form of choice"
			}
			if counted {
				c.add("tool_choice", member.namedTokens+c.Encoding.Count(name), basis, note)
			}
		default:
			return wrongType(member.name, "a string or an object", choice)
		}
	}
	return nil
}
