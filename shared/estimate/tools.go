package estimate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// function is a definition that the model sees.
type function struct {
	name, description string
	parameters        rawjson.Node
}

// computerTool is what a computer tool adds to the prompt, in tokens: a request of 17 tokens with one was reported
// as 990. Source: openai/openai-cua-sample-app issue 25.
const computerTool = 990 - 17

// functions reads "functions" and "tools" of a body, in the form of chat or of responses. Tools that are
// no functions are noted as not counted, except that a computer's is estimated.
func (c *counter) functions(body rawjson.Node) ([]function, error) {
	var functions []function
	for _, list := range []string{"functions", "tools"} {
		tools := body.Get(list)
		if tools.Absent() {
			continue
		}
		if err := checkObjects(list, tools); err != nil {
			return nil, err
		}
		i := 0
		for tool := range tools.Elements() {
			param := elementParam(list, i)
			i++
			if tool.Kind() != '{' {
				return nil, wrongType(param, "an object", tool)
			}
			kind := tool.Get("type").Text()
			if list == "tools" {
				switch {
				case kind == "function" && !tool.Get("function").Absent():
					tool, param = tool.Get("function"), param+".function"
				case kind == "custom" && !tool.Get("custom").Absent():
					tool, param = tool.Get("custom"), param+".custom"
				case strings.HasPrefix(kind, "computer"): // "computer_use_preview", and its later names
					c.addRange("computer_tool", 0, computerTool, 1, Estimated, "what a computer tool adds to the prompt is not published: the upper end is what one request was reported to have")
					continue
				case kind != "function" && kind != "custom":
					c.unbounded("built_in_tools", fmt.Sprintf("what %.40q adds to the prompt, and how often it runs, is not known before", kind))
					continue
				}
			}
			name := tool.Get("name")
			if name.Kind() != '"' {
				return nil, wrongType(param+".name", "a string", name)
			}
			parameters := tool.Get("parameters")
			if !parameters.Absent() && parameters.Kind() != '{' {
				return nil, wrongType(param+".parameters", "an object", parameters)
			}
			functions = append(functions, function{name.Text(), tool.Get("description").Text(), parameters})
		}
	}
	return functions, nil
}

// definitions counts the definitions that body has. They stand in a system message: the first of the request, or
// one of their own.
func (c *counter) definitions(functions []function, body rawjson.Node, system bool) {
	memo := c.Memo
	if body.Get("functions").Kind() != 0 {
		memo = nil // it knows them by their JSON, which has to be that of "tools"
	}
	d := memo.countOnce(body.Get("tools").Raw(), "", func() memoCount {
		w := &writer{style: c.overhead.tools}
		w.namespace(functions)
		return memoCount{c.Encoding.CountBytes(w.Bytes()) + 9, w.unsure}
	})
	n := d.tokens
	if system {
		n -= 4
	}
	basis := c.overhead.schema
	if d.unsure != "" && basis == Documented {
		basis = Estimated
	}
	c.addRange("tools", n, n, len(functions), basis, d.unsure)
}

// format counts the schema that an answer has to follow. It stands in a system message of its own,
// under a heading, as JSON without "required" and "additionalProperties"; in the request's first one
// where that has one already.
func (c *counter) format(format rawjson.Node, param string, system bool) error {
	switch format.Kind() {
	case 0, 'n':
		return nil
	case '{':
	default:
		return wrongType(param, "an object", format)
	}
	schema := schemaOf(format)
	switch format.Get("type").Text() {
	case "text":
		return nil
	case "json_schema":
		if schema.Get("schema").Kind() != '{' {
			return wrongType(param+".schema", "an object", schema.Get("schema"))
		}
		if c.harmony != nil {
			return nil // it is a section of the developer message
		}
	default:
		c.add(param, 0, Estimated, "no rule is known for this format; it seems to add nothing")
		return nil
	}
	f := c.Memo.countOnce(format.Raw(), "", func() memoCount { return c.schema(schema) })
	n, unsure := f.tokens, f.unsure
	basis := c.overhead.schema
	if system {
		n -= 4
		unsure = uncovered
	}
	note := ""
	if unsure != "" && basis == Documented {
		basis, note = Estimated, unsure
	}
	c.add(param, n, basis, note)
	return nil
}

// schemaOf returns the object that has the schema of an answer's format.
func schemaOf(format rawjson.Node) rawjson.Node {
	if schema := format.Get("json_schema"); !schema.Absent() {
		return schema // chat's form
	}
	return format // that of responses
}

const uncovered = "the schema has something that no published usage covers"

// schema counts an answer's schema with its heading.
func (c *counter) schema(schema rawjson.Node) (n memoCount) {
	var b bytes.Buffer
	b.WriteString("# Response Formats\n\n## ")
	b.WriteString(schema.Get("name").Text())
	b.WriteString("\n\n")
	if description := schema.Get("description").Text(); description != "" {
		b.WriteString("// " + description + "\n")
	}
	if writeBare(&b, schema.Get("schema")) {
		n.unsure = uncovered
	}
	n.tokens = c.Encoding.CountBytes(b.Bytes()) + 8
	return n
}

// writeBare writes a schema as the model sees it, and reports whether it has something whose form is not known:
// members that may be left out, in a schema that says which may not.
func writeBare(b *bytes.Buffer, schema rawjson.Node) (unsure bool) {
	switch schema.Kind() {
	case '[':
		if schema.Numbers() > 0 { // of an enumeration
			_ = json.Compact(b, schema.Raw()) // it has been parsed
			return false
		}
		b.WriteByte('[')
		n := 0
		for v := range schema.Elements() {
			writeComma(b, n)
			n++
			unsure = writeBare(b, v) || unsure
		}
		b.WriteByte(']')
		return unsure
	case '{':
	default:
		b.Write(schema.Raw())
		return false
	}
	b.WriteByte('{')
	n, properties, required := 0, 0, -1
	for name, v := range schema.Members() {
		switch {
		case name == "required" && v.Kind() == '[':
			required = 0
			for range v.Elements() {
				required++
			}
			continue
		case name == "additionalProperties" && (v.Kind() == 't' || v.Kind() == 'f'):
			continue
		case name == "properties" && v.Kind() == '{':
			for range v.Members() {
				properties++
			}
		}
		writeComma(b, n)
		n++
		b.WriteString(`"` + name + `":`)
		unsure = writeBare(b, v) || unsure
	}
	b.WriteByte('}')
	return unsure || required >= 0 && required != properties
}

func writeComma(b *bytes.Buffer, n int) {
	if n > 0 {
		b.WriteByte(',')
	}
}
