package estimate

import (
	"encoding/json"
	"fmt"
	"strings"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// Context says whether the request fits.
type Context struct {
	Window   *int                                `json:"window"`
	MaxInput *int                                `json:"max_input"`
	Fits     *bool                               `json:"fits"` // nil: not known
	Reason   string                              `json:"reason,omitempty"`
	ByType   map[catalog.DeploymentType]*Context `json:"by_type,omitempty"` // where types differ
}

// outputLimit is the most output that a request asks for, of all choices and of each.
type outputLimit struct {
	tokens, each int
	from         string
}

// outputBound returns the most output there can be, and what the request itself says of it.
func outputBound(kind Kind, body rawjson.Node, n *catalog.Named) (bound, explicit *outputLimit, err error) {
	names := []string{"max_output_tokens"}
	choices := 1
	if kind == Chat {
		names = []string{"max_completion_tokens", "max_tokens"}
		if err := readCount(body, "n", &choices); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		most := -1
		if err := readCount(body, name, &most); err != nil {
			return nil, nil, err
		}
		if most >= 0 {
			explicit = &outputLimit{most * choices, most, name}
			return explicit, explicit, nil
		}
	}
	if _, most := n.Limits(""); most != nil {
		return &outputLimit{*most * choices, *most, "the model's maximum"}, nil, nil
	}
	return nil, nil, nil
}

// MostOutput returns the most output that a request may be charged for, nil if no source states how much its model
// gives: that of the answer, and of what is paid beside it.
func (t *Count) MostOutput(body rawjson.Node, n *catalog.Named) *int {
	if t.Kind != Chat && t.Kind != Responses {
		return new(int)
	}
	bound, _, err := outputBound(t.Kind, body, n)
	if err != nil || bound == nil {
		return nil
	}
	most := bound.tokens + t.MoreOutput
	return &most
}

// maxTokens bounds numbers of tokens, and of choices: the product of two fits an int.
const maxTokens = 1 << 31

func readCount(body rawjson.Node, name string, into *int) error {
	v := body.Get(name)
	if v.Absent() {
		return nil
	}
	if json.Unmarshal(v.Raw(), into) != nil {
		return wrongType(name, "an integer", v)
	}
	if *into < 0 || *into > maxTokens {
		return openaierr.Invalid(name, "invalid_value", "Invalid value for '%s': %d.", name, *into)
	}
	return nil
}

func contextOf(n *catalog.Named, count *Count, explicit *outputLimit) *Context {
	window, _ := n.Limits("")
	c := contextIn(n, count, explicit, window)
	if len(n.ContextByType) > 0 {
		c.ByType = map[catalog.DeploymentType]*Context{}
		for t := range n.ContextByType {
			window, _ := n.Limits(t)
			c.ByType[t] = contextIn(n, count, explicit, window)
		}
	}
	return c
}

func contextIn(n *catalog.Named, count *Count, explicit *outputLimit, window *int) *Context {
	c := &Context{Window: window, MaxInput: n.MaxInput}
	yes, no := true, false
	switch sure, reason := overLimit(n, count, count.Min, explicit, window), overLimit(n, count, count.Tokens, explicit, window); {
	case sure != "":
		c.Fits, c.Reason = &no, sure
	case reason != "":
		c.Reason = "where the input is as long as it may be, " + reason
	case window == nil:
		c.Reason = "no source states the model's context window"
	case count.open || count.Unbounded != "":
		c.Reason = "what is counted fits; how much is not counted is not known: " + strings.Join(count.Missing, ", ")
	default:
		c.Fits = &yes
	}
	return c
}

// overLimit says which limit of a model a request exceeds with so many tokens of input, "" if none that is known.
// The choices of a chat are answers to the same input, and each has the window to itself.
func overLimit(n *catalog.Named, count *Count, input int, explicit *outputLimit, window *int) string {
	longest, output := input, 0
	if count.Kind == Embeddings {
		longest = count.Most
	}
	if explicit != nil {
		output = explicit.each
	}
	_, maxOutput := n.Limits("")
	switch {
	case maxOutput != nil && output > *maxOutput:
		return fmt.Sprintf("%s is %d, and the model gives at most %d tokens: Azure answers 400", explicit.from, output, *maxOutput)
	case n.MaxInput != nil && longest > *n.MaxInput:
		return fmt.Sprintf("the input has %d tokens more than the model takes", longest-*n.MaxInput)
	case window != nil && longest > *window:
		return fmt.Sprintf("the input has %d tokens more than the window", longest-*window)
	case window != nil && longest+output > *window:
		return fmt.Sprintf("input and %s are together %d tokens more than the window", explicit.from, longest+output-*window)
	case count.Kind == Embeddings && n.MaxRequestTokens > 0 && input > n.MaxRequestTokens:
		return fmt.Sprintf("all inputs together have %d tokens more than one request takes at OpenAI; whether Azure has that limit is not verified", input-n.MaxRequestTokens)
	}
	return ""
}
