package batch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The comments of this package and of plan name tests that there are.
func TestDocNamesTests(t *testing.T) {
	for dir, least := range map[string]int{".": 10, "plan": 5} {
		doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var there []string
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
				there = append(there, string(m[1]))
			}
		}
		named := regexp.MustCompile(`Test\w+`).FindAllString(string(doc), -1)
		if len(named) < least {
			t.Fatalf("%s names only %d tests", dir, len(named))
		}
		for _, name := range named {
			if !slices.Contains(there, name) {
				t.Errorf("%s: there is no %s", dir, name)
			}
		}
	}
}
