package azureopenai

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// softDepth is the depth from which recursive schemas are brought to an end: optional members and array
// items are left out, and null is taken where it is allowed. maxDepth and maxValues stop those that cannot end.
const (
	softDepth = 5
	maxDepth  = 40
	maxValues = 10000 // values
)

// fitSchema makes a JSON document that conforms to a schema, with values from the text where some fit.
func fitSchema(schema []byte, text string) []byte {
	f := documentMaker{root: readOrdered(schema), clues: readClues(text)}
	return encode(f.value(f.root, "", 0))
}

// documentMaker makes one document.
type documentMaker struct {
	root  any
	clues *clues
	made  int
}

// value makes a value for a schema; name is the property it is for.
func (f *documentMaker) value(schema any, name string, depth int) any {
	s := f.resolve(schema)
	f.made++
	if s == nil || depth > maxDepth || f.made > maxValues {
		return f.clues.word(name)
	}
	if v, ok := s.values["const"]; ok {
		return v
	}
	if options, ok := s.get("enum").([]any); ok && len(options) > 0 {
		return f.clues.pickOption(options)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if options, ok := s.get(key).([]any); ok && len(options) > 0 {
			both := withoutKey(s, key)
			merge(both, f.resolve(f.choose(options, depth)))
			return f.value(both, name, depth+1)
		}
	}
	switch kind := f.kind(s, depth); kind {
	case "object":
		return f.object(s, depth)
	case "array":
		return f.array(s, name, depth)
	case "integer", "number":
		return f.number(s, kind == "integer")
	case "boolean":
		return !f.clues.negative
	case "null":
		return nil
	}
	return f.text(s, name)
}

// resolve follows $ref and merges allOf.
func (f *documentMaker) resolve(schema any) *object {
	s, _ := schema.(*object)
	for range maxDepth {
		ref, ok := s.get("$ref").(string)
		if !ok {
			break
		}
		s, _ = f.lookUp(ref).(*object)
	}
	parts, ok := s.get("allOf").([]any)
	if !ok {
		return s
	}
	merged := &object{values: make(map[string]any)}
	for _, part := range append([]any{withoutKey(s, "allOf")}, parts...) {
		merge(merged, f.resolve(part))
	}
	return merged
}

// lookUp follows a JSON pointer such as #/$defs/step; references to other documents lead nowhere.
func (f *documentMaker) lookUp(ref string) any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	v := f.root
	for _, segment := range strings.Split(path, "/")[1:] {
		o, _ := v.(*object)
		v = o.get(strings.NewReplacer("~1", "/", "~0", "~").Replace(segment))
	}
	return v
}

func withoutKey(o *object, key string) *object {
	c := &object{values: make(map[string]any)}
	for _, k := range o.keys {
		if k != key {
			c.set(k, o.values[k])
		}
	}
	return c
}

func merge(into, from *object) {
	if from == nil {
		return
	}
	for _, k := range from.keys {
		old, new := into.values[k], from.values[k]
		oldObject, isObject := old.(*object)
		newObject, both := new.(*object)
		oldList, isList := old.([]any)
		newList, bothLists := new.([]any)
		switch {
		case k == "properties" && isObject && both:
			joined := withoutKey(oldObject, "")
			merge(joined, newObject)
			new = joined
		case k == "required" && isList && bothLists:
			new = append(append([]any{}, oldList...), newList...)
		}
		into.set(k, new)
	}
}

// choose takes the first option that is not null and, from softDepth on, null itself.
func (f *documentMaker) choose(options []any, depth int) any {
	var first any
	for _, option := range options {
		isNull := f.resolve(option).get("type") == "null"
		if isNull && depth >= softDepth {
			return option
		}
		if first == nil && !isNull {
			first = option
		}
	}
	if first == nil {
		return options[0]
	}
	return first
}

func (f *documentMaker) kind(s *object, depth int) string {
	switch t := s.get("type").(type) {
	case string:
		return t
	case []any:
		kind := "null"
		for _, option := range t {
			if option == "null" && depth >= softDepth {
				return "null"
			}
			if option, ok := option.(string); ok && kind == "null" {
				kind = option
			}
		}
		return kind
	}
	switch {
	case s.get("properties") != nil:
		return "object"
	case s.get("items") != nil:
		return "array"
	}
	return "string"
}

