package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// today is a day on which a promotion of the catalog has days left, and the sources are some days old.
var today = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestCosts(t *testing.T) {
	const litellm = "Prices: litellm 1.110.2, litellm/model_prices_and_context_window_backup.json, of 2026-11-20;"
	own := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(own, []byte(`{"prices":{"gpt-4o":{"Standard":{"input":4,"output":16}}},"models":{"mine":{"like":"gpt-4o","retirement":"2026-11-01"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, model, encoding, file string
		now                         time.Time
		want                        []string // lines, or parts of lines, of the text without its line breaks
	}{
		{"prices, their source, retirement", "gpt-4o", "", "", today, []string{"gpt-4o as input of", "GlobalStandard 0.000005000 2.5", "GlobalBatch 0.000002500", "DataZoneBatch us eu 0.000002750",
			"Output is not included", litellm, "Standard: no source in hand states regional prices.",
			"Retirement of gpt-4o: 2027-01-14, for version 2024-05-13 (others: 2027-04-14), by litellm 1.110.2", "of 2026-11-20; Azure's retirement schedule"}},
		{"a version", "gpt-4o-2024-11-20", "", "", today, []string{"Retirement of gpt-4o: 2027-04-14, by"}},
		{"prices of your own", "gpt-4o", "", own, today, []string{"Standard 0.000008000 4 ", "Prices: your file.", litellm}},
		{"a model of your own", "mine", "", own, today, []string{"mine as input of", "Retirement of mine: 2026-11-01, which has passed, by your file."}},
		{"a promotion", "gpt-5.6-sol", "", "", today, []string{"GlobalStandard 0.000008000 4 ", "GlobalStandard, DataZoneStandard us eu: these prices end on 2026-11-30."}},
		{"passed", "codex-mini", "o200k_base", "", today, []string{"2026-11-15, which has passed", "Counted in o200k_base; tiktoken does not name"}},
		{"a day that the source cannot know to have passed", "gpt-4.1", "", "", today.AddDate(1, 0, 0), []string{"Retirement of gpt-4.1: 2027-04-14, by", "quoted there. Note: this day is after the source's date"}},
		{"no retirement", "gpt-6.1-terra", "", "", today, []string{"Retirement of gpt-6.1-terra: no source states one."}},
		{"an encoding beside the model", "gpt-4o", "cl100k_base", "", today, []string{"gpt-4o as input of", "Counted in cl100k_base; the encoding of gpt-4o is o200k_base."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := findSubject(tt.model, tt.file, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			encoding, err := s.encodingFor(tt.encoding)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			out := bufio.NewWriter(&b)
			if err := s.costs(writeCount)(out, encoding, "hello world"); err != nil {
				t.Fatal(err)
			}
			out.Flush()
			text := strings.Join(strings.Fields(b.String()), " ") + " "
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, b.String())
				}
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 100 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

// The encoding is the one asked for, else the model's, else the standard one.
func TestEncoding(t *testing.T) {
	for _, tt := range []struct{ model, encoding, want string }{
		{"", "", "o200k_base"}, {"", "cl100k_base", "cl100k_base"}, {"gpt-4", "", "cl100k_base"}, {"gpt-4", "o200k_base", "o200k_base"},
		{"codex-mini", "r50k_base", "r50k_base"}, {"codex-mini", "", "codex-mini: tiktoken does not name this model's encoding; give -encoding, too"}, {"gpt-4", "x", "x"},
	} {
		s, err := findSubject(tt.model, "", today)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if encoding, err := s.encodingFor(tt.encoding); err != nil {
			got = err.Error()
		} else {
			got = encoding.Name()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("-model %q -encoding %q counts in %s, want %s", tt.model, tt.encoding, got, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	if s, err := findSubject("", "", today); s != nil || err != nil {
		t.Errorf("no name gives %v, %v", s, err)
	}
	if _, err := findSubject("gpt-x", "", today); err == nil || !strings.Contains(err.Error(), `does not know the model "gpt-x"; add it by -catalog`) {
		t.Errorf("an unknown name gives %v", err)
	}
	if _, err := findSubject("gpt-4o", "/no/such/file", today); err == nil {
		t.Error("a file that is not there is accepted")
	}
}
