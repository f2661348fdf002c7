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
	if err := checkObjects("messages", messages); err != nil {
		return err
	}
	functions, err := c.functions(body)
	if err != nil {
		return err
	}
	c.begin(functions, body, body.Get("response_format"))
	i, system := 0, false
	for m := range messages.Elements() {
		c.system = isSystem(m)
		first := len(functions) > 0 && !system && c.system
		system = system || c.system
		if err := c.message(m, elementParam("messages", i), first); err != nil {
			return err
		}
		i++
	}
	if i == 0 {
		return openaierr.Invalid("messages", "empty_array", "'messages' is empty. Give at least one message.")
	}
	c.add("priming", c.overhead.priming, c.overhead.basis, "")
	c.chatExtras(body)
	return c.rest(functions, body, system, body.Get("response_format"), "response_format")
}

// rest counts what stands beside the messages.
func (c *counter) rest(functions []function, body rawjson.Node, system bool, format rawjson.Node, formatParam string) error {
	if len(functions) > 0 {
		if c.harmony == nil {
			c.definitions(functions, body, system)
		}
		if err := c.toolChoice(body); err != nil {
			return err
		}
	}
	if c.harmony != nil {
		c.harmony.end()
	}
	return c.format(format, formatParam, system || len(functions) > 0)
}

func isSystem(message rawjson.Node) bool {
	role := message.Get("role").Text()
	return role == "system" || role == "developer"
}

// message counts one message. The function definitions follow the first system message after a line
// break, which is added to it if it is padded.
func (c *counter) message(m rawjson.Node, param string, padded bool) error {
	if m.Kind() != '{' {
		return wrongType(param, "an object", m)
	}
	role := m.Get("role")
	if role.Kind() != '"' {
		return wrongType(param+".role", "a string", role)
	}
	if c.harmony != nil {
		return c.harmony.message(m, param)
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
	text, err := c.content(m.Get("content"), textContext{part, basis, param + ".content"}, tail)
	if err != nil {
		return err
	}
	if refusal := m.Get("refusal"); refusal.Kind() == '"' {
		text = true
		c.add("messages", c.countText(refusal.Text(), param+".refusal"), Estimated, "a refusal is counted as text")
	}
	if name := m.Get("name"); name.Kind() == '"' && role.Text() != "tool" {
		c.add("names", o.name+c.countText(name.Text(), param+".name"), o.basis, "")
	}
	if call := m.Get("function_call"); !call.Absent() {
		if call.Kind() != '{' {
			return wrongType(param+".function_call", "an object", call)
		}
		n := 3 + c.Encoding.Count(call.Get("name").Text()) + c.countText(call.Get("arguments").Text(), param+".function_call.arguments")
		c.add("tool_calls", n, o.schema, "")
	}
	if calls := m.Get("tool_calls"); !calls.Absent() {
		hasCalls, err := c.calls(calls, param+".tool_calls")
		if err != nil {
			return err
		}
		if hasCalls && text {
			wrap *= 2 // the text and the calls are two messages
		}
	}
	c.add(part, wrap, basis, "")
	return nil
}

// textContext is what a text counts towards, how sure its count is, and the parameter that has it.
type textContext struct {
	part  string
	basis Basis
	param string
}

func (tc textContext) element(i int) textContext {
	return textContext{tc.part, tc.basis, elementParam(tc.param, i)}
}

// content counts the content of a message, and reports whether it has text. The first text is followed by tail.
func (c *counter) content(content rawjson.Node, tc textContext, tail string) (text bool, err error) {
	switch content.Kind() {
	case '"':
		if c.system && !c.Texts && c.harmony == nil {
			n := c.countMemoized(content, tail)
			c.addRange(tc.part, n, n, 0, tc.basis, "")
		} else {
			c.addText(content.Text(), tail, tc)
		}
		return len(content.Raw()) > len(`""`), nil
	case '[':
		if err := checkObjects(tc.param, content); err != nil {
			return false, err
		}
	case 0, 'n':
		return false, nil
	default:
		return false, wrongType(tc.param, "a string or an array", content)
	}
	i := 0
	for p := range content.Elements() {
		if text && tc.part == "tool_results" {
			tc.basis = Estimated // how several texts of a tool's answer are joined is not published; it takes a token or so
		}
		isText, err := c.contentPart(p, tc.element(i), tail)
		if err != nil {
			return text, err
		}
		if isText {
			text, tail = true, ""
		}
		i++
	}
	return text, nil
}

// countMemoized counts a text that other requests are likely to have too.
func (c *counter) countMemoized(text rawjson.Node, tail string) int {
	return c.Memo.countOnce(text.Raw(), tail, func() memoCount {
		return memoCount{tokens: c.Encoding.Count(text.Text() + tail)}
	}).tokens
}

// addText counts a text of a message. The results of parallel tool calls reach the model as JSON in ASCII:
// line breaks, quotes and every character beyond ASCII become escape sequences, on OpenAI's endpoint and
// on Azure's (https://community.openai.com/t/1375117). Reported usage bears that out for gpt-4o. For other models it
// is the upper end of a range, and the text as it stands the lower.
func (c *counter) addText(text, tail string, tc textContext) {
	c.keepText(text, tc.param)
	n := c.Encoding.Count(text + tail)
	least, note := n, ""
	if c.parallel {
		borneOut := tc.basis == Documented
		tc.basis = Estimated
		if escaped := escape(text); len(escaped) != len(text) {
			n, note = c.Encoding.Count(escaped+tail), "the results of parallel calls are counted as escaped JSON"
			if least = min(least, n); borneOut {
				least = n
			} else {
				note += ", as gpt-4o has been seen to read them; if this model reads them as they stand, they are the lower end of the range"
			}
		}
	}
	c.addRange(tc.part, least, n, 0, tc.basis, note)
}

// escape returns text as it stands between the quotes of a JSON string in ASCII.
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

// contentPart counts one part of a message's content, and reports whether it is text.
func (c *counter) contentPart(p rawjson.Node, tc textContext, tail string) (text bool, err error) {
	switch p.Kind() {
	case '{':
	case '"':
		c.addText(p.Text(), tail, tc)
		return true, nil
	default:
		return false, wrongType(tc.param, "an object", p)
	}
	kind := p.Get("type")
	if kind.Kind() != '"' {
		return false, wrongType(tc.param+".type", "a string", kind)
	}
	switch kind.Text() {
	case "text", "input_text", "output_text":
		text := p.Get("text")
		if text.Kind() != '"' {
			return false, wrongType(tc.param+".text", "a string", text)
		}
		c.addText(text.Text(), tail, textContext{tc.part, tc.basis, tc.param + ".text"})
		return true, nil
	case "refusal":
		c.addText(p.Get("refusal").Text(), tail, textContext{tc.part, Estimated, tc.param + ".refusal"})
		return true, nil
	case "image_url", "input_image":
		return false, c.image(p, tc.param)
	case "input_audio":
		c.missing("audio", "no rule is known for audio in a chat")
		c.unpriced(audioPrice)
	case "file", "input_file":
		if !p.Get("file_id").Absent() || !p.Get("file").Get("file_id").Absent() {
			c.unbounded("files", "a file_id names a file that is stored by Azure and not part of this request")
		} else {
			c.missing("files", "a file's text and page images enter the context; how many tokens they take is known only afterwards")
		}
	default:
		c.missing("other", fmt.Sprintf("no rule is known for content of type %.40q", kind.Text()))
	}
	return false, nil
}
