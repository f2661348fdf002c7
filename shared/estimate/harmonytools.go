package estimate

import (
	"slices"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// harmonyTools is the section about tools of a developer message.
func harmonyTools(functions []function) string {
	var w harmonyWriter
	w.WriteString("# Tools\n\n## functions\n\nnamespace functions {\n\n")
	for _, f := range functions {
		for line := range strings.Lines(f.description) {
			w.WriteString("// " + strings.TrimRight(line, "\r\n") + "\n")
		}
		w.WriteString("type " + f.name + " = (")
		if !f.parameters.Absent() {
			w.WriteString("_: ")
			w.value(f.parameters, 0)
		}
		w.WriteString(") => any;\n\n")
	}
	w.WriteString("} // namespace functions")
	return w.String()
}

// harmonyWriter writes schemas as TypeScript in the way of openai/harmony's json_schema_to_typescript.
type harmonyWriter struct {
	strings.Builder
	searched, nulls int // how far has been searched for "null", and where the last one ends
}

// maxHarmonyIndent bounds what a deep schema takes in spaces, which would grow with the square of its depth.
const maxHarmonyIndent = 400

// line writes an indented piece.
func (w *harmonyWriter) line(indent int, pieces ...string) {
	w.WriteString(strings.Repeat(" ", min(indent, maxHarmonyIndent)))
	for _, p := range pieces {
		w.WriteString(p)
	}
}

// value writes the type that a schema stands for.
func (w *harmonyWriter) value(schema rawjson.Node, indent int) {
	if branches := schema.Get("oneOf"); branches.Kind() == '[' {
		for branch := range branches.Elements() {
			w.WriteByte('\n')
			w.line(indent, " | ")
			w.nullable(branch, indent+3)
			w.comments(describe(branch, quoted))
		}
		return
	}
	kind := schema.Get("type")
	if kind.Kind() == '[' {
		var names []string
		for name := range kind.Elements() {
			names = append(names, strings.Replace(name.Text(), "integer", "number", 1))
		}
		if len(names) > 0 {
			w.WriteString(strings.Join(names, " | "))
			return
		}
	}
	switch kind.Text() {
	case "object":
		w.object(schema, indent)
	case "string":
		w.WriteString(stringType(schema))
	case "number", "integer":
		w.WriteString("number")
	case "boolean":
		w.WriteString("boolean")
	case "array":
		if items := schema.Get("items"); items.Kind() != 0 {
			w.value(items, indent)
			w.WriteString("[]")
		} else {
			w.WriteString("Array<any>")
		}
	default:
		w.WriteString("any")
	}
}

// stringType is "string", or the values that it may have.
func stringType(schema rawjson.Node) string {
	var values []string
	for v := range schema.Get("enum").Elements() {
		if v.Kind() == '"' {
			values = append(values, `"`+v.Text()+`"`)
		}
	}
	if len(values) == 0 {
		return "string"
	}
	return strings.Join(values, " | ")
}

// nullable writes a type, and that it may be null where the schema says so.
func (w *harmonyWriter) nullable(schema rawjson.Node, indent int) {
	from := w.Len()
	w.value(schema, indent)
	if schema.Get("nullable").Kind() == 't' && !w.hasNull(from) {
		w.WriteString(" | null")
	}
}

// hasNull reports whether "null" has been written since from. Each byte is searched once, however deep a schema is.
func (w *harmonyWriter) hasNull(from int) bool {
	const null = "null"
	start := max(w.searched-len(null)+1, 0)
	if at := strings.LastIndex(w.String()[start:], null); at >= 0 {
		w.nulls = start + at + len(null)
	}
	w.searched = w.Len()
	return w.nulls >= from+len(null)
}

func (w *harmonyWriter) object(schema rawjson.Node, indent int) {
	if description := schema.Get("description"); description.Kind() == '"' {
		w.line(indent, "// ", description.Text(), "\n")
	}
	w.WriteString("{\n")
	var required []string
	for name := range schema.Get("required").Elements() {
		required = append(required, name.Text())
	}
	for name, p := range schema.Get("properties").Members() {
		if !slices.Contains(required, name) {
			name += "?"
		}
		w.property(name, p, indent)
	}
	w.line(indent, "}")
}

// property writes a member of an object, with what is said about it above and after it.
func (w *harmonyWriter) property(name string, p rawjson.Node, indent int) {
	if title := p.Get("title"); title.Kind() == '"' {
		w.line(indent, "// ", title.Text(), "\n")
		w.line(indent, "//\n")
	}
	branches, description := p.Get("oneOf"), p.Get("description")
	if branches.Kind() == 0 && description.Kind() == '"' {
		w.line(indent, "// ", description.Text(), "\n")
	}
	first := true
	for example := range p.Get("examples").Elements() {
		if first {
			w.line(indent, "// Examples:\n")
			first = false
		}
		if example.Kind() == '"' {
			w.line(indent, `// - "`, example.Text(), "\"\n")
		}
	}
	if branches.Kind() == '[' {
		w.branches(name, p, indent)
		return
	}
	w.line(indent, name, ": ")
	w.nullable(p, indent+4)
	w.WriteByte(',')
	if d := p.Get("default"); d.Kind() != 0 && branches.Kind() == 0 {
		w.WriteString(" // " + defaultText(p, bare))
	}
	w.WriteByte('\n')
}

// branches writes a member that is one of several types. A description that the first of them shares is its.
func (w *harmonyWriter) branches(name string, p rawjson.Node, indent int) {
	description, firstDescription := p.Get("description"), rawjson.Node{}
	for branch := range p.Get("oneOf").Elements() {
		firstDescription = branch.Get("description")
		break
	}
	above := description.Kind() == '"' && (firstDescription.Kind() != '"' || firstDescription.Text() != description.Text())
	if above {
		w.line(indent, "// ", description.Text(), "\n")
	}
	if p.Get("default").Kind() != 0 {
		w.line(indent, "// ", defaultText(p, bare), "\n")
	}
	w.line(indent, name, ":\n")
	i := 0
	for branch := range p.Get("oneOf").Elements() {
		w.line(indent, " | ")
		w.nullable(branch, indent+3)
		comments := describe(branch, bare)
		if d := branch.Get("description"); d.Kind() == '"' && (i == 0 && above || description.Kind() == '"' && d.Text() == description.Text()) {
			comments = comments[1:]
		}
		w.comments(comments)
		w.WriteByte('\n')
		i++
	}
	w.line(indent, ",\n")
}

// comments writes what is said about a type after it.
func (w *harmonyWriter) comments(comments []string) {
	if len(comments) > 0 {
		w.WriteString(" // " + strings.Join(comments, " "))
	}
}

// describe returns a branch's description and default.
func describe(branch rawjson.Node, enum quoting) (comments []string) {
	if d := branch.Get("description"); d.Kind() == '"' {
		comments = append(comments, d.Text())
	}
	if branch.Get("default").Kind() != 0 {
		comments = append(comments, defaultText(branch, enum))
	}
	return comments
}

// quoting says whether the default of an enumeration is in quotes, which depends on where it stands.
type quoting bool

const (
	quoted quoting = true
	bare   quoting = false
)

// defaultText is the default of a schema that has one.
func defaultText(schema rawjson.Node, enum quoting) string {
	d := schema.Get("default")
	isEnum := schema.Get("enum").Kind() == '[' && (hasElements(schema.Get("enum")) || schema.Get("enum").Numbers() > 0)
	switch {
	case d.Kind() != '"':
		return "default: " + compact(string(d.Raw()))
	case isEnum && enum == bare:
		return "default: " + d.Text()
	}
	return `default: "` + d.Text() + `"`
}

func hasElements(array rawjson.Node) bool {
	for range array.Elements() {
		return true
	}
	return false
}
