package azurebatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/azureopenai"
	local "aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
)

// open returns a resource of the emulator.
func open(t *testing.T, apiVersion string) azurebatch.Resource {
	t.Helper()
	emulator := azureopenai.New(azureopenai.Options{APIKeys: []string{"local"}, DisableRecording: true})
	upstream := httptest.NewServer(emulator)
	t.Cleanup(upstream.Close)
	t.Cleanup(func() { _ = emulator.Close() })
	store := local.New()
	store.Put("azure", fmt.Sprintf(`{"resources":[{"name":"one","endpoint":%q,"api_key":"local"}]}`, upstream.URL))
	service := httptest.NewServer(store)
	t.Cleanup(service.Close)
	client := azure.New(azure.Options{
		Secrets: secretsmanager.New(secretsmanager.Options{
			Region: "us-east-1", BaseEndpoint: &service.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}),
		Env: config.Env{AzureSecretID: "azure", ConnectTimeout: 10 * time.Second, IdleTimeout: time.Minute, RetryAfterCap: time.Second},
	})
	return azurebatch.New(client, apiVersion).At("one")
}

// A file is uploaded and found, a batch of it created, found, read and cancelled, and the file deleted: below
// /openai/v1 and with an api-version.
func TestFilesAndBatches(t *testing.T) {
	const line = `{"custom_id":"1","method":"POST","url":"%s","body":{"model":"gpt-4o-batch","messages":[{"role":"user","content":"Say one"}]}}` + "\n"
	for _, version := range []string{"", "2024-10-21"} {
		t.Run("api-version "+version, func(t *testing.T) {
			resource := open(t, version)
			ctx, begun := t.Context(), time.Now().Add(-time.Minute)
			url := "/v1/chat/completions"
			if version != "" {
				url = "/chat/completions"
			}
			content := fmt.Sprintf(line, url)
			source := func(context.Context) io.ReadCloser { return io.NopCloser(strings.NewReader(content)) }
			uploaded, err := resource.Upload(ctx, "a.jsonl", int64(len(content)), source)
			if err != nil {
				t.Fatal(err)
			}
			found, err := resource.FindFile(ctx, "a.jsonl", int64(len(content)), begun)
			if err != nil || found == nil || found.ID != uploaded.ID {
				t.Fatalf("found %+v, %v; uploaded %+v", found, err, uploaded)
			}
			for name, size := range map[string]int64{"a.jsonl": 1, "b.jsonl": int64(len(content))} {
				if other, err := resource.FindFile(ctx, name, size, begun); err != nil || other != nil {
					t.Errorf("%s of %d bytes: found %+v, %v", name, size, other, err)
				}
			}
			for !found.Ready() {
				if found, err = resource.File(ctx, uploaded.ID); err != nil {
					t.Fatal(err)
				}
			}
			metadata := map[string]string{"job": "j", "part": "1"}
			created, err := resource.Create(ctx, uploaded.ID, url, metadata)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := resource.Find(ctx, metadata, begun); err != nil || b == nil || b.ID != created.ID || b.InputFileID != uploaded.ID {
				t.Errorf("found %+v, %v; created %+v", b, err, created)
			}
			if b, err := resource.Find(ctx, map[string]string{"job": "j", "part": "2"}, begun); err != nil || b != nil {
				t.Errorf("found %+v, %v for other metadata", b, err)
			}
			if b, err := resource.Find(ctx, metadata, begun.Add(time.Hour)); err != nil || b != nil {
				t.Errorf("found %+v, %v among those of later", b, err)
			}
			if f, err := resource.FindFile(ctx, "a.jsonl", int64(len(content)), begun.Add(time.Hour)); err != nil || f != nil {
				t.Errorf("found %+v, %v among those of later", f, err)
			}
			if all, err := resource.FindAll(ctx, map[string]string{"job": "j"}, begun); err != nil || len(all) != 1 {
				t.Errorf("found %+v, %v", all, err)
			}
			if ids, err := resource.FilesNamed(ctx, "a.jsonl", begun); err != nil || len(ids) != 1 || ids[0] != uploaded.ID {
				t.Errorf("found %v, %v", ids, err)
			}
			b, err := resource.Batch(ctx, created.ID)
			for err == nil && b.Status != "completed" {
				b, err = resource.Batch(ctx, created.ID)
			}
			if err != nil || b.Counts == nil || b.Counts.Completed != 1 {
				t.Fatalf("%+v, %v", b, err)
			}
			if idle, err := resource.Idle(ctx, begun); err != nil || !idle {
				t.Errorf("idle %t, %v", idle, err)
			}
			answer, err := resource.Content(ctx, b.OutputFileID)
			if err != nil || answer == nil {
				t.Fatalf("the output: %v, %v", answer, err)
			}
			defer answer.Close()
			if raw, err := io.ReadAll(answer.Body()); err != nil || !strings.Contains(string(raw), `"custom_id":"1"`) {
				t.Errorf("the output is %s, %v", raw, err)
			}
			if err := resource.Cancel(ctx, created.ID); err == nil || openaierr.From(err).Status != http.StatusConflict {
				t.Errorf("cancelling a completed batch: %v, want a 409", err)
			}
			for range 2 { // the second time it is gone already
				if err := resource.DeleteFile(ctx, uploaded.ID); err != nil {
					t.Error(err)
				}
			}
			if gone, err := resource.Content(ctx, uploaded.ID); gone != nil || err != nil {
				t.Errorf("the content of a deleted file: %v, %v", gone, err)
			}
		})
	}
}

