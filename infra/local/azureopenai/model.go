package azureopenai

import "strings"

// model is what the emulator has to know of a model. Sizes are in tokens.
type model struct {
	context, maxInput, maxOutput int // maxInput is 0 where only the context limits the input
	reasoning                    bool
	responsesOnly                bool
	toolsNeedNoReasoning         bool // chat completions take function tools only with reasoning_effort none
	dimensions                   int  // of an embedding; 0 for chat models
	choosesDimensions            bool
	tokensPerUnit                int // a minute, of one unit of capacity
	requestsPerUnit              int
}

// family describes models whose names begin alike; the longest prefix wins.
var families = map[string]model{
	"gpt-6":                  {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true},
	"gpt-6-astra":            {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true, toolsNeedNoReasoning: true},
	"gpt-6.1-sol":            {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true, toolsNeedNoReasoning: true},
	"gpt-5.6":                {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true, toolsNeedNoReasoning: true},
	"gpt-5.5":                {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true},
	"gpt-5.4":                {context: 1050000, maxInput: 922000, maxOutput: 128000, reasoning: true},
	"gpt-5.4-mini":           {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true},
	"gpt-5.4-nano":           {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true},
	"gpt-5.3-codex":          {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true, responsesOnly: true},
	"gpt-5.2-codex":          {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true, responsesOnly: true},
	"gpt-5-pro":              {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true, responsesOnly: true},
	"gpt-5":                  {context: 400000, maxInput: 272000, maxOutput: 128000, reasoning: true},
	"gpt-5-chat":             {context: 128000, maxInput: 111616, maxOutput: 16384},
	"gpt-chat":               {context: 128000, maxInput: 111616, maxOutput: 16384},
	"gpt-4.1":                {context: 1047576, maxOutput: 32768},
	"gpt-4o":                 {context: 128000, maxOutput: 16384},
	"gpt-4-turbo":            {context: 128000, maxOutput: 4096},
	"gpt-oss":                {context: 131072},
	"o1":                     {context: 200000, maxOutput: 100000, reasoning: true, tokensPerUnit: 6000, requestsPerUnit: 1},
	"o3":                     {context: 200000, maxOutput: 100000, reasoning: true, tokensPerUnit: 1000, requestsPerUnit: 1},
	"o3-mini":                {context: 200000, maxOutput: 100000, reasoning: true, tokensPerUnit: 10000, requestsPerUnit: 1},
	"o4-mini":                {context: 200000, maxOutput: 100000, reasoning: true, tokensPerUnit: 1000, requestsPerUnit: 1},
	"computer-use-preview":   {context: 8192, maxOutput: 1024},
	"text-embedding-ada-002": {context: 8192, dimensions: 1536},
	"text-embedding-3-small": {context: 8192, dimensions: 1536, choosesDimensions: true},
	"text-embedding-3-large": {context: 8192, dimensions: 3072, choosesDimensions: true},
}

// modelNamed returns what is known of a model; an unknown one is taken for a chat model that limits
// nothing.
func modelNamed(name string) model {
	var m model
	longest := 0
	for prefix, f := range families {
		if strings.HasPrefix(name, prefix) && len(prefix) > longest {
			m, longest = f, len(prefix)
		}
	}
	if m.tokensPerUnit == 0 {
		// The quota page's row for older chat models; for newer ones and embeddings unverified.
		m.tokensPerUnit, m.requestsPerUnit = 1000, 6
	}
	return m
}
