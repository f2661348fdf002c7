package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aoai-bridge/infra/local/jsonvalue"
)

// A rule is one of a Choice state's, or part of one.
type rule struct {
	next string
	test func(scope) (bool, error)
}

func (r *rule) UnmarshalJSON(text []byte) error {
	value, err := jsonvalue.Decode(text)
	if err != nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("a choice must be an object")
	}
	object = maps.Clone(object)
	r.next, _ = object["Next"].(string)
	delete(object, "Next")
	if r.next == "" {
		return errors.New("a choice needs Next")
	}
	r.test, err = parseTest(object)
	return err
}

// parseTest reads {And|Or|Not: ...} or {Variable: PATH, OPERATOR: ...}.
func parseTest(object map[string]any) (func(scope) (bool, error), error) {
	delete(object, "Comment")
	variable, isComparison := object["Variable"].(string)
	delete(object, "Variable")
	if len(object) != 1 {
		return nil, fmt.Errorf("want one operator, got %v", slices.Sorted(maps.Keys(object)))
	}
	for operator, operand := range object {
		if isComparison {
			return parseComparison(variable, operator, operand)
		}
		return parseLogic(operator, operand)
	}
	return nil, nil // not reached: there is one
}

func parseLogic(operator string, operand any) (func(scope) (bool, error), error) {
	list, isList := operand.([]any)
	if operator == "Not" {
		list = []any{operand}
	} else if operator != "And" && operator != "Or" || !isList || len(list) == 0 {
		return nil, fmt.Errorf("choice operator %s is not implemented here, or lacks a Variable", operator)
	}
	tests := make([]func(scope) (bool, error), len(list))
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: want an object", operator)
		}
		var err error
		if tests[i], err = parseTest(object); err != nil {
			return nil, fmt.Errorf("%s: %w", operator, err)
		}
	}
	return func(s scope) (bool, error) {
		for _, test := range tests {
			holds, err := test(s)
			if err != nil || operator == "Not" {
				return !holds, err
			}
			if holds == (operator == "Or") {
				return holds, nil
			}
		}
		return operator == "And", nil
	}, nil
}

// parseComparison reads an operator and what to compare with, which a path leads to if the operator
// ends in Path.
func parseComparison(variable, operator string, operand any) (func(scope) (bool, error), error) {
	p, err := parsePath(variable)
	if err != nil {
		return nil, err
	}
	if operator == "IsPresent" {
		want, ok := operand.(bool)
		if !ok {
			return nil, errors.New("IsPresent: want true or false")
		}
		return func(s scope) (bool, error) {
			_, err := p.eval(s, "Variable")
			return (err == nil) == want, nil
		}, nil
	}
	name, byPath := strings.CutSuffix(operator, "Path")
	compare := comparisons[name]
	if compare == nil {
		return nil, fmt.Errorf("choice operator %s is not implemented here", operator)
	}
	other := expression(literal{operand})
	if byPath {
		text, _ := operand.(string)
		if other, err = parsePath(text); err != nil {
			return nil, fmt.Errorf("%s: %w", operator, err)
		}
	} else if !compare.accepts(operand) {
		return nil, fmt.Errorf("%s: %s is of the wrong type", operator, encode(operand))
	}
	return func(s scope) (bool, error) {
		value, err := p.eval(s, "Variable")
		if err != nil {
			return false, err
		}
		wanted, err := other.eval(s, operator)
		return err == nil && compare.holds(value, wanted), err
	}, nil
}

// A comparison compares two values; it is false if one is of another type than it takes.
type comparison struct {
	accepts func(operand any) bool
	holds   func(value, operand any) bool
}

var comparisons = func() map[string]*comparison {
	all := map[string]*comparison{
		"BooleanEquals": {isType[bool], func(a, b any) bool { return a == b }},
		"StringMatches": {isType[string], func(a, b any) bool {
			text, ok := a.(string)
			pattern, _ := b.(string)
			return ok && jsonvalue.Like(text, pattern)
		}},
		"IsNull":    typeTest(func(v any) bool { return v == nil }),
		"IsString":  typeTest(isType[string]),
		"IsNumeric": typeTest(isType[json.Number]),
		"IsBoolean": typeTest(isType[bool]),
		"IsTimestamp": typeTest(func(v any) bool {
			_, ok := timestamp(v)
			return ok
		}),
	}
	orders := map[string]func(int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	}
	for name, order := range orders {
		all["String"+name] = orderComparison(asType[string], strings.Compare, order)
		all["Numeric"+name] = orderComparison(asType[json.Number], jsonvalue.Compare, order)
		all["Timestamp"+name] = orderComparison(timestamp, time.Time.Compare, order)
	}
	return all
}()

func isType[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func asType[T any](v any) (T, bool) {
	typed, ok := v.(T)
	return typed, ok
}

func timestamp(v any) (time.Time, bool) {
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

func typeTest(test func(any) bool) *comparison {
	return &comparison{isType[bool], func(value, operand any) bool { return test(value) == operand }}
}

func orderComparison[T any](convert func(any) (T, bool), compare func(a, b T) int, order func(int) bool) *comparison {
	return &comparison{
		accepts: func(operand any) bool { _, ok := convert(operand); return ok },
		holds: func(value, operand any) bool {
			a, aOK := convert(value)
			b, bOK := convert(operand)
			return aOK && bOK && order(compare(a, b))
		},
	}
}
