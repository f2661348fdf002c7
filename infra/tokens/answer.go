package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"aoai-bridge/shared/tokens"
)

// answerFunc writes the answer for a text: one line, or the coloured text.
type answerFunc func(out *bufio.Writer, encoding *tokens.Encoding, text string) error

func writeCount(out *bufio.Writer, encoding *tokens.Encoding, text string) error {
	_, err := fmt.Fprintln(out, encoding.Count(text))
	return err
}

func writeIDs(out *bufio.Writer, encoding *tokens.Encoding, text string) error {
	return json.NewEncoder(out).Encode(encoding.AppendIDs([]int{}, text))
}

// backgrounds are the 256-colour palette's: pale, so that black text is readable on each of them.
var backgrounds = []int{152, 223, 182, 157, 217}

// writeColoured writes the text with a background per token, and the count after it. What a token cannot show on
// its own, such as half of a character, is shown as U+FFFD.
func writeColoured(out *bufio.Writer, encoding *tokens.Encoding, text string) error {
	n := 0
	for token := range encoding.Tokens(text) {
		shown := strings.ToValidUTF8(text[token.Start:token.End], "\uFFFD")
		for i, part := range strings.Split(shown, "\n") {
			if i > 0 {
				out.WriteString("\n")
			}
			if part != "" {
				fmt.Fprintf(out, "\x1b[30;48;5;%dm%s\x1b[0m", backgrounds[n%len(backgrounds)], printable(part))
			}
		}
		n++
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		out.WriteString("\n")
	}
	_, err := fmt.Fprintf(out, "%d tokens of %s\n", n, encoding.Name())
	return err
}

// printable keeps control characters from reaching the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7F && r < 0xA0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
