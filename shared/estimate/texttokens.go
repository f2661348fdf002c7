package estimate

import (
	"unicode/utf8"

	"aoai-bridge/shared/tokens"
)

// maxListed is how many tokens a report lists at most.
const maxListed = 20000

// TextTokens is a text of a request and the tokens it becomes.
type TextTokens struct {
	Param  string  `json:"param"`
	Tokens []Token `json:"tokens"`
	Cut    bool    `json:"truncated,omitempty"` // there are more
}

// Token is one token: the bytes of the text from Start to End. Text is those bytes, with U+FFFD for a
// character that is cut into several tokens.
type Token struct {
	ID    int    `json:"id"`
	Text  string `json:"text"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// ListTokens returns the tokens of texts, at most maxListed of them.
func ListTokens(e *tokens.Encoding, texts []TextPart) []TextTokens {
	var all []TextTokens
	left := maxListed
	for _, t := range texts {
		list := TextTokens{Param: t.Param, Tokens: []Token{}}
		for token := range e.Tokens(t.Text) {
			if left == 0 {
				list.Cut = true
				break
			}
			left--
			text := t.Text[token.Start:token.End]
			if !utf8.ValidString(text) {
				text = string([]rune(text))
			}
			list.Tokens = append(list.Tokens, Token{token.ID, text, token.Start, token.End})
		}
		all = append(all, list)
		if list.Cut {
			break
		}
	}
	return all
}
