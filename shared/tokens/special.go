package tokens

import (
	"fmt"
	"strings"
)

// Special says what becomes of text that reads like a special token, such as <|endoftext|>.
type Special int

const (
	AsText  Special = iota // it is text like any other; tiktoken's encode_ordinary
	Allowed                // it becomes the special token; tiktoken's allowed_special="all"
	Refused                // it is an error; tiktoken's encode without options
)

// SpecialError tells that a text has a special token where none is allowed.
type SpecialError struct{ Token string }

func (e *SpecialError) Error() string {
	return fmt.Sprintf("the text contains the special token %s", e.Token)
}

// Encode returns the ids of text's tokens. The error, if any, is a *SpecialError, and only under Refused.
func (e *Encoding) Encode(text string, special Special) ([]int, error) {
	text = validUTF8(text)
	ids := []int{}
	for special != AsText {
		at, token := e.nextSpecial(text)
		if token == "" {
			break
		}
		if special == Refused {
			return nil, &SpecialError{Token: token}
		}
		ids = append(e.appendIDs(ids, text[:at]), e.special[token])
		text = text[at+len(token):]
	}
	return e.appendIDs(ids, text), nil
}

// nextSpecial returns the first special token in text and where it starts; "" if there is none. All of them
// are <|...|> with no further bar.
func (e *Encoding) nextSpecial(text string) (int, string) {
	for at := 0; ; at += 2 {
		open := strings.Index(text[at:], "<|")
		if open < 0 {
			return 0, ""
		}
		at += open
		end := strings.IndexByte(text[at+2:], '|')
		if end < 0 {
			return 0, ""
		}
		if token := text[at:min(at+2+end+2, len(text))]; e.isSpecial(token) {
			return at, token
		}
	}
}

func (e *Encoding) isSpecial(token string) bool {
	_, ok := e.special[token]
	return ok
}

func harmonySpecial() map[string]int {
	special := map[string]int{
		"<|startoftext|>": 199998,
		"<|endoftext|>":   199999,
		"<|return|>":      200002,
		"<|constrain|>":   200003,
		"<|channel|>":     200005,
		"<|start|>":       200006,
		"<|end|>":         200007,
		"<|message|>":     200008,
		"<|call|>":        200012,
		"<|endofprompt|>": 200018,
	}
	for id := 200000; id < 201088; id++ {
		switch id {
		case 200002, 200003, 200005, 200006, 200007, 200008, 200012:
		default:
			special[fmt.Sprintf("<|reserved_%d|>", id)] = id
		}
	}
	return special
}
