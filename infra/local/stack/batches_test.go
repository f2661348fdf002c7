package stack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
)

// TestBatches has OpenAI's Go library, unmodified, bring files through the gateway, the functions and the
// workflow to Azure and back.
func TestBatches(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{WaitScale: 0.001})
	clients := map[string]openai.Client{
		"OpenAI": openai.NewClient(option.WithBaseURL(s.URL+"/v1"), option.WithAPIKey(stack.CallerKey), option.WithMaxRetries(0)),
		"Azure v1": openai.NewClient(option.WithBaseURL(s.URL+"/openai/v1"), option.WithAPIKey("-"), option.WithMaxRetries(0),
			option.WithHeaderDel("Authorization"), option.WithHeader("api-key", stack.CallerKey)),
		"AzureOpenAI": openai.NewClient(azure.WithEndpoint(s.URL, "2025-04-01-preview"), azure.WithAPIKey(stack.CallerKey),
			azure.WithUnsafeAllowHTTP(), option.WithMaxRetries(0)),
	}
	for name, c := range clients {
		t.Run(name+"/answered", func(t *testing.T) { batchAnswered(t, s, c) })
		t.Run(name+"/in parts", func(t *testing.T) { batchInParts(t, s, c) })
		t.Run(name+"/cancelled", func(t *testing.T) { batchCancelled(t, s, c) })
	}
}

// batchLine asks for a word. It is text that is not ASCII, and no UTF-8 where the word is none.
func batchLine(id int, word string) string {
	return fmt.Sprintf(`{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say %s"}]}}`, id, word) + "\n"
}

func newFile(t *testing.T, c openai.Client, content string) *openai.FileObject {
	t.Helper()
	file, err := c.Files.New(t.Context(), openai.FileNewParams{
		Purpose: openai.FilePurposeBatch, File: openai.File(strings.NewReader(content), "in put.jsonl", "application/jsonl"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func newBatch(t *testing.T, c openai.Client, file string) *openai.Batch {
	t.Helper()
	b, err := c.Batches.New(t.Context(), openai.BatchNewParams{
		InputFileID: file, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions,
		CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// endOf is the batch once its workflow is over.
func endOf(t *testing.T, s *stack.Stack, c openai.Client, id string) *openai.Batch {
	t.Helper()
	for _, e := range s.States.Executions() {
		if e.Name == id {
			if _, err := s.States.Wait(t.Context(), e.ARN); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := c.Batches.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func contentOf(t *testing.T, c openai.Client, id string) []byte {
	t.Helper()
	answer, err := c.Files.Content(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func batchAnswered(t *testing.T, s *stack.Stack, c openai.Client) {
	input := batchLine(1, "grüß\u2028") + batchLine(2, "\xff") + batchLine(3, "three")
	file := newFile(t, c, input)
	if got := contentOf(t, c, file.ID); string(got) != input || file.Filename != "in put.jsonl" {
		t.Errorf("the file came as %q, %s", got, file.RawJSON())
	}
	b := endOf(t, s, c, newBatch(t, c, file.ID).ID)
	if b.Status != "completed" || b.RequestCounts.Completed != 2 || b.RequestCounts.Failed != 1 {
		t.Fatalf("%s", b.RawJSON())
	}
	var words []string
	for line := range bytes.Lines(contentOf(t, c, b.OutputFileID)) {
		var l struct {
			Response struct {
				Body openai.ChatCompletion
			}
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		words = append(words, l.Response.Body.Choices[0].Message.Content)
	}
	if got := strings.Join(words, " "); !strings.HasPrefix(got, "grüß") || !strings.HasSuffix(got, "three") {
		t.Errorf("answers %q", got)
	}
	if errs := contentOf(t, c, b.ErrorFileID); !bytes.Contains(errs, []byte("invalid_utf8")) {
		t.Errorf("errors %s", errs)
	}
	if listed := c.Batches.ListAutoPaging(t.Context(), openai.BatchListParams{Limit: openai.Int(1)}); !listed.Next() || listed.Current().ID != b.ID {
		t.Errorf("the list does not begin with %s: %v", b.ID, listed.Err())
	}
	if gone, err := c.Files.Delete(t.Context(), file.ID); err != nil || !gone.Deleted {
		t.Errorf("%v", err)
	}
}

func batchInParts(t *testing.T, s *stack.Stack, c openai.Client) {
	content := []byte(strings.Repeat(batchLine(1, strings.Repeat("x", 4000)), 2500))
	_, err := c.Files.New(t.Context(), openai.FileNewParams{
		Purpose: openai.FilePurposeBatch, File: openai.File(bytes.NewReader(content[:6_000_000]), "x.jsonl", "application/jsonl"),
	})
	if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(e.Message, "part_size") || !strings.Contains(e.Message, "aoai-bridge-batch") {
		t.Errorf("6 MB at once: %v", err)
	}
	upload, err := c.Uploads.New(t.Context(), openai.UploadNewParams{
		Purpose: openai.FilePurposeBatch, Filename: "big.jsonl", Bytes: int64(len(content)), MimeType: "application/jsonl",
	})
	if err != nil {
		t.Fatal(err)
	}
	const size = 4_500_000
	var parts []string
	for start := 0; start < len(content); start += size {
		part, err := c.Uploads.Parts.New(t.Context(), upload.ID, openai.UploadPartNewParams{
			Data: bytes.NewReader(content[start:min(start+size, len(content))]),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part.ID)
	}
	done, err := c.Uploads.Complete(t.Context(), upload.ID, openai.UploadCompleteParams{PartIDs: parts})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contentOf(t, c, done.File.ID), content) {
		t.Error("the file is another than its parts")
	}
}

func batchCancelled(t *testing.T, s *stack.Stack, c openai.Client) {
	s.Emulator.SetPace(azureopenai.Pace{PerLine: time.Hour})
	defer s.Emulator.SetPace(azureopenai.Pace{})
	b := newBatch(t, c, newFile(t, c, batchLine(1, "one")+batchLine(2, "two")).ID)
	stopping, err := c.Batches.Cancel(t.Context(), b.ID)
	if err != nil || stopping.Status != "cancelling" {
		t.Fatalf("%v: %s", err, stopping.RawJSON())
	}
	// The first line may have been answered before the batch was stopped.
	b = endOf(t, s, c, b.ID)
	counts := b.RequestCounts
	if b.Status != "cancelled" || counts.Completed > 1 || counts.Completed+counts.Failed != 2 || b.ErrorFileID == "" || (b.OutputFileID != "") != (counts.Completed > 0) {
		t.Errorf("%s", b.RawJSON())
	}
}
