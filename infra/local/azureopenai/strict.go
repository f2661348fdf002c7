package azureopenai

import (
	"fmt"
	"slices"
)

// checkStrict finds what "strict": true does not allow in a schema, in OpenAI's words (on Azure
// unverified); "" if it is allowed.
func checkStrict(schema any, context string) string {
	s, ok := schema.(*object)
	if !ok {
		return ""
	}
	properties, isObject := s.get("properties").(*object)
	if isObject || s.get("type") == "object" {
		if s.get("additionalProperties") != false {
			return fmt.Sprintf("In context=(%s), 'additionalProperties' is required to be supplied and to be false.", context)
		}
	}
	if isObject {
		required, _ := s.get("required").([]any)
		for _, name := range properties.keys {
			if !slices.Contains(required, any(name)) {
				return fmt.Sprintf("In context=(%s), 'required' is required to be supplied and to be an array including every key in properties. Missing '%s'.", context, name)
			}
			if wrong := checkStrict(properties.values[name], contextOf(context, "properties", name)); wrong != "" {
				return wrong
			}
		}
	}
	if wrong := checkStrict(s.get("items"), contextOf(context, "items")); wrong != "" {
		return wrong
	}
	options, _ := s.get("anyOf").([]any)
	for i, option := range options {
		if wrong := checkStrict(option, contextOf(context, "anyOf", itoa(i))); wrong != "" {
			return wrong
		}
	}
	definitions, _ := s.get("$defs").(*object)
	if definitions == nil {
		return ""
	}
	for _, name := range definitions.keys {
		if wrong := checkStrict(definitions.values[name], contextOf(context, "$defs", name)); wrong != "" {
			return wrong
		}
	}
	return ""
}

func contextOf(outer string, steps ...string) string {
	for _, step := range steps {
		if outer != "" {
			outer += ", "
		}
		outer += "'" + step + "'"
	}
	return outer
}
