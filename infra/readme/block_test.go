package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadBlocks(t *testing.T) {
	for _, test := range []struct{ name, markdown, want string }{
		{"marks", "a\n```sh run\nls\n```\n\n```python local\nprint(1)\n```\n", "2 sh run [ls\n] 6 python local [print(1)\n]"},
		{"an output", "```sh local\nls\n```\n```text local\nx\n```\n", "1 sh local [ls\n] 4 text local output [x\n]"},
		{"a text of another mark", "```sh local\nls\n```\n```text run\nx\n```\n", "1 sh local [ls\n] 4 text run [x\n]"},
		{"a reason", "```sh skip: needs an account\nls\n```\n", "1 sh skip(needs an account) [ls\n]"},
		{"in a list", "- a\n  ```sh run\n  ls\n    x\n  ```\n", "2 sh run [ls\n  x\n]"},
		{"no mark", "```sh\nls\n```\n", `line 1: the fence `},
		{"no language", "```\nls\n```\n", "line 1: the fence names no language"},
		{"no reason", "```sh skip:\nls\n```\n", `line 1: the fence `},
		{"no end", "x\n```sh run\nls\n", "line 2: the block does not end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			blocks, err := ReadBlocks(test.markdown)
			var got []string
			for _, b := range blocks {
				mark := b.Mark
				if b.Reason != "" {
					mark += "(" + b.Reason + ")"
				}
				if b.Output {
					mark += " output"
				}
				got = append(got, fmt.Sprintf("%d %s %s [%s]", b.Line, b.Language, mark, b.Text))
			}
			if err != nil {
				got = []string{err.Error()}
			}
			if text := strings.Join(got, " "); !strings.HasPrefix(text, test.want) || err == nil && text != test.want {
				t.Errorf("got  %q\nwant %q", text, test.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		block, output string
		want          bool
	}{
		{"hello\n", "hello\n", true},
		{"hello\n", "hello you\n", false},
		{"job_... is done\n", "job_12 is done\n", true},
		{"first\n...\nlast\n", "first\n1\n2\nlast\n", true},
		{"a.c\n", "abc\n", false},
	} {
		b := Block{Text: test.block}
		if got := b.Matches(test.output); got != test.want {
			t.Errorf("%q of %q: got %v, want %v", test.output, test.block, got, test.want)
		}
	}
}
