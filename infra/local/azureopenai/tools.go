package azureopenai

import (
	"strings"
	"unicode"
)

// callTools returns the calls to make instead of answering, or nil.
func (c *conversation) callTools(s *Server) []call {
	if len(c.tools) == 0 || c.choice == "none" {
		return nil
	}
	text := c.lastUserText()
	var chosen []tool
	switch name, isName := strings.CutPrefix(c.choice, "="); {
	case isName:
		for _, t := range c.tools {
			if t.name == name {
				chosen = []tool{t}
			}
		}
	case c.choice == "required":
		if chosen = mentioned(c.tools, text); chosen == nil {
			chosen = c.tools[:1]
		}
	case c.last().role == "user":
		chosen = mentioned(c.tools, text)
	}
	if len(chosen) > 1 && !c.parallel {
		chosen = chosen[:1]
	}
	var calls []call
	for _, t := range chosen {
		arguments := "{}"
		if t.parameters != nil {
			arguments = string(fitSchema(t.parameters, text))
		}
		calls = append(calls, call{id: s.id("call_", 24), name: t.name, arguments: arguments})
	}
	return calls
}

// mentioned returns the tools whose names share the most words with the text.
func mentioned(tools []tool, text string) []tool {
	stems := make(map[string]bool)
	for _, w := range words(text) {
		stems[stem(w)] = true
	}
	var best []tool
	most := 0
	for _, t := range tools {
		n := 0
		for _, w := range words(splitName(t.name)) {
			if stems[stem(w)] && !plainVerbs[w] {
				n++
			}
		}
		switch {
		case n > most:
			best, most = []tool{t}, n
		case n > 0 && n == most:
			best = append(best, t)
		}
	}
	return best
}

// plainVerbs say nothing of what a tool is about.
var plainVerbs = wordSet("get set find list make create fetch look lookup read show call run current")

// splitName splits get_weather and getWeather into words.
func splitName(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			r = ' '
		case unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
