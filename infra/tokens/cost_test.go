package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aoai-bridge/shared/tokens"
)

func TestCosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(file, []byte(`{"prices":{"gpt-4o":{"Standard":{"input":4,"output":16}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := findSubject("gpt-4o", file)
	if err != nil {
		t.Fatal(err)
	}
	encoding, err := tokens.Lookup(*s.model.Encoding)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	out := bufio.NewWriter(&b)
	if err := s.costs(writeCount)(out, encoding, "hello world"); err != nil {
		t.Fatal(err)
	}
	out.Flush()
	for _, want := range []string{"2\n", "gpt-4o as input of", "GlobalStandard  0.000005000", "Standard  0.000008000", "GlobalBatch  0.000002500", "DataZoneBatch us eu  0.000002750"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

func TestFind(t *testing.T) {
	if s, err := findSubject("", ""); s != nil || err != nil {
		t.Errorf("no name gives %v, %v", s, err)
	}
	for name, want := range map[string]string{"gpt-x": `does not know the model "gpt-x"; add it by -catalog`, "codex-mini": "give -encoding"} {
		if _, err := findSubject(name, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if _, err := findSubject("gpt-4o", "/no/such/file"); err == nil {
		t.Error("a file that is not there is accepted")
	}
}
