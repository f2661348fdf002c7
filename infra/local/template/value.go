package template

import (
	"fmt"
	"strconv"
	"time"
)

// Evaluated values are object, []any, and strings: of scalars the text counts, as it does in
// CloudFormation. A value that is AWS::NoValue is left out of its object or list.
type object map[string]any

// object returns the object under a key, or an empty one.
func (o object) object(key string) object {
	inner, _ := o[key].(object)
	return inner
}

func textOf(v any) string {
	text, _ := v.(string)
	return text
}

// A reader takes typed values out of an object and keeps the first error.
type reader struct {
	from object
	err  error
}

func (r *reader) fail(key, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: want %s, got %v", key, want, r.from[key])
	}
}

func (r *reader) text(key string, to *string) {
	value, ok := r.from[key]
	if !ok {
		return
	}
	text, ok := value.(string)
	if !ok {
		r.fail(key, "text")
		return
	}
	*to = text
}

func (r *reader) number(key string, to *int) {
	if _, ok := r.from[key]; !ok {
		return
	}
	n, err := strconv.Atoi(textOf(r.from[key]))
	if err != nil {
		r.fail(key, "a number")
		return
	}
	*to = n
}

func (r *reader) duration(key string, unit time.Duration, to *time.Duration) {
	n := -1
	if r.number(key, &n); n >= 0 {
		*to = time.Duration(n) * unit
	}
}

func (r *reader) object(key string) object {
	if value, ok := r.from[key]; ok {
		if _, ok := value.(object); !ok {
			r.fail(key, "a mapping")
		}
	}
	return r.from.object(key)
}

func (r *reader) list(key string) []any {
	value, ok := r.from[key]
	list, isList := value.([]any)
	if ok && !isList {
		r.fail(key, "a list")
	}
	return list
}