func TestBatchObject(t *testing.T) {
	one := 1
	tests := []struct {
		name, in string
		want     azurebatch.Batch
	}{
		{"OpenAI's form", `{"id":"b","status":"failed","errors":{"object":"list","data":[{"code":"c","message":"m","line":1}]},"request_counts":{"total":3,"completed":2,"failed":1}}`,
			azurebatch.Batch{ID: "b", Status: "failed", Errors: []azurebatch.Error{{Code: "c", Message: "m", Line: &one}}, Counts: &azurebatch.Counts{Total: 3, Completed: 2, Failed: 1}}},
		{"nulls and empty strings are none", `{"id":"b","status":"in_progress","errors":null,"output_file_id":null,"error_file_id":"","request_counts":null,"metadata":null}`,
			azurebatch.Batch{ID: "b", Status: "in_progress"}},
		{"capitals", `{"id":"b","status":"Completed"}`, azurebatch.Batch{ID: "b", Status: "completed"}},
		{"one l", `{"id":"b","status":"canceled"}`, azurebatch.Batch{ID: "b", Status: "cancelled"}},
		{"made at a time", `{"id":"b","status":"failed","created_at":1785610058}`, azurebatch.Batch{ID: "b", Status: "failed", CreatedAt: time.Unix(1785610058, 0).UTC()}},
		{"in words", `{"id":"b","status":"Failed","created_at":"2026-08-01T18:47:38Z"}`, azurebatch.Batch{ID: "b", Status: "failed", CreatedAt: time.Unix(1785610058, 0).UTC()}},
		{"in other words", `{"id":"b","status":"Failed","created_at":"yesterday"}`, azurebatch.Batch{ID: "b", Status: "failed"}},
		{"one l, under way", `{"id":"b","status":"canceling"}`, azurebatch.Batch{ID: "b", Status: "cancelling"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got azurebatch.Batch
			if err := json.Unmarshal([]byte(test.in), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestMayHaveHappened(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"refused", &openaierr.Error{Status: 400}, false},
		{"Azure took too long", &openaierr.Error{Status: 408}, true},
		{"too many requests", &openaierr.Error{Status: 429}, false},
		{"no connection", &openaierr.Error{Status: 502, Code: "upstream_unreachable"}, false},
		{"our credential was refused", &openaierr.Error{Status: 502, Type: openaierr.TypeUpstreamAuth}, false},
		{"the connection was lost", &openaierr.Error{Status: 502, Code: "upstream_connection_lost"}, true},
		{"Azure failed", &openaierr.Error{Status: 500}, true},
		{"no answer in time", &openaierr.Error{Status: 504}, true},
		{"an error of another kind", errors.New("a disk"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := azurebatch.MayHaveHappened(test.err); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
