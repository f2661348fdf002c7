package eventbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aoai-bridge/infra/local/jsonvalue"
)

// A Pattern says which events a rule is for.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
type Pattern struct{ test matcher }

// A matcher reports whether a value, or its absence, is what a pattern asks for.
type matcher func(value any, exists bool) bool

// ParsePattern reads a pattern. What it asks for that is not implemented here is an error.
func ParsePattern(text []byte) (*Pattern, error) {
	value, err := jsonvalue.Decode(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return nil, errors.New("an event pattern must be an object with fields")
	}
	t, err := parseFields(object)
	return &Pattern{t}, err
}

// Matches reports whether an event, as JSON, is one that the pattern is for.
func (p *Pattern) Matches(event []byte) bool {
	value, err := jsonvalue.Decode(event)
	return err == nil && p.test(value, true)
}

// parseFields reads an object: all of its fields must match.
func parseFields(object map[string]any) (matcher, error) {
	fields := make(map[string]matcher, len(object))
	for name, value := range object {
		var err error
		switch value := value.(type) {
		case map[string]any:
			fields[name], err = parseFields(value)
		case []any:
			if name == "$or" {
				fields[name], err = parseOr(value)
			} else {
				fields[name], err = parseMatchers(value)
			}
		default:
			err = errors.New("want a list or an object")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return func(value any, _ bool) bool {
		object, _ := value.(map[string]any)
		for name, matches := range fields {
			inner, exists := object[name]
			if name == "$or" {
				inner, exists = value, true
			}
			if !matches(inner, exists) {
				return false
			}
		}
		return true
	}, nil
}

func parseOr(list []any) (matcher, error) {
	var alternatives []matcher
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, errors.New("want patterns")
		}
		alternative, err := parseFields(object)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, alternative)
	}
	return anyOf(alternatives), nil
}

func anyOf(tests []matcher) matcher {
	return func(value any, exists bool) bool {
		return slices.ContainsFunc(tests, func(t matcher) bool { return t(value, exists) })
	}
}

// parseMatchers reads a list: one of them must match the value or, if that is an array, an element.
func parseMatchers(list []any) (matcher, error) {
	var matchers []matcher
	for _, item := range list {
		matcher, err := parseMatcher(item)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, matcher)
	}
	matchesAny := anyOf(matchers)
	return func(value any, exists bool) bool {
		if elements, ok := value.([]any); ok && len(elements) > 0 {
			return slices.ContainsFunc(elements, func(element any) bool { return matchesAny(element, true) })
		}
		return matchesAny(value, exists)
	}, nil
}

// parseMatcher reads a literal, or {OPERATOR: OPERAND}.
func parseMatcher(item any) (matcher, error) {
	object, isObject := item.(map[string]any)
	if !isObject {
		if _, isList := item.([]any); isList {
			return nil, errors.New("a list within a list")
		}
		return func(value any, exists bool) bool { return exists && equal(value, item) }, nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("want one operator, got %v", slices.Sorted(maps.Keys(object)))
	}
	for operator, operand := range object {
		switch operator {
		case "exists":
			want, ok := operand.(bool)
			if !ok {
				return nil, errors.New("exists: want true or false")
			}
			return func(_ any, exists bool) bool { return exists == want }, nil
		case "anything-but":
			return parseAnythingBut(operand)
		case "numeric":
			return parseNumeric(operand)
		}
		return parseText(operator, operand)
	}
	return nil, nil // not reached: there is one
}

// parseText reads an operator on strings.
func parseText(operator string, operand any) (matcher, error) {
	matches := map[string]func(text, operand string) bool{
		"prefix":             strings.HasPrefix,
		"suffix":             strings.HasSuffix,
		"equals-ignore-case": strings.EqualFold,
		"wildcard":           jsonvalue.Like,
	}[operator]
	wanted, ok := operand.(string)
	if matches == nil || !ok {
		return nil, fmt.Errorf("%s %v is not implemented here", operator, operand)
	}
	return func(value any, _ bool) bool {
		text, ok := value.(string)
		return ok && matches(text, wanted)
	}, nil
}

// parseAnythingBut reads a literal, a list of them, or a matcher, none of which may match.
func parseAnythingBut(operand any) (matcher, error) {
	list, isList := operand.([]any)
	if !isList {
		list = []any{operand}
	}
	var excluded []matcher
	for _, item := range list {
		matcher, err := parseMatcher(item)
		if err != nil {
			return nil, fmt.Errorf("anything-but: %w", err)
		}
		excluded = append(excluded, matcher)
	}
	return func(value any, exists bool) bool { return exists && !anyOf(excluded)(value, true) }, nil
}

// parseNumeric reads [">", 0, "<=", 5].
func parseNumeric(operand any) (matcher, error) {
	list, _ := operand.([]any)
	if len(list) == 0 || len(list)%2 != 0 {
		return nil, errors.New("numeric: want pairs of a comparison and a number")
	}
	var bounds []matcher
	for i := 0; i < len(list); i += 2 {
		holds := map[any]func(int) bool{
			"=":  func(c int) bool { return c == 0 },
			"<":  func(c int) bool { return c < 0 },
			"<=": func(c int) bool { return c <= 0 },
			">":  func(c int) bool { return c > 0 },
			">=": func(c int) bool { return c >= 0 },
		}[list[i]]
		limit, ok := list[i+1].(json.Number)
		if holds == nil || !ok {
			return nil, errors.New("numeric: want pairs of a comparison and a number")
		}
		bounds = append(bounds, func(value any, _ bool) bool {
			n, ok := value.(json.Number)
			return ok && holds(jsonvalue.Compare(n, limit))
		})
	}
	return func(value any, present bool) bool {
		return !slices.ContainsFunc(bounds, func(t matcher) bool { return !t(value, present) })
	}, nil
}

func equal(a, b any) bool {
	left, leftOK := a.(json.Number)
	right, rightOK := b.(json.Number)
	if leftOK && rightOK {
		return jsonvalue.Compare(left, right) == 0
	}
	switch a.(type) {
	case map[string]any, []any: // an operator, or an array that is empty
		return false
	}
	return a == b
}
