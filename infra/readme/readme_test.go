package main

import (
	"net"
	"os"
	"strings"
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

func TestPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	t.Setenv("PORT", port)
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	output, err := r.do(t.Context(), &Block{Language: "sh", Text: "echo http://127.0.0.1:8080/v1"})
	if want := "http://127.0.0.1:" + port + "/v1\n"; output != want || err != nil {
		t.Errorf("a block prints %q, %v, want %q", output, err, want)
	}
	_, err = r.do(t.Context(), &Block{Language: "sh", Text: "make run\n"})
	if err == nil || !strings.Contains(err.Error(), "choose another with PORT=") {
		t.Errorf("with another program at the port: %v", err)
	}
}
