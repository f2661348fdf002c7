package azurebatch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
)

// File is Azure's file object, as far as it is acted on.
type File struct {
	ID        string  `json:"id"`
	Filename  string  `json:"filename"`
	Bytes     int64   `json:"bytes"` // 0 in some previews
	Status    string  `json:"status"`
	CreatedAt rawTime `json:"created_at"`
}

// Ready reports whether a batch may be made of the file. With a dated api-version Azure looks at it for seconds first.
func (f *File) Ready() bool {
	switch strings.ToLower(f.Status) {
	case "", "processed", "uploaded":
		return true
	}
	return false
}

func (f *File) broken() bool {
	switch strings.ToLower(f.Status) {
	case "error", "failed", "deleted":
		return true
	}
	return false
}

// Upload sends a batch's input file of size bytes, which open returns. It is sent once: where the answer is lost,
// FindFile finds out whether it arrived.
func (r Resource) Upload(ctx context.Context, name string, size int64, open func(context.Context) io.ReadCloser) (*File, error) {
	const boundary = "aoai-bridge-7d1f0c52b9e84c0f9a53"
	var head bytes.Buffer
	field := func(field, value string) {
		fmt.Fprintf(&head, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, field, value)
	}
	field("purpose", "batch")
	if r.client.apiVersion == "" {
		field("expires_after[anchor]", "created_at")
		field("expires_after[seconds]", fmt.Sprint(keepSeconds))
	}
	fmt.Fprintf(&head, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/jsonl\r\n\r\n", boundary, name)
	tail := "\r\n--" + boundary + "--\r\n"

	call := r.newCall(http.MethodPost, "files", nil)
	call.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	call.Once, call.Size = true, int64(head.Len())+size+int64(len(tail))
	call.Open = func(ctx context.Context) (io.ReadCloser, error) {
		source := open(ctx)
		body := io.MultiReader(bytes.NewReader(head.Bytes()), source, strings.NewReader(tail))
		return struct {
			io.Reader
			io.Closer
		}{body, source}, nil
	}
	f := &File{}
	return f, r.do(ctx, call, f)
}

// File returns what Azure knows of a file. Of one that it does not have the error is a 404.
func (r Resource) File(ctx context.Context, id string) (*File, error) {
	f := &File{}
	return f, r.do(ctx, r.newCall(http.MethodGet, filePath(id), nil), f)
}

// FindFile looks for a batch's input file of that name and size, among those that were not uploaded before since. It
// returns nil if there is none.
func (r Resource) FindFile(ctx context.Context, name string, size int64, since time.Time) (found *File, err error) {
	err = r.eachFile(ctx, since, func(f *File) (done bool) {
		if f.Filename == name && (f.Bytes == size || f.Bytes == 0) && !f.broken() {
			found = f
		}
		return found != nil
	})
	return found, err
}

// FilesNamed returns the ids of all input files of that name that were not uploaded before since.
func (r Resource) FilesNamed(ctx context.Context, name string, since time.Time) (ids []string, err error) {
	err = r.eachFile(ctx, since, func(f *File) (done bool) {
		if f.Filename == name {
			ids = append(ids, f.ID)
		}
		return false
	})
	return ids, err
}

// eachFile calls visit with each input file that was not uploaded before since, newest first, until it reports that it
// is done.
func (r Resource) eachFile(ctx context.Context, since time.Time, visit func(*File) (done bool)) error {
	return r.search(ctx, "files", url.Values{"purpose": {"batch"}}, func(raw json.RawMessage) (string, bool, error) {
		f := &File{}
		if err := json.Unmarshal(raw, f); err != nil {
			return "", false, err
		}
		return f.ID, before(f.CreatedAt.Time, since) || visit(f), nil
	})
}

// Content opens a file. It returns nil where Azure does not have it, or not yet. The caller closes the answer.
func (r Resource) Content(ctx context.Context, id string) (*azure.Answer, error) {
	call := r.newCall(http.MethodGet, filePath(id)+"/content", nil)
	call.Header.Set("Accept", "*/*")
	answer, err := r.client.azure.Do(ctx, call)
	if isNotFound(err) {
		return nil, nil
	}
	return answer, err
}

// DeleteFile deletes a file. One that Azure does not have is deleted.
func (r Resource) DeleteFile(ctx context.Context, id string) error {
	err := r.do(ctx, r.newCall(http.MethodDelete, filePath(id), nil), nil)
	if isNotFound(err) {
		return nil
	}
	return err
}

func filePath(id string) string { return "files/" + url.PathEscape(id) }

func isNotFound(err error) bool {
	return err != nil && openaierr.From(err).Status == http.StatusNotFound
}
