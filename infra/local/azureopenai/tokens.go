package azureopenai

import "unicode"

// nextToken returns the length of the token that text begins with: a word or a part of one with the
// space before it, a few digits, a run of white space, or one other character. Real tokenizers give
// about as many tokens for English, and others.
func nextToken(text string) int {
	const longest = 7
	kind, letters := 0, 0
	for i, r := range text {
		k := runeKind(r)
		switch {
		case i == 0:
			kind = k
		case i == 1 && text[0] == ' ' && k == 'a':
			kind = k
		case k != kind || k == '.' || k == 'a' && letters == longest || k == '0' && letters == 3:
			return i
		}
		if k == 'a' || k == '0' {
			letters++
		}
	}
	return len(text)
}

func runeKind(r rune) int {
	switch {
	case r == ' ' || r == '\n' || r == '\t' || r == '\r':
		return ' '
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return 'a'
	case '0' <= r && r <= '9':
		return '0'
	case r > 0x7f && r < 0x2e80 && unicode.IsLetter(r):
		return 'a'
	}
	return '.'
}

func countTokens(text string) int {
	n := 0
	for ; text != ""; n++ {
		text = text[nextToken(text):]
	}
	return n
}

// firstTokens returns the beginning of text that is n tokens long.
func firstTokens(text string, n int) string {
	end := 0
	for ; n > 0 && end < len(text); n-- {
		end += nextToken(text[end:])
	}
	return text[:end]
}

// inputTokens estimates a prompt's tokens; the tools' part is returned separately since errors name it.
func (c *conversation) inputTokens() (messages, tools int) {
	messages = 3 // the answer is primed with three
	for i := range c.messages {
		m := &c.messages[i]
		messages += 4 + countTokens(m.text)
		for _, img := range m.images {
			messages += img.tokens()
		}
		for _, call := range m.calls {
			messages += 3 + countTokens(call.name) + countTokens(call.arguments)
		}
	}
	for _, t := range c.tools {
		tools += 8 + countTokens(t.name) + countTokens(t.description) + countTokens(string(t.parameters))
	}
	return messages, tools
}
