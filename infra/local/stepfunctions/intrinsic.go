package stepfunctions

import (
	"errors"
	"fmt"
	"strings"

	"aoai-bridge/infra/local/jsonvalue"
)

// A call is an intrinsic function with its arguments.
type call struct {
	name      string
	function  func(args []any) (any, error)
	arguments []expression
}

func (c *call) eval(s scope, field string) (any, error) {
	values := make([]any, len(c.arguments))
	for i, argument := range c.arguments {
		var err error
		if values[i], err = argument.eval(s, field); err != nil {
			return nil, err
		}
	}
	value, err := c.function(values)
	if err != nil {
		return nil, failf(errIntrinsic, "%s: %v", c.name, err)
	}
	return value, nil
}

func parseIntrinsic(text string) (expression, error) {
	c, rest, err := parseCall(text)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q after the end", rest)
	}
	if err != nil {
		return nil, fmt.Errorf("intrinsic function %s: %w", text, err)
	}
	return c, nil
}

// parseCall reads NAME(ARGUMENT, ...).
func parseCall(text string) (c *call, rest string, err error) {
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return nil, "", errors.New("want arguments in parentheses")
	}
	c = &call{name: name, function: functions[name]}
	if c.function == nil {
		return nil, "", fmt.Errorf("%s is not implemented here", name)
	}
	if after, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), ")"); ok {
		return c, after, nil
	}
	for {
		argument, after, err := parseArgument(strings.TrimLeft(rest, " "))
		if err != nil {
			return nil, "", err
		}
		c.arguments = append(c.arguments, argument)
		rest = strings.TrimLeft(after, " ")
		if after, ok := strings.CutPrefix(rest, ")"); ok {
			return c, after, nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, "", fmt.Errorf("want a comma or a parenthesis at %q", rest)
		}
	}
}

// parseArgument reads 'text', a number, true, false, null, a path or a nested call.
func parseArgument(text string) (expression, string, error) {
	switch {
	case strings.HasPrefix(text, "'"):
		value, rest, err := quotedArgument(text)
		return literal{value}, rest, err
	case strings.HasPrefix(text, "States."):
		return parseCall(text)
	}
	end := endOfArgument(text)
	word := strings.TrimSpace(text[:end])
	if strings.HasPrefix(word, "$") {
		p, err := parsePath(word)
		return p, text[end:], err
	}
	value, err := jsonvalue.Decode([]byte(word))
	if err != nil {
		return nil, "", fmt.Errorf("%q is no argument", word)
	}
	return literal{value}, text[end:], nil
}

// quotedArgument reads text in quotes. Of escapes only \' and \\ are undone: \{ and \} are for
// States.Format.
func quotedArgument(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\'':
			return b.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text):
			i++
			if text[i] == '{' || text[i] == '}' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", errors.New("a quote is not closed")
}

// endOfArgument finds the comma or parenthesis that ends a path, outside of its brackets.
func endOfArgument(text string) int {
	depth := 0
	quote := rune(0)
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case depth > 0 && (r == '\'' || r == '"'):
			quote = r
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0 && (r == ',' || r == ')'):
			return i
		}
	}
	return len(text)
}
