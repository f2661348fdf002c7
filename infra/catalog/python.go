package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// call is a call in Python: arguments by their names, and those without by their places ("0", "1" ...).
type call struct {
	name string
	args map[string]any
}

// pythonCall finds the call of a name with that id among its arguments, and returns them. It reads calls,
// lists, strings, numbers and names, and no more of Python.
func pythonCall(source []byte, name, id string) (map[string]any, error) {
	at := bytes.Index(source, fmt.Appendf(nil, "id='%s'", id))
	if at < 0 {
		return nil, fmt.Errorf("there is no %s(id='%s')", name, id)
	}
	start := bytes.LastIndex(source[:at], []byte(name+"("))
	if start < 0 {
		return nil, fmt.Errorf("there is no %s(id='%s')", name, id)
	}
	p := &python{rest: source[start:]}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	found, _ := value.(call)
	if found.args["id"] != id {
		return nil, fmt.Errorf("the %s that was found is not %s", name, id)
	}
	return found.args, nil
}

type python struct{ rest []byte }

func (p *python) next() byte {
	p.rest = bytes.TrimLeft(p.rest, " \t\r\n")
	if len(p.rest) == 0 {
		return 0
	}
	return p.rest[0]
}

func (p *python) value() (any, error) {
	switch c := p.next(); {
	case c == '\'' || c == '"':
		return p.text(c)
	case c == '[':
		items, err := p.arguments(']')
		list := make([]any, 0, len(items))
		for i := range len(items) {
			list = append(list, items[strconv.Itoa(i)])
		}
		return list, err
	case word(c):
		name := p.word()
		if p.next() == '(' {
			args, err := p.arguments(')')
			return call{string(name), args}, err
		}
		if name[0] >= '0' && name[0] <= '9' {
			return json.Number(name), nil
		}
		return string(name), nil // True, None, or a name
	}
	return nil, fmt.Errorf("nothing here reads Python that goes on with %.40q", p.rest)
}

// arguments reads what is in brackets, up to the closing one.
func (p *python) arguments(end byte) (map[string]any, error) {
	p.rest = p.rest[1:]
	args := map[string]any{}
	for p.next() != end {
		name := strconv.Itoa(len(args))
		before := p.rest
		if word(p.next()) {
			if got := string(p.word()); p.next() == '=' {
				name, p.rest = got, p.rest[1:]
			} else {
				p.rest = before
			}
		}
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		args[name] = value
		if p.next() == ',' {
			p.rest = p.rest[1:]
		} else if p.next() != end {
			return nil, fmt.Errorf("want a comma or %q before %.40q", end, p.rest)
		}
	}
	p.rest = p.rest[1:]
	return args, nil
}

func (p *python) text(quote byte) (string, error) {
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case quote:
			raw := p.rest[1:i]
			p.rest = p.rest[i+1:]
			return string(unescaped(raw)), nil
		}
	}
	return "", fmt.Errorf("a string has no end: %.40q", p.rest)
}

// unescaped drops the backslashes: of what they may mean, only quotes and backslashes occur in names.
func unescaped(raw []byte) []byte {
	var b []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			i++
		}
		b = append(b, raw[i])
	}
	return b
}

func (p *python) word() []byte {
	end := 0
	for end < len(p.rest) && word(p.rest[end]) {
		end++
	}
	got := p.rest[:end]
	p.rest = p.rest[end:]
	return got
}

func word(c byte) bool {
	return c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
