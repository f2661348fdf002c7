package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// keepSeconds is how long Azure keeps files that we did not delete: the least it takes. Files that
// expire may be 10,000, those that do not 500 (Azure OpenAI quotas page as of 2026-11).
const keepSeconds = 1_209_600

// remote is one Azure resource's files and batches, on the paths that are configured.
type remote struct {
	*Service
	resource string
}

func (s *Service) at(part *Part) remote { return remote{s, part.Resource} }

// url is an operation's as a batch names it.
func (s *Service) url(endpoint string) string {
	if s.env.APIVersion != "" {
		return "/" + endpoint
	}
	return "/v1/" + endpoint
}

func (r remote) newCall(method, path string, query url.Values) *azure.Call {
	if query == nil {
		query = url.Values{}
	}
	dated := r.env.APIVersion != ""
	if dated {
		query.Set("api-version", r.env.APIVersion)
	}
	return &azure.Call{
		Method: method, Dated: dated, Path: path, Query: query.Encode(), Resource: r.resource,
		Header: http.Header{"Accept": {"application/json"}},
	}
}

// do sends a call and reads its answer into a value, unless that is nil.
func (r remote) do(ctx context.Context, call *azure.Call, into any) error {
	answer, err := r.azure.Do(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Close()
	raw, err := io.ReadAll(answer.Body())
	if err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &openaierr.Error{
			Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_invalid_response", Cause: err,
			Message: fmt.Sprintf("Azure OpenAI answered %s %s with %d bytes that are not what was expected.", call.Method, call.Path, len(raw)),
		}
	}
	return nil
}

// file is Azure's file object as far as we act on it.
type file struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Bytes    int64  `json:"bytes"`
	Status   string `json:"status"`
}

// ready tells whether a batch may be made of a file; a dated api-version takes its time.
func (f *file) ready() bool {
	switch strings.ToLower(f.Status) {
	case "", "processed", "uploaded":
		return true
	}
	return false
}

func (f *file) broken() bool {
	switch strings.ToLower(f.Status) {
	case "error", "failed", "deleted":
		return true
	}
	return false
}

