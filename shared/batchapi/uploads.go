package batchapi

import (
	"context"
	"net/http"
	"time"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

const (
	// uploadLife is how long an upload waits for its parts.
	uploadLife = 24 * time.Hour

	// maxUpload is the largest file, in bytes; OpenAI's API reference has the same.
	maxUpload = 8 << 30
)

// upload is the record of a file that comes in parts.
type upload struct {
	ID        string    `json:"id"`
	File      string    `json:"file_id"` // that it becomes
	Filename  string    `json:"filename"`
	Bytes     int64     `json:"bytes"`
	Expires   int64     `json:"expires_after"` // seconds, of the file
	CreatedAt time.Time `json:"created_at"`

	end uploadEnding
	now time.Time
}

// uploadObject is OpenAI's upload object.
type uploadObject struct {
	ID        string      `json:"id"`
	Object    string      `json:"object"`
	Bytes     int64       `json:"bytes"`
	CreatedAt int64       `json:"created_at"`
	ExpiresAt int64       `json:"expires_at"`
	Filename  string      `json:"filename"`
	Purpose   string      `json:"purpose"`
	Status    string      `json:"status"`
	File      *fileObject `json:"file"`
}

// status is pending until the upload has ended, or was left alone for too long.
func (u *upload) status() string {
	switch {
	case u.end.Status != "":
		return u.end.Status
	case u.now.After(u.CreatedAt.Add(uploadLife)):
		return "expired"
	}
	return "pending"
}

func (u *upload) object() *uploadObject {
	o := &uploadObject{
		ID: u.ID, Object: "upload", Bytes: u.Bytes, CreatedAt: u.CreatedAt.Unix(), ExpiresAt: u.CreatedAt.Add(uploadLife).Unix(),
		Filename: u.Filename, Purpose: purposeBatch, Status: u.status(),
	}
	if o.Status == completed {
		o.File = u.file().object()
	}
	return o
}

func (u *upload) file() *file {
	return &file{
		id: u.File, purpose: purposeBatch, name: u.Filename, expires: time.Duration(u.Expires) * time.Second,
		bytes: u.Bytes, madeAt: madeAt(u.File),
	}
}

func uploadKey(folder, id, name string) string { return uploadsPrefix + folder + id + "/" + name }

// The records of an upload, beside its parts.
const (
	uploadRecord = "upload.json"
	uploadEnd    = "end.json"
)

func (a *API) createUpload(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	var in struct {
		Purpose      string  `json:"purpose"`
		Filename     string  `json:"filename"`
		Bytes        *int64  `json:"bytes"`
		MIMEType     string  `json:"mime_type"`
		ExpiresAfter *expiry `json:"expires_after"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if err := checkPurpose(in.Purpose); err != nil {
		return nil, err
	}
	name, err := fileName(in.Filename)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Bytes == nil:
		return nil, openaiapi.Missing("bytes", "")
	case *in.Bytes < 1 || *in.Bytes > maxUpload:
		return nil, openaierr.Invalid("bytes", "invalid_value", "'bytes' is %d, want the size of the whole file, from 1 to %d.", *in.Bytes, int64(maxUpload))
	}
	seconds, err := in.ExpiresAfter.check("expires_after")
	if err != nil {
		return nil, err
	}
	now := a.now()
	u := &upload{
		ID: newID(uploadID, now), File: newID(fileID, now), Filename: name, Bytes: *in.Bytes, Expires: seconds,
		CreatedAt: now.UTC(), now: now,
	}
	return u.object(), a.store.Put(ctx, uploadKey(folder, u.ID, uploadRecord), u)
}

// findUpload returns an upload of the caller.
func (a *API) findUpload(ctx context.Context, folder, id string) (*upload, error) {
	u := &upload{now: a.now()}
	if !isID(uploadID, id) {
		return nil, notFound("upload_id", "upload", id)
	}
	found, err := a.store.Get(ctx, uploadKey(folder, id, uploadRecord), u)
	if err == nil && !found {
		err = notFound("upload_id", "upload", id)
	}
	if err == nil {
		_, err = a.store.Get(ctx, uploadKey(folder, id, uploadEnd), &u.end)
	}
	return u, err
}

// findPending returns an upload that may still be changed.
func (a *API) findPending(ctx context.Context, folder, id string) (*upload, error) {
	u, err := a.findUpload(ctx, folder, id)
	if err == nil && u.status() != "pending" {
		err = notPending(u)
	}
	return u, err
}

func notPending(u *upload) error {
	return openaierr.Invalid("upload_id", "upload_not_pending", "The upload %s is %s. Create another one.", u.ID, u.status())
}

func (a *API) addPart(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	u, err := a.findPending(ctx, folder, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f, err := readForm(r)
	if err != nil {
		return nil, err
	}
	content, _, err := f.file("data")
	if err != nil {
		return nil, err
	}
	now := a.now()
	id := newID(partID, now)
	part := map[string]any{"id": id, "object": "upload.part", "created_at": now.Unix(), "upload_id": u.ID}
	return part, a.store.PutBytes(ctx, uploadKey(folder, u.ID, id), "application/octet-stream", content)
}
