package estimate

import (
	"bytes"
	"encoding/json"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// writer puts function definitions into the form in which the model sees them: TypeScript.
//
//	namespace functions {
//
//	// Get the current weather
//	type get_weather = (_: {
//	// The city
//	location: string,
//	unit?: "celsius" | "fahrenheit",
//	}) => any;
//
//	} // namespace functions
type writer struct {
	bytes.Buffer
	style  style
	unsure string // the last thing met whose form no published usage bears out
}

func (w *writer) namespace(functions []function) {
	w.WriteString("namespace functions {\n\n")
	for _, f := range functions {
		w.comment(f.description, 0)
		w.WriteString("type " + f.name + " = (")
		if hasMembers(f.parameters.Get("properties")) {
			w.WriteString("_: ")
			w.object(f.parameters, 0)
		}
		w.WriteString(") => any;\n\n")
	}
	// Definitions that the schemas refer to, so that none is written twice or without end.
	for _, f := range functions {
		for _, place := range []string{"$defs", "definitions"} {
			for name, schema := range f.parameters.Get(place).Members() {
				w.WriteString("type " + name + " = ")
				w.value(schema, 0)
				w.WriteString(";\n\n")
			}
		}
	}
	w.WriteString("} // namespace functions")
}

func hasMembers(n rawjson.Node) bool {
	for range n.Members() {
		return true
	}
	return false
}

// comment writes a description, each line of it after slashes.
func (w *writer) comment(text string, indent int) {
	if text == "" {
		return
	}
	if strings.Contains(text, "\n") {
		w.unsure = "a description of several lines"
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.indent(indent)
		w.WriteString(strings.TrimRight("// "+line, " "))
		w.WriteByte('\n')
	}
}

// maxIndent bounds what a deep schema takes in spaces, which would grow with the square of its depth.
const maxIndent = 40

func (w *writer) indent(n int) {
	if w.style == airy {
		w.WriteString(strings.Repeat(" ", min(n, maxIndent)))
	}
}

// object writes the members of an object schema in braces.
func (w *writer) object(schema rawjson.Node, indent int) {
	required := map[string]bool{}
	for name := range schema.Get("required").Elements() {
		required[name.Text()] = true
	}
	properties := schema.Get("properties")
	if w.style == dense && fitsOneLine(properties) {
		for name, p := range properties.Members() {
			w.WriteString("{ ")
			w.member(name, p, required[name], indent)
			w.WriteString(" }")
		}
		return
	}
	w.WriteString("{\n")
	for name, p := range properties.Members() {
		if w.style == dense || indent == 0 {
			if title := p.Get("title").Text(); title != "" && w.style == dense {
				w.unsure = "a title"
				w.WriteString("// " + title + "\n//\n")
			}
			w.comment(p.Get("description").Text(), indent)
		}
		w.indent(indent)
		w.member(name, p, required[name], indent)
		w.WriteByte(',')
		if d := p.Get("default"); d.Kind() != 0 && w.style == dense {
			w.unsure = "a default"
			w.WriteString(" // default: ")
			w.Write(d.Raw())
		}
		w.WriteByte('\n')
	}
	w.WriteByte('}')
}

// fitsOneLine reports whether there is one member, without a description, a title or a default.
func fitsOneLine(properties rawjson.Node) bool {
	n := 0
	for _, p := range properties.Members() {
		n++
		if n > 1 || p.Get("description").Text() != "" || p.Get("title").Text() != "" || p.Get("default").Kind() != 0 {
			return false
		}
	}
	return n == 1
}

func (w *writer) member(name string, schema rawjson.Node, required bool, indent int) {
	w.WriteString(name)
	if !required {
		w.WriteByte('?')
	}
	w.WriteString(": ")
	w.value(schema, indent)
}

// value writes the type that a schema stands for.
func (w *writer) value(schema rawjson.Node, indent int) {
	if enum := schema.Get("enum"); enum.Kind() == '[' {
		var values []json.RawMessage
		_ = json.Unmarshal(enum.Raw(), &values) // it has been parsed
		for i, v := range values {
			w.writeOr(i)
			w.Write(v)
		}
		return
	}
	if c := schema.Get("const"); c.Kind() != 0 {
		w.unsure = "const"
		w.Write(c.Raw())
		return
	}
	for _, name := range []string{"anyOf", "oneOf", "allOf"} {
		if branches := schema.Get(name); branches.Kind() == '[' {
			w.unsure = name
			w.alternatives(branches, func(v rawjson.Node) { w.value(v, indent) })
			return
		}
	}
	if ref := schema.Get("$ref").Text(); ref != "" {
		w.unsure = "$ref"
		w.WriteString(ref[strings.LastIndexByte(ref, '/')+1:])
		return
	}
	kind := schema.Get("type")
	if kind.Kind() == '[' {
		w.unsure = "a list of types"
		w.alternatives(kind, func(v rawjson.Node) { w.kind(v.Text(), schema, indent) })
		return
	}
	w.kind(kind.Text(), schema, indent)
}

func (w *writer) kind(kind string, schema rawjson.Node, indent int) {
	switch kind {
	case "string", "boolean", "null", "number":
		w.WriteString(kind)
	case "integer":
		w.WriteString("number")
	case "array":
		if items := schema.Get("items"); items.Kind() == '{' {
			w.value(items, indent)
		} else {
			w.WriteString("any")
		}
		w.WriteString("[]")
	case "object":
		if hasMembers(schema.Get("properties")) {
			w.object(schema, indent+2)
		} else {
			w.unsure = "an object without properties"
			w.WriteString("object")
		}
	default:
		w.WriteString("any")
	}
}

func (w *writer) alternatives(list rawjson.Node, write func(rawjson.Node)) {
	n := 0
	for v := range list.Elements() {
		w.writeOr(n)
		write(v)
		n++
	}
}

func (w *writer) writeOr(n int) {
	if n > 0 {
		w.WriteString(" | ")
	}
}