// upload sends an object of the bucket as a batch's input file. It is sent once: where the answer is
// lost, findFile tells whether it happened.
func (r remote) upload(ctx context.Context, key, name string, size int64) (*file, error) {
	const boundary = "aoai-bridge-7d1f0c52b9e84c0f9a53"
	var head bytes.Buffer
	field := func(field, value string) {
		fmt.Fprintf(&head, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, field, value)
	}
	field("purpose", "batch")
	if r.env.APIVersion == "" {
		field("expires_after[anchor]", "created_at")
		field("expires_after[seconds]", fmt.Sprint(keepSeconds))
	}
	fmt.Fprintf(&head, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/jsonl\r\n\r\n", boundary, name)
	tail := "\r\n--" + boundary + "--\r\n"

	call := r.newCall(http.MethodPost, "files", nil)
	call.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	call.Once, call.Size = true, int64(head.Len())+size+int64(len(tail))
	call.Open = func(ctx context.Context) (io.ReadCloser, error) {
		source := r.store.Open(ctx, key)
		body := io.MultiReader(bytes.NewReader(head.Bytes()), source, strings.NewReader(tail))
		return struct {
			io.Reader
			io.Closer
		}{body, source}, nil
	}
	f := &file{}
	return f, r.do(ctx, call, f)
}

func (r remote) file(ctx context.Context, id string) (*file, error) {
	f := &file{}
	return f, r.do(ctx, r.newCall(http.MethodGet, "files/"+url.PathEscape(id), nil), f)
}

// findFile looks for a file of that name and size, nil if there is none.
func (r remote) findFile(ctx context.Context, name string, size int64) (found *file, err error) {
	err = r.pages(ctx, "files", url.Values{"purpose": {"batch"}}, func(raw json.RawMessage) (string, bool, error) {
		f := &file{}
		if err := json.Unmarshal(raw, f); err != nil {
			return "", false, err
		}
		if f.Filename == name && (f.Bytes == size || f.Bytes == 0) && !f.broken() {
			found = f
		}
		return f.ID, found != nil, nil
	})
	return found, err
}

// content opens a file. ok is false where Azure does not have it, or not yet.
func (r remote) content(ctx context.Context, id string) (answer *azure.Answer, ok bool, err error) {
	call := r.newCall(http.MethodGet, "files/"+url.PathEscape(id)+"/content", nil)
	call.Header.Set("Accept", "*/*")
	answer, err = r.azure.Do(ctx, call)
	if err != nil && openaierr.From(err).Status == http.StatusNotFound {
		return nil, false, nil
	}
	return answer, err == nil, err
}

func (r remote) deleteFile(ctx context.Context, id string) error {
	err := r.do(ctx, r.newCall(http.MethodDelete, "files/"+url.PathEscape(id), nil), nil)
	if err != nil && openaierr.From(err).Status == http.StatusNotFound {
		return nil
	}
	return err
}

// batchObject is Azure's batch object as far as we act on it.
type batchObject struct {
	ID           string            `json:"id"`
	Status       string            `json:"status"`
	InputFileID  string            `json:"input_file_id"`
	OutputFileID string            `json:"output_file_id"` // null and "" are none
	ErrorFileID  string            `json:"error_file_id"`
	Counts       *Counts           `json:"request_counts"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    json.RawMessage   `json:"created_at"`
	Errors       *struct {
		Data []batchError `json:"data"`
	} `json:"errors"`
}

// Counts are a batch's requests.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// batchError is why a batch failed, or a line of it.
type batchError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    *int   `json:"line,omitempty"` // of the file, from 1
}

// status is Azure's, in the one spelling we use: old REST samples have capitals, and the documentation's
// polling sample "canceled" (batch-rest.md, how-to-batch-content.md of 03/19/2026).
func (b *batchObject) status() string {
	status := strings.ToLower(b.Status)
	if status == "canceled" {
		return "cancelled"
	}
	if status == "canceling" {
		return "cancelling"
	}
	return status
}

func (b *batchObject) errors() []batchError {
	if b.Errors == nil {
		return nil
	}
	return b.Errors.Data
}

// createBatch makes a batch of a file. It is sent once: findBatch tells what became of it.
func (r remote) createBatch(ctx context.Context, fileID, endpoint string, metadata map[string]string) (*batchObject, error) {
	request := map[string]any{
		"input_file_id": fileID, "endpoint": r.url(endpoint), "completion_window": "24h", "metadata": metadata,
	}
	if r.env.APIVersion == "" {
		request["output_expires_after"] = map[string]any{"seconds": keepSeconds, "anchor": "created_at"}
	}
	body, _ := json.Marshal(request) // strings and numbers always marshal
	call := r.newCall(http.MethodPost, "batches", nil)
	call.Header.Set("Content-Type", "application/json")
	call.Once, call.Body = true, func(string) rawjson.Pieces { return rawjson.Pieces{body} }
	b := &batchObject{}
	return b, r.do(ctx, call, b)
}

func (r remote) batch(ctx context.Context, id string) (*batchObject, error) {
	b := &batchObject{}
	return b, r.do(ctx, r.newCall(http.MethodGet, "batches/"+url.PathEscape(id), nil), b)
}

func (r remote) cancelBatch(ctx context.Context, id string) error {
	call := r.newCall(http.MethodPost, "batches/"+url.PathEscape(id)+"/cancel", nil)
	return r.do(ctx, call, nil)
}

// findBatch looks for the batch with our metadata, nil if there is none.
func (r remote) findBatch(ctx context.Context, metadata map[string]string) (found *batchObject, err error) {
	err = r.pages(ctx, "batches", url.Values{}, func(raw json.RawMessage) (string, bool, error) {
		b := &batchObject{}
		if err := json.Unmarshal(raw, b); err != nil {
			return "", false, err
		}
		for name, value := range metadata {
			if b.Metadata[name] != value {
				return b.ID, false, nil
			}
		}
		found = b
		return b.ID, true, nil
	})
	return found, err
}

// maxPages bounds a search, whose newest entries come first: 50,000 entries.
const maxPages = 500

// pages calls visit with each entry of a list until it is done. visit returns the entry's id.
func (r remote) pages(ctx context.Context, path string, query url.Values, visit func(json.RawMessage) (id string, done bool, err error)) error {
	for range maxPages {
		var list struct {
			Data    []json.RawMessage `json:"data"`
			Value   []json.RawMessage `json:"value"` // in previews
			HasMore bool              `json:"has_more"`
		}
		query.Set("limit", "100")
		if err := r.do(ctx, r.newCall(http.MethodGet, path, query), &list); err != nil {
			return err
		}
		last := ""
		for _, raw := range append(list.Data, list.Value...) {
			id, done, err := visit(raw)
			if err != nil || done {
				return err
			}
			last = id
		}
		if !list.HasMore || last == "" {
			return nil
		}
		query.Set("after", last)
	}
	// Not found is not the same: what is sent again may be paid for twice.
	return &openaierr.Error{
		Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "search_inconclusive",
		Message: fmt.Sprintf("Azure lists more than %d entries under %s; whether ours is among the older ones is not known. Delete old ones.", maxPages*100, path),
	}
}
