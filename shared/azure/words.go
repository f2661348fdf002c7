package azure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// maxWords bounds what is quoted of an error that is not one of Azure's, in characters.
const maxWords = 500

// wordsOf returns what an error's body says, whatever its form: plain text, a page, or JSON, of which it takes the
// member that says most. It returns "" if the body says nothing. The words are printable, name no host and have no key
// in them.
func wordsOf(body []byte) string {
	said := string(body)
	if n, err := rawjson.ParseTree(body); err == nil {
		if found := wordsIn(n, 0); found != "" {
			said = found
		}
	} else if strings.HasPrefix(strings.TrimSpace(said), "<") {
		said = html.UnescapeString(markup().ReplaceAllString(said, " "))
	}
	return printable(said)
}

// keepQuotesOut takes out of an error's cause, which is for the log, what it quotes of the request.
func (a *attempts) keepQuotesOut(target routing.Target, err error) {
	if e := openaierr.From(err); e.Cause != nil && e.Code == upstreamCode && a.call.Body != nil {
		e.Cause = errors.New(unquoted(e.Cause.Error(), a.body(target).Bytes()))
	}
}

// quoteLength is how many bytes have to be the same for a quotation.
const quoteLength = 12

// unquoted masks what a text and the request have in common. Where either escapes a character the quotation ends.
func unquoted(text string, request []byte) string {
	common := func(end int) bool {
		return end <= len(text) && bytes.Contains(request, []byte(text[end-quoteLength:end]))
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		end := i + quoteLength
		if !common(end) {
			out.WriteByte(text[i])
			continue
		}
		for common(end + 1) {
			end++
		}
		out.WriteString("***")
		i = end - 1
	}
	return strings.ToValidUTF8(out.String(), "")
}

var markup = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|<[^>]*>`)
})

// speaking are the members that have an error's words, the best one first: those of FastAPI, OAuth, problem details
// (RFC 9457), gateways and so on. Case does not matter.
var speaking = []string{"message", "msg", "detail", "details", "error_description", "error", "errors", "fault", "faultstring", "title", "description", "reason"}

// hosts are those of URLs, with their ports, and of Azure's resources anywhere.
var hosts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)https?://[^\s/"'<>]+|[0-9a-z][0-9a-z.-]*\.(?:azure\.(?:com|us|cn)|azure-api\.net)\b`)
})

// pages are the hosts of pages for people.
var pages = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(?:https?://)?(?:[0-9a-z.-]+\.)?(?:microsoft\.com|aka\.ms|openai\.com|portal\.azure\.com)$`)
})

func withoutHosts(text string) string {
	return hosts().ReplaceAllStringFunc(text, func(host string) string {
		if pages().MatchString(host) {
			return host
		}
		return "***"
	})
}

const maxNesting = 4 // of what wordsIn looks into

// wordsIn finds words in JSON. Of what FastAPI says of a request it takes the place and the words, and leaves out the
// request's own values.
func wordsIn(n rawjson.Node, depth int) string {
	if depth > maxNesting {
		return ""
	}
	switch n.Kind() {
	case '"':
		return n.Text()
	case '[':
		var all []string
		for e := range n.Elements() {
			if found := wordsIn(e, depth+1); found != "" && len(all) < 5 {
				all = append(all, found)
			}
		}
		return strings.Join(all, "; ")
	case '{':
		for _, name := range speaking {
			for member, value := range n.Members() {
				if !strings.EqualFold(member, name) {
					continue
				}
				if found := wordsIn(value, depth+1); found != "" {
					return placed(n.Get("loc"), found)
				}
			}
		}
	}
	return ""
}

// placed puts the place of a fault, such as ["body", "messages", 0], before its words.
func placed(place rawjson.Node, words string) string {
	var steps []any
	if json.Unmarshal(place.Raw(), &steps) != nil || len(steps) == 0 {
		return words
	}
	path := make([]string, len(steps))
	for i, step := range steps {
		path[i] = fmt.Sprint(step)
	}
	return strings.Join(path, ".") + ": " + words
}

// printable returns the text on one line, cut to maxWords, and "" if it has no letter or digit.
func printable(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), 16*maxWords)], " ")
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, text)
	text = logsafe.Text(withoutHosts(strings.Join(strings.Fields(text), " ")))
	if !strings.ContainsFunc(text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
		return ""
	}
	if utf8.RuneCountInString(text) > maxWords {
		text = string([]rune(text)[:maxWords])
	}
	return text
}
