package azureopenai

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func form(t *testing.T, name, content string, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		field, value, _ := strings.Cut(f, "=")
		if err := w.WriteField(field, value); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

func put(t *testing.T, url, content string) (id string) {
	t.Helper()
	body, contentType := form(t, "in.jsonl", content, "purpose=batch")
	resp, answer := do(t, "POST", url+"/openai/v1/files", body, contentType)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	return decode[fileObject](t, answer).ID
}

func TestUploadRefusals(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, file string
		fields     []string
		path       string
		status     int
		want       string
	}{
		{"fine", "a.jsonl", []string{"purpose=batch"}, "/openai/v1/files", 200, `"status":"processed"`},
		{"fine, dated", "a.jsonl", []string{"purpose=batch"}, "/openai/files?api-version=2024-10-21", 201, `"status":"processed"`},
		{"expiry as the REST reference has it", "a.jsonl", []string{"purpose=batch", "expires_after.seconds=1209600", "expires_after.anchor=created_at"}, "/openai/v1/files", 200, `"expires_at":1786819658`},
		{"expiry too short", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=3600", "expires_after[anchor]=created_at"}, "/openai/v1/files", 400, `"code":"invalidPayload"`},
		{"expiry without anchor", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=1209600"}, "/openai/v1/files", 400, `expires_after`},
		{"expiry of nothing", "a.jsonl", []string{"purpose=batch", "expires_after[seconds]=0", "expires_after[anchor]=created_at"}, "/openai/v1/files", 400, `expires_after`},
		{"purpose", "a.jsonl", []string{"purpose=lunch"}, "/openai/v1/files", 400, `{"error":{"code":"invalidPayload","message":"Invalid value for purpose."}}`},
		{"no purpose", "a.jsonl", nil, "/openai/v1/files", 400, `Invalid value for purpose.`},
		{"no file", "", []string{"purpose=batch"}, "/openai/v1/files", 400, `file is missing`},
		{"suffix", "a.pdf", []string{"purpose=batch"}, "/openai/v1/files", 400, `wrong suffix`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, contentType := form(t, tt.file, "{}", tt.fields...)
			resp, answer := do(t, "POST", url+tt.path, body, contentType)
			if resp.StatusCode != tt.status || !strings.Contains(answer, tt.want) {
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
			if location := resp.Header.Get("Location"); (location != "") != (tt.status == 201) {
				t.Errorf("location %q", location)
			}
		})
	}
	if resp, answer := do(t, "POST", url+"/openai/v1/files", "{}", "Content-Type: application/json"); resp.StatusCode != 400 {
		t.Errorf("no form: %d %s", resp.StatusCode, answer)
	}
	if resp, _ := do(t, "POST", url+"/openai/v1/files", strings.Repeat("x", 1<<20), "Api-Key: wrong"); resp.StatusCode != 401 {
		t.Errorf("wrong key: %d", resp.StatusCode)
	}
}

func TestFileQuota(t *testing.T) {
	_, url := start(t, nil)
	for range maxFilesWithoutEnd {
		put(t, url, "{}")
	}
	body, contentType := form(t, "a.jsonl", "{}", "purpose=batch")
	const want = `{"error":{"code":"quotaExceeded","message":"The quota for files without expiry is reached. The maximum is 500."}}`
	if resp, answer := do(t, "POST", url+"/openai/v1/files", body, contentType); resp.StatusCode != 400 || answer != want {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}
