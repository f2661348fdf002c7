package azureopenai

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// conforms is a small validator for what the generator claims to honour; "" means it does.
func conforms(root, schema, v any) string {
	s, ok := schema.(map[string]any)
	if !ok {
		return ""
	}
	if ref, ok := s["$ref"].(string); ok {
		target := root
		for _, step := range strings.Split(ref, "/")[1:] {
			target = target.(map[string]any)[step]
		}
		return conforms(root, target, v)
	}
	if c, ok := s["const"]; ok && c != v {
		return fmt.Sprintf("%v is not %v", v, c)
	}
	if enum, ok := s["enum"].([]any); ok && !strings.Contains(fmt.Sprint(enum), fmt.Sprint(v)) {
		return fmt.Sprintf("%v is none of %v", v, enum)
	}
	if options, ok := s["anyOf"].([]any); ok {
		wrong := ""
		for _, o := range options {
			if wrong = conforms(root, o, v); wrong == "" {
				return ""
			}
		}
		return wrong
	}
	for _, part := range list(s["allOf"]) {
		if wrong := conforms(root, part, v); wrong != "" {
			return wrong
		}
	}
	if s["type"] != nil && !strings.Contains(fmt.Sprint(s["type"]), typeOf(v)) && !(typeOf(v) == "integer" && fmt.Sprint(s["type"]) == "number") {
		return fmt.Sprintf("%v is no %v", v, s["type"])
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range list(s["required"]) {
			if _, ok := v[name.(string)]; !ok {
				return fmt.Sprintf("%v is missing", name)
			}
		}
		properties, _ := s["properties"].(map[string]any)
		for name, member := range v {
			p, known := properties[name]
			if !known && s["additionalProperties"] == false {
				return name + " is not allowed"
			}
			if wrong := conforms(root, p, member); wrong != "" {
				return name + ": " + wrong
			}
		}
	case []any:
		if low, ok := s["minItems"].(float64); ok && len(v) < int(low) {
			return "too few items"
		}
		for _, item := range v {
			if wrong := conforms(root, s["items"], item); wrong != "" {
				return wrong
			}
		}
	case float64:
		if low, ok := s["minimum"].(float64); ok && v < low {
			return fmt.Sprintf("%v < %v", v, low)
		}
		if high, ok := s["exclusiveMaximum"].(float64); ok && v >= high {
			return fmt.Sprintf("%v >= %v", v, high)
		}
		if step, ok := s["multipleOf"].(float64); ok && math.Mod(v, step) != 0 {
			return fmt.Sprintf("%v is no multiple of %v", v, step)
		}
	case string:
		if high, ok := s["maxLength"].(float64); ok && len(v) > int(high) {
			return "too long"
		}
		if low, ok := s["minLength"].(float64); ok && len(v) < int(low) {
			return "too short"
		}
	}
	return ""
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func typeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	}
	return "null"
}

func TestFitSchema(t *testing.T) {
	tests := []struct{ name, schema, text, want string }{
		{"order and clues", `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"city":{"type":"string"}},"required":["name","age","city"],"additionalProperties":false}`,
			"Extract: Alice Miller, 34, lives in New York", `{"name":"Alice Miller","age":34,"city":"New York"}`},
		{"stated", `{"type":"object","properties":{"colour":{"type":"string"},"n":{"type":"number"}}}`, "colour: deep blue, n is 2.5", `{"colour":"deep blue","n":2.5}`},
		{"enum that is mentioned", `{"enum":["celsius","fahrenheit"]}`, "in Fahrenheit please", `"fahrenheit"`},
		{"enum", `{"type":"string","enum":["a","b"]}`, "xyz", `"a"`},
		{"const", `{"const":"fixed"}`, "", `"fixed"`},
		{"limits", `{"type":"object","properties":{"low":{"type":"integer","minimum":7},"step":{"type":"integer","minimum":4,"multipleOf":5},"below":{"type":"number","exclusiveMaximum":0},"short":{"type":"string","maxLength":3},"long":{"type":"string","minLength":30}}}`, "3 Pigs", ""},
		{"null or string", `{"anyOf":[{"type":"null"},{"type":"string"}]}`, "Bob", `"Bob"`},
		{"type list", `{"type":["string","null"]}`, "Bob", `"Bob"`},
		{"array", `{"type":"array","items":{"type":"string"},"minItems":3}`, "Ann, Bob and Cid", `["Ann","Bob","Cid"]`},
		{"recursive", `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"],"additionalProperties":false}}}`, "1", ""},
		{"recursive list", `{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#"}}},"required":["name","children"]}`, "Root", ""},
		{"allOf", `{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]}`, "yes", ""},
		{"boolean", `{"type":"boolean"}`, "this is not so", `false`},
		{"date", `{"type":"object","properties":{"when":{"type":"string","format":"date"},"mail":{"type":"string","format":"email"}}}`, "on 2026-03-04 to a@b.org", `{"when":"2026-03-04","mail":"a@b.org"}`},
		{"nothing known", `{"type":"object"}`, "", `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fitSchema([]byte(tt.schema), tt.text)
			if tt.want != "" && string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var schema, v any
			if err := json.Unmarshal([]byte(tt.schema), &schema); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(got, &v); err != nil {
				t.Fatalf("%s: %v", got, err)
			}
			if wrong := conforms(schema, schema, v); wrong != "" {
				t.Errorf("%s: %s", got, wrong)
			}
		})
	}
}

func TestSchemaThatNeverEnds(t *testing.T) {
	schema := `{"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]}`
	if got := fitSchema([]byte(schema), "x"); !json.Valid(got) {
		t.Errorf("%.100s", got)
	}
	if got := fitSchema([]byte(`{"$ref":"#"}`), "x"); string(got) == "" {
		t.Error("nothing")
	}
	wide := `{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}},"required":["a","b"]}`
	if got := fitSchema([]byte(wide), "x"); !json.Valid(got) {
		t.Errorf("%.100s", got)
	}
}
