package azureopenai

import (
	"encoding/json"
	"strings"
)

// conversation is what a model is asked, whichever API asked.
type conversation struct {
	messages     []message
	instructions int // how many of the first messages hold for this answer only
	tools        []tool
	choice       string // "auto", "none", "required" or a tool's name after "="
	parallel     bool   // several tools may be called at once
	format       format
	effort       string // reasoning effort; "" for the model's own
	limit        int    // of tokens of the answer; 0 for the model's own
	stop         []string
}

type message struct {
	role   string // system, developer, user, assistant, tool
	text   string
	images []image
	calls  []call
	callID string // which call a tool's message answers
}

// tool is a function that the model may call.
type tool struct {
	name, description string
	parameters        json.RawMessage // a JSON schema, or nil
}

// call is a tool's call.
type call struct {
	id, name, arguments string
}

// format is what form the answer must have.
type format struct {
	kind   string // "text", "json_object" or "json_schema"
	schema json.RawMessage
}

func (c *conversation) last() *message { return &c.messages[len(c.messages)-1] }

// lastUserText is what the user asked last.
func (c *conversation) lastUserText() string {
	for i := len(c.messages) - 1; i >= 0; i-- {
		if c.messages[i].role == "user" {
			return c.messages[i].text
		}
	}
	return ""
}

// callName finds the name of the function that an id's call was for, or "".
func (c *conversation) callName(id string) string {
	for _, m := range c.messages {
		for _, call := range m.calls {
			if call.id == id {
				return call.name
			}
		}
	}
	return ""
}

// check refuses what Azure refuses of a prompt as a whole.
func (c *conversation) check(d *deployment) (tokens int, err error) {
	if category := filteredCategory(c.messages, "trigger-"); category != "" {
		return 0, promptFiltered(category)
	}
	messages, tools := c.inputTokens()
	tokens = messages + tools
	window := d.contextWindow()
	switch {
	case window == 0:
	case d.model.maxInput > 0 && tokens > d.model.maxInput: // unverified on Azure
		return 0, invalid("messages", "context_length_exceeded", "Input tokens exceed the configured limit of %d tokens. Your messages resulted in %d tokens. Please reduce the length of the messages.",
			d.model.maxInput, tokens)
	case tokens > window && tools > 0:
		return 0, invalid("messages", "context_length_exceeded", "This model's maximum context length is %d tokens. However, your messages resulted in %d tokens (%d in the messages, %d in the functions). Please reduce the length of the messages or functions.",
			window, tokens, messages, tools)
	case tokens > window:
		return 0, invalid("messages", "context_length_exceeded", "This model's maximum context length is %d tokens. However, your messages resulted in %d tokens. Please reduce the length of the messages.",
			window, tokens)
	}
	return tokens, nil
}

// completion is one answer.
type completion struct {
	text      string
	calls     []call
	finish    string // "stop", "length", "tool_calls" or "content_filter"
	filtered  string // the category that content_filter is for
	reasoning int    // tokens thought
	tokens    int    // all tokens put out, reasoning's too
}

// complete makes the answer; variant tells the choices of one request apart.
func (c *conversation) complete(s *Server, m model, variant int) completion {
	a := completion{finish: "stop", reasoning: m.reasoningTokens(c.effort)}
	limit := c.limit
	if limit == 0 {
		limit = m.maxOutput
	}
	if limit > 0 && a.reasoning >= limit {
		a.reasoning, a.tokens, a.finish = limit, limit, "length"
		return a
	}
	if a.calls = c.callTools(s); a.calls != nil {
		a.finish = "tool_calls"
		a.tokens = a.reasoning
		for _, call := range a.calls {
			a.tokens += 3 + countTokens(call.name) + countTokens(call.arguments)
		}
		return a
	}
	a.text = c.reply(variant)
	for _, stop := range c.stop {
		if before, _, found := strings.Cut(a.text, stop); found && stop != "" {
			a.text = before
		}
	}
	if a.filtered = filteredCategory(c.messages, "trigger-completion-"); a.filtered != "" {
		a.text, a.finish = firstTokens(a.text, countTokens(a.text)/2), "content_filter"
	}
	a.tokens = a.reasoning + countTokens(a.text)
	if limit > 0 && a.tokens > limit {
		a.text, a.finish, a.filtered, a.tokens = firstTokens(a.text, limit-a.reasoning), "length", "", limit
	}
	return a
}

// reasoningTokens is how much a model thinks at an effort; the figures are made up.
func (m model) reasoningTokens(effort string) int {
	if !m.reasoning {
		return 0
	}
	switch effort {
	case "low":
		return 32
	case "medium":
		return 64
	case "high", "xhigh":
		return 128
	}
	if effort == "" && m.maxInput == 0 { // the o-series thinks unless told otherwise
		return 64
	}
	return 0
}
