package estimate

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// chat counts a body of POST /chat/completions.
func (c *counter) chat(body rawjson.Node) error {
	messages := body.Get("messages")
	if err := objects("messages", messages); err != nil {
		return err
	}
	functions, err := c.functions(body)
	if err != nil {
		return err
	}
	i, system := 0, false
	for m := range messages.Elements() {
		c.system = isSystem(m)
		first := len(functions) > 0 && !system && c.system
		system = system || c.system
		if err := c.message(m, at("messages", i), first); err != nil {
			return err
		}
		i++
	}
	if i == 0 {
		return openaierr.Invalid("messages", "empty_array", "'messages' is empty. Give at least one message.")
	}
	c.add("priming", c.overhead.priming, c.overhead.basis, "")
	if len(functions) > 0 {
		c.define(functions, body, system)
		if err := c.choice(body); err != nil {
			return err
		}
	}
	return c.format(body.Get("response_format"), "response_format", system || len(functions) > 0)
}

func isSystem(message rawjson.Node) bool {
	role := message.Get("role").Text()
	return role == "system" || role == "developer"
}

// message counts one message. The function definitions follow the first system message after a line
// break, which padded adds to it.
func (c *counter) message(m rawjson.Node, param string, padded bool) error {
	if m.Kind() != '{' {
		return wrongType(param, "an object", m)
	}
	role := m.Get("role")
	if role.Kind() != '"' {
		return wrongType(param+".role", "a string", role)
	}
	if role.Text() != "tool" {
		c.parallel = false
	}
	o := c.overhead
	wrap := o.message + c.Encoding.Count(role.Text())
	if role.Text() == "function" {
		wrap -= 2 // the role is written in a shorter way
	}
	tail, part, basis := "", "messages", o.basis
	if padded {
		tail = "\n"
	}
	if role.Text() == "tool" {
		part, basis = "tool_results", o.calls
	}
	text, err := c.content(m.Get("content"), voice{part, basis, param + ".content"}, tail)
	if err != nil {
		return err
	}
	if refusal := m.Get("refusal"); refusal.Kind() == '"' {
		c.add("messages", c.tokens(refusal.Text(), named(param+".refusal")), Estimated, "a refusal is counted as text")
	}
	if name := m.Get("name"); name.Kind() == '"' && role.Text() != "tool" {
		c.add("names", o.name+c.tokens(name.Text(), named(param+".name")), o.basis, "")
	}
	if call := m.Get("function_call"); !call.Absent() {
		if call.Kind() != '{' {
			return wrongType(param+".function_call", "an object", call)
		}
		n := 3 + c.Encoding.Count(call.Get("name").Text()) + c.tokens(call.Get("arguments").Text(), named(param+".function_call.arguments"))
		c.add("tool_calls", n, o.schema, "")
	}
	if calls := m.Get("tool_calls"); !calls.Absent() {
		said, err := c.calls(calls, param+".tool_calls")
		if err != nil {
			return err
		}
		if said && text {
			wrap *= 2 // what is said and what is called are two messages
		}
	}
	c.add(part, wrap, basis, "")
	return nil
}

// voice is where a text belongs.
type voice struct {
	part  string
	basis Basis
	param string
}

func (v voice) at(i int) voice { return voice{v.part, v.basis, at(v.param, i)} }

// content counts what a message says, and tells whether it has text. The first text is followed by tail.
func (c *counter) content(content rawjson.Node, v voice, tail string) (text bool, err error) {
	switch content.Kind() {
	case '"':
		if c.system && !c.Texts {
			n := c.memorable(content, tail)
			c.addRange(v.part, n, n, 0, v.basis, "")
		} else {
			c.said(content.Text(), tail, v)
		}
		return len(content.Raw()) > len(`""`), nil
	case '[':
		if err := objects(v.param, content); err != nil {
			return false, err
		}
	case 0, 'n':
		return false, nil
	default:
		return false, wrongType(v.param, "a string or an array", content)
	}
	i := 0
	for p := range content.Elements() {
		if text && v.part == "tool_results" {
			v.basis = Estimated // how several texts of a tool's answer are joined is not published; it takes a token or so
		}
		said, err := c.piece(p, v.at(i), tail)
		if err != nil {
			return text, err
		}
		if said {
			text, tail = true, ""
		}
		i++
	}
	return text, nil
}

// memorable counts a text that other requests have too.
func (c *counter) memorable(text rawjson.Node, tail string) int {
	return c.Memo.count(text.Raw(), tail, func() counted {
		return counted{tokens: c.Encoding.Count(text.Text() + tail)}
	}).tokens
}

// said counts a text of a message. What tools answer side by side reaches the model as JSON in ASCII:
// line breaks, quotes and every character beyond ASCII become escape sequences, on OpenAI's endpoint and
// on Azure's (https://community.openai.com/t/1375117).
func (c *counter) said(text, tail string, v voice) {
	c.keep(text, named(v.param))
	note := ""
	if c.parallel {
		v.basis = Estimated
		if escaped := escape(text); len(escaped) != len(text) {
			text, note = escaped, "the results of parallel calls are counted as escaped JSON"
		}
	}
	n := c.Encoding.Count(text + tail)
	c.addRange(v.part, n, n, 0, v.basis, note)
}

// escape is what stands between the quotes of a JSON string in ASCII.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case ' ' <= r && r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// piece counts one part of a message's content, and tells whether it is text.
func (c *counter) piece(p rawjson.Node, v voice, tail string) (text bool, err error) {
	switch p.Kind() {
	case '{':
	case '"':
		c.said(p.Text(), tail, v)
		return true, nil
	default:
		return false, wrongType(v.param, "an object", p)
	}
	kind := p.Get("type")
	if kind.Kind() != '"' {
		return false, wrongType(v.param+".type", "a string", kind)
	}
	switch kind.Text() {
	case "text", "input_text", "output_text":
		text := p.Get("text")
		if text.Kind() != '"' {
			return false, wrongType(v.param+".text", "a string", text)
		}
		c.said(text.Text(), tail, voice{v.part, v.basis, v.param + ".text"})
		return true, nil
	case "refusal":
		c.said(p.Get("refusal").Text(), tail, voice{v.part, v.basis, v.param + ".refusal"})
		return true, nil
	case "image_url", "input_image":
		return false, c.image(p, v.param)
	case "input_audio":
		c.add("audio", 0, NotCounted, "no rule is known for audio in a chat")
	case "file", "input_file":
		c.add("files", 0, NotCounted, "a file's text and page images enter the context; how many tokens they take is known only afterwards")
	default:
		c.add("other", 0, NotCounted, fmt.Sprintf("no rule is known for content of type %.40q", kind.Text()))
	}
	return false, nil
}
