package azureopenai

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

var (
	sayExactly   = regexp.MustCompile(`(?is)^\s*(?:please\s+)?(?:say|repeat|echo|(?:reply|answer|respond)\s+(?:only\s+|just\s+)?with)(?:\s+exactly|\s+only|\s+just|\s+the\s+words?)*\s*:?\s+(.+)$`)
	wordsWanted  = regexp.MustCompile(`\[\[words:\s*(\d{1,6})\]\]`)
	wantsSummary = regexp.MustCompile(`(?i)\b(summari[sz]e|summary|tl;?dr|condense)\b`)
	summaryWords = wordSet("summarise summarize summary tl tldr condense")
)

// reply makes the text of an answer; the first rule that fits the last message wins.
func (c *conversation) reply(variant int) string {
	if c.format.kind == "json_schema" {
		return string(fitSchema(c.format.schema, c.knownText()))
	}
	if schema, question := c.promptSchema(); schema != nil {
		return string(fitSchema(schema, question))
	}
	text := c.plainReply()
	if variant > 0 {
		text = "Another way to put it (" + itoa(variant+1) + "): " + text
	}
	if c.format.kind == "json_object" {
		return `{"answer":` + quote(text) + `}`
	}
	return text
}

// knownText is the text that values of a document may come from.
func (c *conversation) knownText() string {
	if last := c.last(); last.role == "tool" {
		return last.text + "\n" + c.lastUserText()
	}
	return c.lastUserText()
}

func (c *conversation) plainReply() string {
	last := c.last()
	if last.role == "tool" {
		return c.replyFromTools()
	}
	text := strings.TrimSpace(c.lastUserText())
	if m := wordsWanted.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return manyWords(n)
	}
	if len(last.images) > 0 {
		return describeImages(last.images, text)
	}
	if m := sayExactly.FindStringSubmatch(text); m != nil {
		return strings.Trim(strings.TrimSpace(m[1]), `"“”`)
	}
	if code, ok := replyWithCode(text); ok {
		return code
	}
	if mentions(text, summaryWords) && wantsSummary.MatchString(text) {
		return "Summary: " + summarise(text)
	}
	if text == "" {
		return "There was nothing to answer."
	}
	return "You asked: \"" + shorten(text, 40) + "\" This is a made-up answer of an emulator, the same each time; it depends on your words alone."
}

// replyFromTools words the results of the tools called last.
func (c *conversation) replyFromTools() string {
	first := len(c.messages) - 1
	for c.messages[first-1].role == "tool" { // the first message of all is none: it answers a call
		first--
	}
	var parts []string
	for _, m := range c.messages[first:] {
		parts = append(parts, "According to "+c.callName(m.callID)+": "+readable(m.text)+".")
	}
	return strings.Join(parts, " ")
}

// readable turns a flat JSON object into "key value" pairs and leaves other text alone.
func readable(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeOrdered(d)
	object, ok := v.(*object)
	if err != nil || !ok {
		return strings.TrimRight(strings.TrimSpace(text), ".")
	}
	var parts []string
	for _, key := range object.keys {
		value := bytes.Trim(encode(object.values[key]), `"`)
		parts = append(parts, strings.ReplaceAll(key, "_", " ")+" "+string(value))
	}
	return strings.Join(parts, ", ")
}

func describeImages(images []image, question string) string {
	parts := make([]string, len(images))
	for i, img := range images {
		parts[i] = img.describe()
	}
	s := "I see " + strings.Join(parts, " and ") + "."
	if question != "" {
		s += " You asked: \"" + shorten(question, 20) + "\""
	}
	return s
}

// manyWords is as long as asked for, for tests of long answers.
func manyWords(n int) string {
	const sample = "the quick brown fox jumps over a lazy dog while rain falls on quiet hills and "
	words := strings.Fields(sample)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[i%len(words)])
	}
	return b.String()
}

// shorten keeps the first words of a text.
func shorten(text string, words int) string {
	fields := strings.Fields(text)
	if len(fields) <= words {
		return strings.Join(fields, " ")
	}
	return strings.Join(fields[:words], " ") + " ..."
}

var sentenceEnd = regexp.MustCompile(`[.!?]\s+|\n+`)

// summarise picks the two sentences whose words come up most, in their own order.
func summarise(text string) string {
	if _, after, ok := strings.Cut(text, ":"); ok && len(after) > len(text)/2 {
		text = after // what comes before is the request
	}
	sentences := sentenceEnd.Split(strings.TrimSpace(text), -1)
	frequency := make(map[string]int)
	for _, w := range words(text) {
		frequency[w]++
	}
	best, second, bestScore, secondScore := -1, -1, -1.0, -1.0
	for i, s := range sentences {
		ws := words(s)
		score := 0.0
		for _, w := range ws {
			score += float64(frequency[w])
		}
		if len(ws) > 0 {
			score /= float64(len(ws)) + 4 // long sentences say more, up to a point
		}
		if score > bestScore {
			second, secondScore, best, bestScore = best, bestScore, i, score
		} else if score > secondScore {
			second, secondScore = i, score
		}
	}
	picked := sentences[best]
	if second >= 0 {
		picked = sentences[min(best, second)] + ". " + sentences[max(best, second)]
	}
	return strings.TrimRight(shorten(picked, 60), ".!? ") + "."
}
