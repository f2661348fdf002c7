package azureopenai

import (
	"regexp"
	"strings"
)

var wantsCode = regexp.MustCompile(`(?i)\b(write|generate|create|implement|give|show|convert|translate|turn|make)\b.*\b(code|function|program|script|sql|query|snippet|class|method)\b|\b(in|to|into) (python|(?-i:Go)|golang|javascript|typescript|sql|bash)\b`)

// codeWords are words of which every request for code has one: looking for them first avoids the expression,
// which is slow, for almost every text.
var codeWords = wordSet("code function program script sql query snippet class method python go golang javascript typescript bash")

// languages in the order they are looked for; the first is what is written when none is named.
var languages = []struct {
	name, fence, code string
	pattern           *regexp.Regexp
}{
	{"Python", "python", "def NAME(values):\n    \"\"\"REQUEST\"\"\"\n    return [value for value in values if value is not None]\n", regexp.MustCompile(`(?i)\bpython\b`)},
	{"SQL", "sql", "-- REQUEST\nSELECT *\nFROM TABLE\nORDER BY 1;\n", regexp.MustCompile(`(?i)\bsql\b|\bquery\b`)},
	{"Go", "go", "// REQUEST\nfunc NAME(values []string) []string {\n\tresult := make([]string, 0, len(values))\n\treturn append(result, values...)\n}\n", regexp.MustCompile(`\b(Go|golang|Golang)\b`)},
	{"JavaScript", "javascript", "// REQUEST\nfunction NAME(values) {\n  return values.filter((value) => value != null);\n}\n", regexp.MustCompile(`(?i)\b(javascript|typescript|node)\b`)},
	{"Bash", "bash", "#!/usr/bin/env bash\n# REQUEST\nset -euo pipefail\nprintf '%s\\n' \"$@\"\n", regexp.MustCompile(`(?i)\b(bash|shell)\b`)},
}

// replyWithCode answers a request for code with a sketch named for the request's own words.
func replyWithCode(text string) (string, bool) {
	if !mentions(text, codeWords) || !wantsCode.MatchString(text) {
		return "", false
	}
	language := languages[0]
	for _, l := range languages {
		if l.pattern.MatchString(text) {
			language = l
			break
		}
	}
	var name []string
	for _, w := range words(text) {
		if len(name) < 3 && !wantsCode.MatchString("write "+w) && !strings.EqualFold(w, language.name) && !requestWords[w] {
			name = append(name, w)
		}
	}
	if len(name) == 0 {
		name = []string{"solve"}
	}
	identifier := strings.Join(name, "_")
	if language.fence == "go" || language.fence == "javascript" {
		identifier = name[0]
		for _, w := range name[1:] {
			identifier += strings.ToUpper(w[:1]) + w[1:]
		}
	}
	code := strings.NewReplacer("REQUEST", shorten(text, 20), "NAME", identifier, "TABLE", name[len(name)-1]).Replace(language.code)
	return "Here is a sketch in " + language.name + ":\n\n```" + language.fence + "\n" + code + "```", true
}

var requestWords = map[string]bool{"write": true, "generate": true, "create": true, "implement": true, "give": true,
	"show": true, "convert": true, "translate": true, "turn": true, "make": true, "please": true, "return": true, "natural": true, "language": true}
