package directions

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// insteadOf are phrases that are not plain English, each with what says the same.
var insteadOf = map[string]string{
	"anew":                       "again",
	"as far as anybody can know": "as far as is known",
	"but for":                    "except for",
	"is no body":                 "is not a body",
	"refuses to know":            "does not know",
	"tells of":                   "reports",
	"tells whether":              "reports whether",
	"what a request takes":       "what a request costs",
	"whoever":                    "anyone who, or by anyone",
}

// proseIn are the files whose words are the project's own.
var proseIn = []string{".go", ".md", ".js", ".css", ".py", ".sh", ".yaml", ".toml", ""}

func TestPhrases(t *testing.T) {
	for _, found := range findPhrases(t, os.DirFS("../..")) {
		t.Error(found)
	}
}

// findPhrases returns where a module has such a phrase, also where it goes on in the next line of a comment.
func findPhrases(t *testing.T, module fs.FS) (found []string) {
	t.Helper()
	var alternatives []string
	for phrase := range insteadOf {
		alternatives = append(alternatives, strings.ReplaceAll(phrase, " ", `[\s/#*]+`))
	}
	phrases := regexp.MustCompile(`(?i)\b(?:` + strings.Join(alternatives, "|") + `)\b`)
	gap := regexp.MustCompile(`[\s/#*]+`)
	err := fs.WalkDir(module, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if slices.Contains([]string{".git", ".aws-sam", ".venv", "dist", "node_modules", "testdata", "vendor"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular() || !slices.Contains(proseIn, path.Ext(name)) || name == "infra/directions/phrases_test.go":
			return nil
		}
		text, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		for _, at := range phrases.FindAllIndex(text, -1) {
			phrase := strings.ToLower(gap.ReplaceAllString(string(text[at[0]:at[1]]), " "))
			line := 1 + bytes.Count(text[:at[0]], []byte{'\n'})
			found = append(found, fmt.Sprintf("%s:%d: %q, say rather: %s", name, line, phrase, insteadOf[phrase]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPhraseRules(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a.go", "package a\n\n// A tells whether b.\n", `a.go:3: "tells whether", say rather: reports whether`},
		{"README.md", "All of it, but\nfor one.\n", `README.md:1: "but for", say rather: except for`},
		{"shared/a.go", "// All of it, but\n\t// for one.\n", `shared/a.go:1: "but for", say rather: except for`},
		{"Makefile", "# Anew\n", `Makefile:1: "anew", say rather: again`},
		{"within words", "Reviewed by a newer one.", ""},
		{"a.json", `"anew"`, ""},
		{"a/testdata/a.md", "anew", ""},
	} {
		got := strings.Join(findPhrases(t, fstest.MapFS{test.name: {Data: []byte(test.text)}}), "; ")
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
