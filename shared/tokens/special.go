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

// SpecialError says that a text has a special token where none is allowed.
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
		id, _ := e.special.id(token)
		ids = append(e.appendIDs(ids, text[:at]), id)
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
		token := text[at:min(at+2+end+2, len(text))]
		if _, ok := e.special.id(token); ok {
			return at, token
		}
	}
}

// specials is the special tokens of an encoding: the named ones, and in a span of ids <|reserved_ID|> for
// each id without a name.
type specials struct {
	names        []namedSpecial
	first, after int // the span
}

type namedSpecial struct {
	text string
	id   int
}

func (s specials) text(id int) string {
	for _, n := range s.names {
		if n.id == id {
			return n.text
		}
	}
	if id >= s.first && id < s.after {
		return fmt.Sprintf(reserved, id)
	}
	return ""
}

func (s specials) id(text string) (int, bool) {
	for _, n := range s.names {
		if n.text == text {
			return n.id, true
		}
	}
	var id int
	if _, err := fmt.Sscanf(text, reserved, &id); err != nil || s.text(id) != text {
		return 0, false
	}
	return id, true
}

const reserved = "<|reserved_%d|>"
