package template

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// evalIf evaluates Fn::If: only the branch that counts.
func (s *scope) evalIf(argument ast.Node) (any, error) {
	parts := slices.Collect(items(argument))
	if len(parts) != 3 {
		return nil, fmt.Errorf("want a condition and two values")
	}
	holds, err := s.condition(scalarText(parts[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return s.eval(parts[1])
	}
	return s.eval(parts[2])
}

// condition evaluates one of the template's conditions.
func (s *scope) condition(name string) (bool, error) {
	n, ok := s.conditions[name]
	if !ok {
		return false, fmt.Errorf("no condition %q", name)
	}
	if slices.Contains(s.pending, name) {
		return false, fmt.Errorf("condition %s refers to itself", name)
	}
	s.pending = append(s.pending, name)
	defer func() { s.pending = s.pending[:len(s.pending)-1] }()
	return s.evalBool(n)
}

// evalBool evaluates what may stand for true or false.
func (s *scope) evalBool(n ast.Node) (bool, error) {
	if list := pairs(n); len(list) == 1 && list[0].key == "Condition" {
		return s.condition(scalarText(list[0].value))
	}
	name, argument, _ := intrinsic(n)
	switch name {
	case "Condition":
		return s.condition(scalarText(argument))
	case "Equals":
		sides, err := s.list(argument)
		if err != nil || len(sides) != 2 {
			return false, cmp.Or(err, fmt.Errorf("want two values to compare"))
		}
		return textOf(sides[0]) == textOf(sides[1]), nil
	case "Not":
		holds, err := s.all(argument)
		return !holds, err
	case "And":
		return s.all(argument)
	case "Or":
		for item := range items(argument) {
			if holds, err := s.evalBool(item); holds || err != nil {
				return holds, err
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("line %d: not a condition", n.GetToken().Position.Line)
}

func (s *scope) all(argument ast.Node) (bool, error) {
	for item := range items(argument) {
		if holds, err := s.evalBool(item); !holds || err != nil {
			return false, err
		}
	}
	return true, nil
}
