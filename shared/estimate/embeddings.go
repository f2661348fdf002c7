package estimate

import (
	"bytes"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// embeddings counts the input of POST /embeddings: a string, an array of strings, an array of token ids
// or an array of such arrays. Nothing is added to it.
func (c *counter) embeddings(input rawjson.Node) error {
	switch input.Kind() {
	case '"':
		return c.embedding(input, "input")
	case '[':
	default:
		return wrongType("input", "a string or an array", input)
	}
	if input.Numbers() > 0 {
		if hasMembers(input) {
			return openaierr.Invalid("input", "invalid_type", "Invalid type for 'input': token ids and other values cannot be mixed.")
		}
		return c.embedIDs(input, "input")
	}
	i := 0
	for v := range input.Elements() {
		if err := c.embedding(v, elementParam("input", i)); err != nil {
			return err
		}
		i++
	}
	if i == 0 {
		return openaierr.Invalid("input", "empty_array", "'input' is empty. Give at least one text.")
	}
	if c.Model != nil && c.Model.MaxArray > 0 && i > c.Model.MaxArray {
		return openaierr.Invalid("input", "array_above_max_length", "'input' has %d items, and %s takes at most %d in one request.", i, c.Model.Name, c.Model.MaxArray)
	}
	return nil
}

func (c *counter) embedding(v rawjson.Node, param string) error {
	switch {
	case v.Kind() == '"':
		text := v.Text()
		if text == "" {
			return openaierr.Invalid(param, "empty_string", "'%s' is empty, and an empty text has no embedding.", param)
		}
		c.addEmbedding(c.countText(text, param))
	case v.Kind() == '[' && v.Numbers() > 0 && !hasMembers(v):
		return c.embedIDs(v, param)
	default:
		return wrongType(param, "a string or an array of token ids", v)
	}
	return nil
}

// embedIDs counts an array of numbers.
func (c *counter) embedIDs(ids rawjson.Node, param string) error {
	if bytes.ContainsAny(ids.Raw(), "-.eE") {
		return openaierr.Invalid(param, "invalid_type", "Invalid type for '%s': token ids are whole numbers from 0.", param)
	}
	c.addEmbedding(ids.Numbers())
	return nil
}

func (c *counter) addEmbedding(n int) {
	c.count.Inputs++
	c.count.Most = max(c.count.Most, n)
	c.add("input", n, Exact, "")
}
