package azureopenai

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// clues are the values that a text offers to a document; each is used once before any is used again.
type clues struct {
	text     string
	names    []string // quoted strings and capitalised words
	numbers  []float64
	nextName int
	negative bool
}

var (
	quotedText  = regexp.MustCompile(`"([^"]{1,80})"|“([^”]{1,80})”`)
	capitalised = regexp.MustCompile(`\p{Lu}[\p{L}\d'-]*(?: \p{Lu}[\p{L}\d'-]*)*`)
	placeName   = regexp.MustCompile(`\b(?:in|at|for|near|to|from) (\p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*)*)`)
	numeral     = regexp.MustCompile(`-?\b\d+(?:\.\d+)?\b`)
	negation    = regexp.MustCompile(`(?i)\b(not|no|never|without|false|don't|doesn't|isn't)\b`)

	patterns = map[string]*regexp.Regexp{
		"date":  regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}\b`),
		"email": regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]*\w`),
		"uri":   regexp.MustCompile(`https?://[^\s"'<>]+`),
		"day":   regexp.MustCompile(`(?i)\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\btoday\b|\btomorrow\b`),
	}
)

func readClues(text string) *clues {
	c := &clues{text: strings.TrimSpace(text), negative: negation.MatchString(text)}
	for _, m := range quotedText.FindAllStringSubmatch(text, -1) {
		c.names = append(c.names, m[1]+m[2])
	}
	for _, at := range capitalised.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		startsSentence := at[0] == 0 || strings.ContainsAny(text[max(0, at[0]-2):at[0]], ".!?\n")
		common := stopWords[strings.ToLower(word)] || startsSentence && len(words(word)) == 1 && commonStarts[strings.ToLower(word)]
		if !common && !slices.Contains(c.names, word) {
			c.names = append(c.names, word)
		}
	}
	for _, m := range numeral.FindAllString(text, -1) {
		if v, err := strconv.ParseFloat(m, 64); err == nil {
			c.numbers = append(c.numbers, v)
		}
	}
	return c
}

// commonStarts begin requests and are no names.
var commonStarts = wordSet("extract please give tell write list find get show read describe summarize summarise classify plan call say solve parse make create book send")

// word is a string for a property of that name.
func (c *clues) word(name string) string {
	lower := strings.ToLower(name)
	if v := c.statedValue(name); v != "" {
		return v
	}
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(lower, p) })
	}
	switch {
	case has("location", "city", "place", "country", "destination"):
		if m := placeName.FindStringSubmatch(c.text); m != nil {
			return m[1]
		}
	case has("email"):
		return c.findFormat("email", formats["email"])
	case has("url", "uri", "link"):
		return c.findFormat("uri", formats["uri"])
	case has("date", "day"):
		return c.findFormat("date", c.findFormat("day", formats["date"]))
	case has("query", "question", "text", "input", "prompt", "content", "summary", "description", "explanation", "reason", "answer", "output", "message"):
		return shorten(c.text, 30)
	}
	if len(c.names) > 0 {
		v := c.names[c.nextName%len(c.names)]
		c.nextName++
		return v
	}
	if c.text != "" {
		return shorten(c.text, 6)
	}
	return "example"
}

// statedValue finds "name: value" and "name is value" in the text.
func (c *clues) statedValue(name string) string {
	if name == "" {
		return ""
	}
	spaced := strings.ReplaceAll(regexp.QuoteMeta(name), "_", "[ _]")
	m := regexp.MustCompile(`(?i)\b` + spaced + `"?(?:\s*[:=]\s*| is )"?([^\n",;.!?{}]+)`).FindStringSubmatch(c.text)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}

// takeNumber takes the first number left that fits.
func (c *clues) takeNumber(fits func(float64) bool) (float64, bool) {
	for i, v := range c.numbers {
		if fits(v) {
			c.numbers = slices.Delete(c.numbers, i, i+1)
			return v, true
		}
	}
	return 0, false
}

// pickOption takes the option that the text mentions, else the first.
func (c *clues) pickOption(options []any) any {
	lower := strings.ToLower(c.text)
	for _, option := range options {
		if s, ok := option.(string); ok && s != "" && strings.Contains(lower, strings.ToLower(s)) {
			return option
		}
	}
	return options[0]
}

// findFormat finds a value of a format in the text.
func (c *clues) findFormat(format, otherwise string) string {
	if p := patterns[format]; p != nil {
		if v := p.FindString(c.text); v != "" {
			return v
		}
	}
	return otherwise
}
