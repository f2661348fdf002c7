package stack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aoai-bridge/infra/local/stack"
)

// samples says for every file in events/ which function it is an event of, and a part of the answer.
var samples = map[string]struct{ function, answer string }{
	"chat/apigateway-generate.json":               {"ChatFunction", `"finish_reason":"stop"`},
	"chat/apigateway-generate-stream.json":        {"ChatFunction", "data: [DONE]"},
	"chat/apigateway-models.json":                 {"ChatFunction", `"id":"gpt-4o-mini"`},
	"chat/apigateway-azure-path.json":             {"ChatFunction", `"finish_reason":"stop"`},
	"chat/functionurl-interpret-image.json":       {"ChatFunction", "image in PNG format"},
	"chat/invoke-summarise.json":                  {"ChatFunction", "Summary: The night shift switched"},
	"chat/invoke-natural-language-to-code.json":   {"ChatFunction", "SELECT"},
	"embeddings/apigateway-semantic-search.json":  {"EmbeddingsFunction", `"index":3`},
	"embeddings/functionurl-embed.json":           {"EmbeddingsFunction", `"object":"embedding"`},
	"embeddings/invoke-embed.json":                {"EmbeddingsFunction", `"object":"embedding"`},
	"batch-submit/apigateway-create-file.json":    {"BatchSubmitFunction", `"filename":"reviews.jsonl"`},
	"batch-status/apigateway-list-batches.json":   {"BatchStatusFunction", `"has_more":false`},
	"token-estimate/apigateway-estimate.json":     {"TokenEstimateFunction", `"input_tokens":53`},
	"token-estimate/apigateway-input-tokens.json": {"TokenEstimateFunction", `{"object":"response.input_tokens","input_tokens":43,"exact":false,"basis":"estimated"}`},
	"token-estimate/invoke-text.json":             {"TokenEstimateFunction", `{"id":30325,"text":"Tokens","start":0,"end":6}`},
	"token-estimate/invoke-embeddings.json":       {"TokenEstimateFunction", `"input_tokens":17`},
	"token-estimate/invoke-file.json":             {"TokenEstimateFunction", `"complete":true,"lines":`},
}

// TestEvents runs every file in events/ through the function's own bootstrap.
func TestEvents(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	put(t, s, "samples/batch.jsonl", string(readEvent(t, "batch.jsonl"))) // for token-estimate/invoke-file.json
	seen := map[string]bool{}
	for _, name := range eventFiles(t) {
		if forBatches(name) {
			continue // for the workflows: see TestBatchSamples
		}
		sample, ok := samples[name]
		if !ok {
			t.Errorf("events/%s is known to no test: add it to samples", name)
			continue
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			event, err := os.ReadFile(filepath.Join(root, "events", name))
			if err != nil {
				t.Fatal(err)
			}
			response, err := s.Host.Invoke(t.Context(), sample.function, event)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if answer := readAll(t, response.Body); !strings.Contains(answer, sample.answer) {
				t.Errorf("%q is not in\n%.2000s", sample.answer, answer)
			}
		})
	}
	for name := range samples {
		if !seen[name] {
			t.Errorf("events/%s is gone", name)
		}
	}
}

// forBatches reports whether a file is one of the batch workflow's, which are no events of a function.
func forBatches(name string) bool { return name == "batch.jsonl" || strings.HasPrefix(name, "batch/") }

// eventFiles are the files in events/, without that folder's name.
func eventFiles(t *testing.T) (names []string) {
	t.Helper()
	dir := filepath.Join(root, "events")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
