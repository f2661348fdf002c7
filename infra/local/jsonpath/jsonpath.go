// Package jsonpath follows JSONPath through decoded JSON, as Step Functions and EventBridge write it:
// names, indices, slices, wildcards and .. . It has no filters and functions, and what a
// number is: values pass as they are.
package jsonpath

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Path leads from a value to one or more within it. A name after a dot may have any character but
// a dot or a bracket, as on AWS: $.detail.version-id.
type Path struct {
	Text    string
	Context bool // $$: it leads from Step Functions' context object
	steps   []step
}

// A step leads from a value to others.
type step struct {
	names      []string // of an object's fields
	indices    []int    // of an array's elements; negative from the end
	slice      bool     // of an array: from, to
	from, to   *int
	wildcard   bool
	descending bool // at any depth below
}

// Whole reports whether p is $ or $$.
func (p *Path) Whole() bool { return len(p.steps) == 0 }

// Definite reports whether p can lead to one value only.
func (p *Path) Definite() bool {
	return !slices.ContainsFunc(p.steps, func(s step) bool {
		return s.slice || s.wildcard || s.descending || len(s.names)+len(s.indices) > 1
	})
}

// Parse reads a path.
func Parse(text string) (*Path, error) {
	p := &Path{Text: text}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q is no path: it must begin with $", text)
	}
	rest, p.Context = strings.CutPrefix(rest, "$")
	for rest != "" {
		s := step{}
		if after, ok := strings.CutPrefix(rest, ".."); ok {
			s.descending = true
			if rest = after; !strings.HasPrefix(rest, "[") {
				rest = "." + rest
			}
		}
		var err error
		if strings.HasPrefix(rest, "[") {
			rest, err = s.bracket(rest[1:])
		} else {
			rest, err = s.dot(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("path %s: %w", text, err)
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

// dot reads .NAME and .*.
func (s *step) dot(text string) (rest string, err error) {
	text, ok := strings.CutPrefix(text, ".")
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	switch {
	case !ok || name == "" || strings.ContainsAny(name, "()?@ "):
		return "", fmt.Errorf("want a name at %q", text)
	case name == "*":
		s.wildcard = true
	default:
		s.names = []string{name}
	}
	return text[end:], nil
}

// bracket reads what follows a bracket: ['NAME', ...], [N, ...], [FROM:TO] and [*].
func (s *step) bracket(text string) (rest string, err error) {
	for {
		text = strings.TrimLeft(text, " ")
		if text != "" && (text[0] == '\'' || text[0] == '"') {
			name, after, err := quoted(text)
			if err != nil {
				return "", err
			}
			s.names, text = append(s.names, name), after
		} else {
			end := strings.IndexAny(text, ",]")
			if end < 0 {
				return "", fmt.Errorf("a bracket is not closed")
			}
			if err := s.element(strings.TrimSpace(text[:end])); err != nil {
				return "", err
			}
			text = text[end:]
		}
		text = strings.TrimLeft(text, " ")
		if after, ok := strings.CutPrefix(text, "]"); ok {
			return after, nil
		}
		var more bool
		if text, more = strings.CutPrefix(text, ","); !more {
			return "", fmt.Errorf("want a comma or a bracket at %q", text)
		}
	}
}

func (s *step) element(text string) error {
	if text == "*" {
		s.wildcard = true
		return nil
	}
	from, to, isSlice := strings.Cut(text, ":")
	if !isSlice {
		n, err := strconv.Atoi(text)
		s.indices = append(s.indices, n)
		if err != nil {
			return fmt.Errorf("[%s] is not implemented here", text)
		}
		return nil
	}
	s.slice = true
	var wrongFrom, wrongTo error
	s.from, wrongFrom = sliceBound(from)
	s.to, wrongTo = sliceBound(to)
	if wrongFrom != nil || wrongTo != nil {
		return fmt.Errorf("[%s] is not implemented here", text)
	}
	return nil
}

func sliceBound(text string) (*int, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	return &n, err
}

// quoted reads a string in quotes, with backslashes before quotes and backslashes.
func quoted(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return b.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", fmt.Errorf("a quote is not closed")
}

// Get returns what p leads to: a value, or a list of them if there can be several. ok is false if a
// definite path leads nowhere.
func (p *Path) Get(root any) (value any, ok bool) {
	found := []any{root}
	for _, s := range p.steps {
		var next []any
		for _, value := range found {
			if s.descending {
				for _, inner := range below(value) {
					next = append(next, s.follow(inner)...)
				}
				continue
			}
			next = append(next, s.follow(value)...)
		}
		found = next
	}
	if !p.Definite() {
		return append([]any{}, found...), true
	}
	if len(found) == 0 {
		return nil, false
	}
	return found[0], true
}

// below lists a value and all that is in it.
func below(value any) []any {
	list := []any{value}
	for _, inner := range (step{wildcard: true}).follow(value) {
		list = append(list, below(inner)...)
	}
	return list
}

func (s step) follow(value any) []any {
	var found []any
	switch value := value.(type) {
	case map[string]any:
		if s.wildcard {
			for _, name := range slices.Sorted(maps.Keys(value)) {
				found = append(found, value[name])
			}
		}
		for _, name := range s.names {
			if inner, ok := value[name]; ok {
				found = append(found, inner)
			}
		}
	case []any:
		if s.wildcard {
			return value
		}
		if s.slice {
			from, to := bound(s.from, 0, len(value)), bound(s.to, len(value), len(value))
			return value[min(from, to):to]
		}
		for _, index := range s.indices {
			if index < 0 {
				index += len(value)
			}
			if index >= 0 && index < len(value) {
				found = append(found, value[index])
			}
		}
	}
	return found
}

func bound(at *int, absent, length int) int {
	if at == nil {
		return absent
	}
	n := *at
	if n < 0 {
		n += length
	}
	return min(max(n, 0), length)
}

// Set returns root with a value where p leads, making objects on the way. Root itself stays as it
// is. ok is false if something else than an object, or an element, is in the way.
func (p *Path) Set(root, value any) (result any, ok bool) {
	return setAt(p.steps, root, value)
}

func setAt(steps []step, root, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	s := steps[0]
	if list, isList := root.([]any); isList && len(s.indices) == 1 && s.indices[0] >= 0 && s.indices[0] < len(list) {
		inner, ok := setAt(steps[1:], list[s.indices[0]], value)
		list = slices.Clone(list)
		list[s.indices[0]] = inner
		return list, ok
	}
	object, isObject := root.(map[string]any)
	if root != nil && !isObject || len(s.names) != 1 {
		return nil, false
	}
	inner, ok := setAt(steps[1:], object[s.names[0]], value)
	copied := make(map[string]any, len(object)+1)
	maps.Copy(copied, object)
	copied[s.names[0]] = inner
	return copied, ok
}
