package estimate

import "aoai-bridge/shared/catalog"

// overhead is what wraps the texts of a chat. The numbers are OpenAI's where its cookbook has them
// (examples/How_to_count_tokens_with_tiktoken.ipynb) and are otherwise those that make the sums equal
// to the usage that OpenAI and Azure OpenAI reported for the requests in testdata/usage.json.
type overhead struct {
	message int // each message: its start, the end of its header, its end
	name    int // each name
	priming int // the start of the answer

	tools  style // how function definitions are put into words
	basis  Basis // of texts, names and priming
	calls  Basis // of tool calls and their results
	schema Basis // of function definitions and response formats
}

// style is one of the two ways in which function definitions have been seen to be written.
type style int

const (
	// airy, of gpt-3.5-turbo-0613 and gpt-4-0613: a member to a line, nested ones indented and without
	// their descriptions.
	airy style = iota
	// dense, of every later model: no indentation, descriptions everywhere, and an object with a single
	// member that has none on one line.
	dense
)

var overheads = map[string]overhead{
	// Of 2023-03. A name stands in place of the role.
	"gpt-35-turbo-0301": {message: 4, name: -1, priming: 3, tools: airy, basis: Documented, calls: Estimated, schema: Estimated},
	"gpt-4":             {message: 3, name: 1, priming: 3, tools: airy, basis: Documented, calls: Estimated, schema: Documented},
	"gpt-4o":            {message: 3, name: 1, priming: 3, tools: dense, basis: Documented, calls: Documented, schema: Documented},
	// The answer of a reasoning model starts with one token less.
	"o-series": {message: 3, name: 1, priming: 2, tools: dense, basis: Documented, calls: Estimated, schema: Estimated},
	// As openai/harmony renders it; what the model has said and called is known by examples.
	"harmony": {message: harmonyWrap, priming: 2, basis: Documented, calls: Estimated, schema: Documented},
}

func overheadOf(n *catalog.Named) overhead {
	o := overheads["gpt-4o"]
	if n != nil && n.Overhead != "" {
		o = overheads[n.Overhead]
	}
	switch {
	case n == nil || n.OverheadSource != "usage" && n.OverheadSource != "harmony":
		o.basis, o.calls, o.schema = Estimated, Estimated, Estimated
	case n.Name == "gpt-35-turbo" && n.AskedVersion == "0301":
		o = overheads["gpt-35-turbo-0301"]
	case n.Name == "gpt-35-turbo" && n.AskedVersion == "0613":
		o = overheads["gpt-4"]
	case n.Name == "gpt-35-turbo":
		o.calls = Estimated // by two tokens off
	}
	return o
}
