package batchapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/source"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

const (
	// maxInline is the largest content that is sent through the gateway, in bytes. It passes more, but slowly:
	// 2 MB/s beyond the first 6 MB ("Response streaming for Lambda functions", Lambda Developer Guide; the API
	// Gateway Developer Guide says the same of what is beyond 10 MB).
	maxInline = 6 << 20

	// maxStreamed is the largest content that can be sent so: what Lambda streams ("Response streaming for Lambda functions",
	// Lambda Developer Guide).
	maxStreamed = 200_000_000

	// linkLife is how long a link to a larger one is valid.
	linkLife = 15 * time.Minute
)

func (a *API) createFile(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	f, err := readForm(r)
	if err != nil {
		return nil, err
	}
	if err := checkPurpose(f.value("purpose")); err != nil {
		return nil, err
	}
	seconds, err := f.expiry()
	if err != nil {
		return nil, err
	}
	content, name, err := f.file("file")
	if err != nil {
		return nil, err
	}
	if err := checkFormat(content); err != nil {
		return nil, err
	}
	now := a.now()
	made := &file{
		id: newID(fileID, now), purpose: purposeBatch, name: name, expires: time.Duration(seconds) * time.Second,
		bytes: int64(len(content)), madeAt: now,
	}
	return made.object(), a.store.PutBytes(ctx, made.key(folder), bucket.JSONL, content)
}

// checkPurpose accepts one purpose: files of any other have no use here.
func checkPurpose(purpose string) error {
	switch purpose {
	case purposeBatch:
		return nil
	case "":
		return openaiapi.Missing("purpose", "")
	}
	return openaierr.Invalid("purpose", "invalid_value", "'purpose' is %.100q, and files are for batches here: want \"batch\".", purpose)
}

// checkFormat refuses a file of which no line could be a request. The batch answers the others with their errors.
func checkFormat(content []byte) error {
	text, err := source.Plain(bytes.NewReader(content))
	if err == nil {
		lines := jsonl.NewScanner(text, 0, 0)
		for lines.Next() {
			if lines.Long || lines.Text[0] == '{' && json.Valid(lines.Text) {
				return nil
			}
		}
		err = lines.Err
	}
	if bad, ok := errors.AsType[*source.FormatError](err); ok {
		return openaierr.Invalid("file", bad.Code, "%s", bad.Message)
	}
	return openaierr.Invalid("file", "invalid_file_format", "The file is not JSONL: no line of it is a JSON object. Write each request on one line of its own.")
}

// listFiles answers with the newest files first unless it is asked for the oldest.
func (a *API) listFiles(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	p, err := readPage(r, fileID, 10_000, 10_000)
	if err != nil {
		return nil, err
	}
	purpose, now := r.Path.Query.Get("purpose"), a.now()
	prefix, after, before := filesPrefix+folder, "", ""
	if p.after != "" && p.oldestFirst {
		before = prefix + p.after
	} else if p.after != "" {
		after = prefix + p.after + "0" // after all that is below the id: '0' comes after '/'
	}
	var found []*fileObject
	var expired []string
	err = a.store.List(ctx, prefix, after, func(o bucket.Object) bool {
		if before != "" && o.Key >= before {
			return false
		}
		switch f, ok := parseFile(folder, o); {
		case ok && f.expired(now):
			expired = append(expired, o.Key)
		case ok && f.bytes > 0 && (purpose == "" || purpose == f.purpose):
			found = append(found, f.object())
		}
		return p.oldestFirst || len(found) <= p.limit
	})
	for _, key := range expired { // nothing else removes them
		if err := a.store.Delete(ctx, key); err != nil {
			return nil, err
		}
	}
	if p.oldestFirst {
		slices.Reverse(found)
	}
	return newList(found, p.limit, func(f *fileObject) string { return f.ID }), err
}

func (a *API) retrieveFile(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	f, err := a.findFile(ctx, folder, r.PathValue("id"), "file_id")
	if err != nil {
		return nil, err
	}
	return f.object(), nil
}

func (a *API) deleteFile(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	f, err := a.findFile(ctx, folder, r.PathValue("id"), "file_id")
	if err != nil {
		return nil, err
	}
	if err := a.store.Delete(ctx, f.key(folder)); err != nil {
		return nil, err
	}
	return map[string]any{"id": f.id, "object": "file", "deleted": true}, nil
}

// fileContent sends a file, or where S3 has it.
func (a *API) fileContent(w http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	f, err := a.findFile(ctx, folder, r.PathValue("id"), "file_id")
	if err != nil {
		return nil, err
	}
	header := w.Header()
	follows := followsLinks(r.Header)
	switch {
	case !follows && f.bytes > maxStreamed:
		return nil, &openaierr.Error{
			Status: http.StatusRequestEntityTooLarge, Type: openaierr.TypeInvalidRequest, Param: "file_id", Code: "file_too_large",
			Message: fmt.Sprintf("The file has %d bytes, and this client takes only what the API gateway carries, %d. Read it from s3://%s/%s, or from this URL by a client that follows redirects.",
				f.bytes, maxStreamed, a.store.Name(), f.key(folder)),
		}
	case follows && f.bytes > maxInline:
		link, err := a.store.Link(ctx, f.key(folder), attachment(f.name), linkLife)
		if err != nil {
			return nil, err
		}
		header.Set("Location", link)
		header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusFound)
		return nil, nil
	}
	body := a.store.Open(ctx, f.key(folder))
	defer body.Close()
	if err := body.Begin(); err != nil {
		return nil, err
	}
	header.Set("Content-Type", bucket.JSONL)
	header.Set("Content-Length", strconv.FormatInt(f.bytes, 10))
	header.Set("Content-Disposition", attachment(f.name))
	if _, err := io.Copy(w, body); err != nil {
		panic(http.ErrAbortHandler) // the caller must not take what it has for the whole
	}
	return nil, nil
}

// followsLinks reports whether a client may be sent to S3. A key in a header of its own would go there with
// it, so that the AzureOpenAI classes follow no redirect (openai-node v7, azure.mjs); nor does OpenAI's Go
// library to another host (v3.96.0, requestconfig/origin.go).
func followsLinks(h http.Header) bool {
	return h.Get("Api-Key") == "" && h.Get("X-Stainless-Lang") != "go"
}