func (f *documentMaker) object(s *object, depth int) *object {
	o := &object{values: make(map[string]any)}
	required := make(map[any]bool)
	if names, ok := s.get("required").([]any); ok {
		for _, name := range names {
			required[name] = true
		}
	}
	properties, _ := s.get("properties").(*object)
	if properties != nil {
		for _, name := range properties.keys {
			if required[name] || depth < softDepth {
				o.set(name, f.value(properties.values[name], name, depth+1))
			}
		}
	}
	for i := len(o.keys); i < integer(s, "minProperties", 0); i++ {
		o.set("key"+strconv.Itoa(i+1), f.value(s.get("additionalProperties"), "", depth+1))
	}
	return o
}

func (f *documentMaker) array(s *object, name string, depth int) []any {
	least := integer(s, "minItems", 0)
	n := max(least, 2)
	if depth >= softDepth {
		n = least
	}
	n = min(n, integer(s, "maxItems", n))
	list := make([]any, n)
	for i := range list {
		list[i] = f.value(s.get("items"), name, depth+1)
	}
	return list
}

// number takes one from the text if it is in range, else the smallest that is.
func (f *documentMaker) number(s *object, isInteger bool) any {
	low, high := float(s, "minimum", math.Inf(-1)), float(s, "maximum", math.Inf(1))
	step := float(s, "multipleOf", 0)
	if v, ok := s.values["exclusiveMinimum"]; ok && v != false {
		low = justAbove(float(s, "exclusiveMinimum", low), isInteger, step)
	}
	if v, ok := s.values["exclusiveMaximum"]; ok && v != false {
		high = -justAbove(-float(s, "exclusiveMaximum", high), isInteger, step)
	}
	fits := func(v float64) bool {
		return v >= low && v <= high && (!isInteger || v == math.Trunc(v)) && (step == 0 || math.Mod(v, step) == 0)
	}
	v, found := f.clues.takeNumber(fits)
	if !found {
		v = 1
	}
	if !fits(v) {
		v = low
		if math.IsInf(low, -1) {
			v = min(high, 0)
		}
		if isInteger {
			v = math.Ceil(v)
		}
		if step > 0 {
			v = math.Ceil(v/step) * step
		}
	}
	return plainNumber(v)
}

// justAbove is a number just above an exclusive limit.
func justAbove(limit float64, isInteger bool, step float64) float64 {
	switch {
	case step > 0:
		return limit + step
	case isInteger:
		return math.Floor(limit) + 1
	}
	return limit + 0.5
}

// plainNumber is written without an exponent, which some readers of integers refuse.
type plainNumber float64

func (n plainNumber) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(n), 'f', -1, 64), nil
}

var formats = map[string]string{
	"date-time": "2026-01-15T09:30:00Z", "date": "2026-01-15", "time": "09:30:00Z", "duration": "PT30M",
	"email": "someone@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uuid": "3f2b8c1a-5d4e-4f60-8a7b-9c0d1e2f3a4b", "uri": "https://example.com/",
}

func (f *documentMaker) text(s *object, name string) string {
	var v string
	if format, ok := s.get("format").(string); ok && formats[format] != "" {
		return f.clues.findFormat(format, formats[format])
	}
	v = f.clues.word(name)
	runes := []rune(v)
	if longest := integer(s, "maxLength", len(runes)); len(runes) > longest {
		runes = runes[:longest]
	}
	for i := 0; len(runes) < integer(s, "minLength", 0); i++ {
		runes = append(runes, rune('a'+i%26))
	}
	return string(runes)
}

func float(s *object, key string, missing float64) float64 {
	if n, ok := s.get(key).(fmt.Stringer); ok { // json.Number
		if v, err := strconv.ParseFloat(n.String(), 64); err == nil {
			return v
		}
	}
	return missing
}

func integer(s *object, key string, missing int) int {
	return int(float(s, key, float64(missing)))
}
