package main

import (
	"fmt"
	"regexp"
	"strings"
)

// Where a block of README can be run.
const (
	MarkRun    = "run"    // with Go alone
	MarkLocal  = "local"  // beside the local stack
	MarkDeploy = "deploy" // beside a deployed stack
	MarkSkip   = "skip"   // nowhere here, and it says why
)

// Block is a fenced block of a Markdown file.
type Block struct {
	Line     int    // of the fence, from 1
	Language string // the first word of the fence
	Mark     string // the second one
	Reason   string // of MarkSkip
	Text     string
	Output   bool // what the block before it prints
}

// ReadBlocks returns the fenced blocks of a Markdown file. A fence opens with a language and a mark: ```sh local. A block
// of the language text that follows another, with the same mark, is what that one prints.
func ReadBlocks(markdown string) ([]Block, error) {
	var blocks []Block
	var open *Block
	indent := ""
	for i, line := range strings.SplitAfter(markdown, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open == nil && strings.HasPrefix(trimmed, "```"):
			indent = line[:strings.Index(line, "```")]
			b, err := readFence(strings.TrimPrefix(trimmed, "```"))
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			b.Line = i + 1
			open = b
		case open != nil && trimmed == "```":
			if n := len(blocks); open.Language == "text" && n > 0 && blocks[n-1].Mark == open.Mark && !blocks[n-1].Output {
				open.Output = true
			}
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block does not end", open.Line)
	}
	return blocks, nil
}

func readFence(fence string) (*Block, error) {
	language, mark, _ := strings.Cut(strings.TrimSpace(fence), " ")
	if language == "" {
		return nil, fmt.Errorf("the fence names no language: write for example ```sh local")
	}
	if reason, ok := strings.CutPrefix(mark, MarkSkip+":"); ok && strings.TrimSpace(reason) != "" {
		return &Block{Language: language, Mark: MarkSkip, Reason: strings.TrimSpace(reason)}, nil
	}
	switch mark {
	case MarkRun, MarkLocal, MarkDeploy:
		return &Block{Language: language, Mark: mark}, nil
	}
	return nil, fmt.Errorf("the fence ```%s has the mark %q, want run, local, deploy, or skip: and the reason", language, mark)
}

// Matches reports whether an output is what a block shows. In the block "..." stands for anything, and a line of it
// for any lines.
func (b *Block) Matches(output string) bool {
	pattern := regexp.QuoteMeta(strings.TrimSpace(b.Text))
	pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta("..."), "(?s:.*?)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(output))
}
