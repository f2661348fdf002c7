// Tokens counts the tokens of standard input, shows them, or says what they cost.
//
//	go run ./infra/tokens -encoding o200k_base < README.md
//	go run ./infra/tokens -model gpt-5.4-mini -cost < README.md
//	go run ./infra/tokens -model codex-mini -encoding o200k_base -cost < README.md
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"aoai-bridge/shared/tokens"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("tokens: ")
	name := flag.String("encoding", "", "one of "+strings.Join(tokens.Encodings(), ", ")+" (default the model's, or "+standardEncoding+")")
	model := flag.String("model", "", "a model, such as gpt-5.4-mini")
	cost := flag.Bool("cost", false, "print what the text costs as input of the model, too")
	overrides := flag.String("catalog", "", "a JSON file of \"prices\" and \"models\" to merge over the catalog")
	ids := flag.Bool("ids", false, "print the ids as a JSON array instead of their number")
	jsonl := flag.Bool("jsonl", false, "take a JSON string on each line and answer on the same line")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unexpected %q: the text comes from standard input", flag.Arg(0))
	}
	subject, err := findSubject(*model, *overrides, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	if *cost && (subject == nil || *ids || *jsonl) {
		log.Fatal("-cost needs -model, and goes with neither -ids nor -jsonl")
	}
	encoding, err := subject.encodingFor(*name)
	if err != nil {
		log.Fatal(err)
	}
	answer := writeCount
	if *ids {
		answer = writeIDs
	}
	shown := answer
	if !*ids && term.IsTerminal(int(os.Stdout.Fd())) {
		shown = writeColoured
	}
	if *cost {
		shown = subject.costs(shown)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	switch {
	case *jsonl:
		err = answerLines(out, os.Stdin, encoding, answer)
	default:
		err = answerAll(out, os.Stdin, encoding, shown)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		log.Fatal(err)
	}
}

// answerAll answers for all of in.
func answerAll(out *bufio.Writer, in io.Reader, encoding *tokens.Encoding, answer answerFunc) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return answer(out, encoding, string(text))
}

// answerLines answers each line of in, which is a JSON string.
func answerLines(out *bufio.Writer, in io.Reader, encoding *tokens.Encoding, answer answerFunc) error {
	r := bufio.NewReaderSize(in, 1<<16)
	for number := 1; ; number++ {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var text string
			if err := json.Unmarshal(line, &text); err != nil {
				return fmt.Errorf("line %d is not a JSON string: %w", number, err)
			}
			if err := answer(out, encoding, text); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Buffered() == 0 { // someone may be waiting for this answer before the next line
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}
