package estimate

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/rawjson"
)

var update = flag.Bool("update", false, "write how far the counts are off into testdata/usage.json")

// usage is a request and the prompt tokens that a provider reported for it.
type usage struct {
	Name         string          `json:"name"`
	Source       string          `json:"source"`
	Model        string          `json:"model"`
	PromptTokens int             `json:"prompt_tokens"`
	Off          int             `json:"off,omitempty"` // the count less the reported tokens, where they are known to differ
	Request      json.RawMessage `json:"request"`
}

// TestUsage compares with what providers reported. A count that claims to be documented must be right.
func TestUsage(t *testing.T) {
	const file = "testdata/usage.json"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []*usage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, u := range all {
		t.Run(u.Name+" "+u.Model, func(t *testing.T) {
			c := count(t, u.Model, string(u.Request))
			off := c.Tokens - u.PromptTokens
			if *update {
				u.Off = off
			}
			switch {
			case off != u.Off:
				t.Errorf("counted %d, reported %d (%s): %s", c.Tokens, u.PromptTokens, u.Source, partsOf(c))
			case off != 0 && c.Basis != Estimated:
				t.Errorf("counted %d as %s, reported %d (%s): %s", c.Tokens, c.Basis, u.PromptTokens, u.Source, partsOf(c))
			case off < -10 || off > 10:
				if c.Min > u.PromptTokens || u.PromptTokens > c.Tokens {
					t.Errorf("counted %d, far from the reported %d", c.Tokens, u.PromptTokens)
				}
			}
		})
	}
	if *update {
		out := []byte("[\n")
		for i, u := range all {
			line, err := json.Marshal(u)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				out = append(out, ",\n"...)
			}
			out = append(out, line...)
		}
		if err := os.WriteFile(file, append(out, "\n]\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func partsOf(c *Count) (s string) {
	for _, p := range c.Parts {
		s += fmt.Sprintf("%s %d (%s); ", p.Part, p.Tokens, p.Basis)
	}
	return s
}

// count counts a body by a model's rules.
func count(t testing.TB, model, body string) *Count {
	t.Helper()
	c, err := try(model, body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func try(model, body string) (*Count, error) {
	n, err := catalog.Embedded().Lookup(model)
	if err != nil {
		return nil, err
	}
	rules, err := RulesFor(catalog.Embedded(), n, nil)
	if err != nil {
		return nil, err
	}
	tree, err := rawjson.ParseTree([]byte(body))
	if err != nil {
		return nil, err
	}
	kind, err := KindOf(tree, n.Kind)
	if err != nil {
		return nil, err
	}
	return Of(kind, tree, rules)
}

func parse(t testing.TB, body string) rawjson.Node {
	t.Helper()
	tree, err := rawjson.ParseTree([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
