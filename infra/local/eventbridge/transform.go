package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"aoai-bridge/infra/local/jsonpath"
	"aoai-bridge/infra/local/jsonvalue"
)

// A Transform makes a target's input of an event. One of its fields is set.
type Transform struct {
	Input     json.RawMessage // instead of the event
	InputPath string          // part of the event
	// Template has the values of Paths, by name, for <NAME>: as JSON where it stands alone, as text
	// within a string. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
	Template string
	Paths    map[string]string
}

func (t *Transform) apply(event []byte) ([]byte, error) {
	if t.Input != nil {
		return t.Input, nil
	}
	value, err := jsonvalue.Decode(event)
	if err != nil {
		return nil, err
	}
	if t.InputPath != "" {
		return resolvePath(t.InputPath, value)
	}
	return t.fillTemplate(value)
}

// resolvePath returns what a path leads to, as JSON.
func resolvePath(text string, event any) ([]byte, error) {
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, err
	}
	value, ok := p.Get(event)
	if !ok {
		return nil, fmt.Errorf("%s leads nowhere in the event", text)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

var placeholder = regexp.MustCompile(`<[A-Za-z0-9_.-]+>`)

func (t *Transform) fillTemplate(event any) ([]byte, error) {
	var problems []error
	var b strings.Builder
	last := 0
	for _, at := range placeholder.FindAllStringIndex(t.Template, -1) {
		before := t.Template[last:at[0]]
		b.WriteString(before)
		value, err := t.placeholderValue(t.Template[at[0]+1:at[1]-1], event)
		if err != nil {
			problems = append(problems, err)
		}
		// A quote before it, or text in quotes: a string has begun that has not ended.
		if inString := strings.Count(strings.ReplaceAll(t.Template[:at[0]], `\"`, ""), `"`)%2 == 1; inString {
			value = bytes.Trim(value, `"`)
		}
		b.Write(value)
		last = at[1]
	}
	b.WriteString(t.Template[last:])
	if text := b.String(); !json.Valid([]byte(text)) {
		problems = append(problems, fmt.Errorf("the template makes no JSON: %s", text))
	}
	return []byte(b.String()), errors.Join(problems...)
}

// placeholderValue is what a name in the template stands for. A path that leads nowhere gives an empty string.
func (t *Transform) placeholderValue(name string, event any) ([]byte, error) {
	if name == "aws.events.event.json" {
		return resolvePath("$", event)
	}
	path, ok := t.Paths[name]
	if !ok {
		return nil, fmt.Errorf("the template's <%s> is not among the paths", name)
	}
	value, err := resolvePath(path, event)
	if err != nil {
		return []byte(`""`), nil
	}
	return value, nil
}
