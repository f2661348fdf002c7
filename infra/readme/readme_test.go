package main

import (
	"os"
	"testing"
)

// maxSkipped is how many blocks of README may be read only.
const maxSkipped = 3

// Every block of README says where it can be run, and those that need Go alone are run here.
func TestREADME(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := ReadBlocks(string(raw))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	skipped := 0
	for i := range blocks {
		switch b := &blocks[i]; b.Mark {
		case MarkSkip:
			skipped++
		case MarkRun:
			if _, err := r.do(t.Context(), b); err != nil {
				t.Errorf("README.md:%d: %v", b.Line, err)
			}
		}
	}
	if skipped > maxSkipped {
		t.Errorf("%d blocks are skipped, want %d at most", skipped, maxSkipped)
	}
}
