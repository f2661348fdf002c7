package batchapi

import (
	"context"
	"net/http"
	"time"

	"aoai-bridge/shared/bucket"
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
	Status    string    `json:"status"`        // pending, completed or cancelled
	CreatedAt time.Time `json:"created_at"`
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

func (u *upload) object() *uploadObject {
	o := &uploadObject{
		ID: u.ID, Object: "upload", Bytes: u.Bytes, CreatedAt: u.CreatedAt.Unix(), ExpiresAt: u.CreatedAt.Add(uploadLife).Unix(),
		Filename: u.Filename, Purpose: purposeBatch, Status: u.Status,
	}
	if u.Status == "completed" {
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

func uploadKey(caller, id, name string) string { return uploadsPrefix + caller + id + "/" + name }

const uploadRecord = "upload.json"

func (a *API) save(ctx context.Context, caller string, u *upload) error {
	return a.store.Put(ctx, uploadKey(caller, u.ID, uploadRecord), u)
}

func (a *API) createUpload(_ http.ResponseWriter, r *http.Request) (any, error) {
	ctx, caller := of(r)
	var in struct {
		Purpose      string  `json:"purpose"`
		Filename     string  `json:"filename"`
		Bytes        *int64  `json:"bytes"`
		MIMEType     string  `json:"mime_type"`
		ExpiresAfter *expiry `json:"expires_after"`
	}
	if err := readJSON(r, &in); err != nil {
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
		return nil, missing("bytes")
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
		Status: "pending", CreatedAt: now.UTC(),
	}
	return u.object(), a.save(ctx, caller, u)
}

// findUpload returns an upload of the caller.
func (a *API) findUpload(ctx context.Context, caller, id string) (*upload, error) {
	u := &upload{}
	if !isID(uploadID, id) {
		return nil, notFound("upload_id", "upload", id)
	}
	found, err := a.store.Get(ctx, uploadKey(caller, id, uploadRecord), u)
	if err == nil && !found {
		err = notFound("upload_id", "upload", id)
	}
	return u, err
}

// pending returns an upload that may still be changed.
func (a *API) pending(ctx context.Context, caller, id string) (*upload, error) {
	u, err := a.findUpload(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if u.Status == "pending" && a.now().After(u.CreatedAt.Add(uploadLife)) {
		u.Status = "expired"
	}
	if u.Status != "pending" {
		return nil, openaierr.Invalid("upload_id", "upload_not_pending", "The upload %s is %s. Create another one.", u.ID, u.Status)
	}
	return u, nil
}

func (a *API) addPart(_ http.ResponseWriter, r *http.Request) (any, error) {
	ctx, caller := of(r)
	u, err := a.pending(ctx, caller, r.PathValue("id"))
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
	return part, a.store.PutBytes(ctx, uploadKey(caller, u.ID, id), "application/octet-stream", content)
}

// completeUpload makes the file of the parts. Said again, it answers the same.
func (a *API) completeUpload(_ http.ResponseWriter, r *http.Request) (any, error) {
	ctx, caller := of(r)
	var in struct {
		PartIDs []string `json:"part_ids"`
		MD5     string   `json:"md5"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	u, err := a.findUpload(ctx, caller, r.PathValue("id"))
	if err == nil && u.Status == "completed" {
		return u.object(), nil
	}
	if err == nil {
		u, err = a.pending(ctx, caller, u.ID)
	}
	if err != nil {
		return nil, err
	}
	keys, err := a.parts(ctx, caller, u, in.PartIDs)
	if err != nil {
		return nil, err
	}
	if err := a.jobs.Join(ctx, u.file().key(caller), keys, in.MD5); err != nil {
		return nil, err
	}
	u.Status = "completed"
	return u.object(), a.save(ctx, caller, u)
}

// parts finds the parts of an upload, in the caller's order.
func (a *API) parts(ctx context.Context, caller string, u *upload, ids []string) (keys []string, err error) {
	if len(ids) == 0 {
		return nil, missing("part_ids")
	}
	sizes := map[string]int64{}
	if err := a.store.List(ctx, uploadKey(caller, u.ID, ""), "", func(o bucket.Object) bool {
		sizes[o.Key] = o.Size
		return true
	}); err != nil {
		return nil, err
	}
	var sum int64
	for _, id := range ids {
		key := uploadKey(caller, u.ID, id)
		if _, there := sizes[key]; !there || !isID(partID, id) {
			return nil, openaierr.Invalid("part_ids", "invalid_value", "The upload %s has no part %.100q. Give the ids that adding the parts has answered with.", u.ID, id)
		}
		sum += sizes[key]
		keys = append(keys, key)
	}
	if sum != u.Bytes {
		return nil, openaierr.Invalid("part_ids", "invalid_value", "The parts have %d bytes together, and the upload was created for %d. Add what is missing, or create another upload.", sum, u.Bytes)
	}
	return keys, nil
}

func (a *API) cancelUpload(_ http.ResponseWriter, r *http.Request) (any, error) {
	ctx, caller := of(r)
	u, err := a.pending(ctx, caller, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	u.Status = "cancelled"
	return u.object(), a.save(ctx, caller, u)
}
