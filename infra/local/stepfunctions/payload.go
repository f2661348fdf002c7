package stepfunctions

import (
	"encoding/json"
	"fmt"
	"strings"

	"aoai-bridge/infra/local/jsonpath"
	"aoai-bridge/infra/local/jsonvalue"
)

// A scope is what paths lead into.
type scope struct {
	input   any
	context func() any // the context object, $$
}

// An expression is what a field's text stands for.
type expression interface {
	// eval fails with a *Failure. field is the name of the field it stands in.
	eval(s scope, field string) (any, error)
}

// parseExpression reads a path or, where there may be one, an intrinsic function.
func parseExpression(text string) (expression, error) {
	if strings.HasPrefix(text, "States.") {
		return parseIntrinsic(text)
	}
	return parsePath(text)
}

// A path is an expression that leads into the scope.
type path struct{ *jsonpath.Path }

func parsePath(text string) (path, error) {
	p, err := jsonpath.Parse(text)
	return path{p}, err
}

func (p path) eval(s scope, field string) (any, error) {
	root := s.input
	if p.Context {
		root = s.context()
	}
	value, ok := p.Get(root)
	if !ok {
		return nil, failf(errRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p.Text, field, encode(root))
	}
	return value, nil
}

// A literal is a value that stands for itself.
type literal struct{ value any }

func (l literal) eval(scope, string) (any, error) { return l.value, nil }

// A payload is a template: a value in which a field NAME.$ is an expression whose value becomes NAME.
// The zero payload is none.
type payload struct{ expression }

func (p *payload) UnmarshalJSON(text []byte) error {
	value, err := jsonvalue.Decode(text)
	if err != nil {
		return err
	}
	p.expression, err = parsePayload(value)
	return err
}

func parsePayload(value any) (expression, error) {
	switch value := value.(type) {
	case map[string]any:
		object := objectOf{}
		for name, inner := range value {
			bare, isExpression := strings.CutSuffix(name, ".$")
			var err error
			if !isExpression {
				object[name], err = parsePayload(inner)
			} else if text, ok := inner.(string); ok {
				object[bare], err = parseExpression(text)
			} else {
				err = fmt.Errorf("want a path or an intrinsic function")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return object, nil
	case []any:
		list := make(listOf, len(value))
		for i, inner := range value {
			var err error
			if list[i], err = parsePayload(inner); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return literal{value}, nil
}

type (
	objectOf map[string]expression
	listOf   []expression
)

func (o objectOf) eval(s scope, _ string) (any, error) {
	object := make(map[string]any, len(o))
	for name, inner := range o {
		value, err := inner.eval(s, name+".$")
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	return object, nil
}

func (l listOf) eval(s scope, field string) (any, error) {
	list := make([]any, len(l))
	for i, inner := range l {
		var err error
		if list[i], err = inner.eval(s, field); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// A pathField is a field such as InputPath, which may be absent, null, or a path.
type pathField struct {
	null bool
	expression
}

func (f *pathField) UnmarshalJSON(text []byte) error {
	var value *string
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if value == nil {
		f.null = true
		return nil
	}
	var err error
	f.expression, err = parseExpression(*value)
	return err
}

func (f pathField) set() bool { return f.expression != nil }

// selectFrom is what InputPath and OutputPath do: whole where f is absent, {} where it is null.
func (f pathField) selectFrom(value any, s scope, field string) (any, error) {
	switch {
	case f.null:
		return map[string]any{}, nil
	case !f.set():
		return value, nil
	}
	s.input = value
	return f.eval(s, field)
}

// putResult is what ResultPath does: it puts a result into the state's input.
func (f pathField) putResult(input, result any) (any, error) {
	if f.null {
		return input, nil
	}
	p, ok := f.expression.(path)
	if !ok || p.Whole() {
		return result, nil
	}
	if merged, ok := p.Set(input, result); ok {
		return merged, nil
	}
	return nil, failf(errResultPath, "Unable to apply step \"%s\" to input %s", strings.TrimPrefix(p.Text, "$."), encode(input))
}
