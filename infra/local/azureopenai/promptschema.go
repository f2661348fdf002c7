package azureopenai

import (
	"encoding/json"
	"regexp"
	"strings"
)

var mentionsJSON = regexp.MustCompile(`(?i)\bjson\b`)

// promptSchema returns the JSON schema that a prompt shows its model, where there is one, and the last question
// without it. Clients that do not trust response_format write the schema into a message: instructor's JSON mode into the
// system's, Spring AI's entity() below the user's question.
func (c *conversation) promptSchema() (schema []byte, question string) {
	question = c.knownText()
	for i := len(c.messages) - 1; i >= 0; i-- {
		text := c.messages[i].text
		if !mentionsJSON.MatchString(text) {
			continue
		}
		if schema = findSchema(text); schema != nil {
			question = strings.Replace(question, string(schema), "", 1)
			return schema, mentionsJSON.ReplaceAllString(question, "") // the form, not a value
		}
	}
	return nil, question
}

// findSchema returns the first JSON object in a text that describes an object, nil if there is none.
func findSchema(text string) []byte {
	for at := 0; ; at++ {
		next := strings.IndexByte(text[at:], '{')
		if next < 0 {
			return nil
		}
		at += next
		d := json.NewDecoder(strings.NewReader(text[at:]))
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			continue
		}
		var s struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Ref        string                     `json:"$ref"`
		}
		if json.Unmarshal(raw, &s) == nil && (len(s.Properties) > 0 || s.Ref != "") {
			return []byte(text[at : at+int(d.InputOffset())])
		}
		at += int(d.InputOffset()) - 1
	}
}
