package batchapi

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// uploadEnding is the record of how an upload has ended. Calls to complete and to cancel may come at the same
// time: the first that writes it decides.
type uploadEnding struct {
	Status  string   `json:"status"`             // completed or cancelled; "" where there is no record
	PartIDs []string `json:"part_ids,omitempty"` // that make the file, in order
	Made    bool     `json:"made"`               // the file has been made; its owner may have deleted it since
}

const (
	completed = "completed"
	cancelled = "cancelled"
)

// completion is a body of POST /uploads/{id}/complete.
type completion struct {
	PartIDs []string `json:"part_ids"`
	MD5     string   `json:"md5"`
}

// completeUpload makes the file of the parts. Repeated, it answers the same.
func (a *API) completeUpload(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	in := &completion{}
	if err := r.Decode(in); err != nil {
		return nil, err
	}
	u, err := a.complete(ctx, folder, r.PathValue("id"), in)
	if err != nil {
		return nil, err
	}
	return u.object(), nil
}

func (a *API) complete(ctx context.Context, folder, id string, in *completion) (*upload, error) {
	u, err := a.findUpload(ctx, folder, id)
	switch {
	case err != nil:
		return nil, err
	case u.end.Made:
		return u, nil
	case u.end.Status == completed: // by a call that is under way, or was cut off: what it began is done
		in = &completion{PartIDs: u.end.PartIDs}
	case u.status() != "pending":
		return nil, notPending(u)
	}
	keys, err := a.partKeys(ctx, folder, u, in.PartIDs)
	if err != nil {
		return nil, err
	}
	file, err := a.joinParts(ctx, u.file().key(folder), keys, in.MD5)
	if err != nil {
		return nil, err
	}
	defer file.Abandon()
	if u.end.Status == "" {
		u.end = uploadEnding{Status: completed, PartIDs: in.PartIDs}
		won, err := a.store.Claim(ctx, uploadKey(folder, id, uploadEnd), &u.end)
		if err != nil {
			return nil, err
		}
		if !won {
			return a.complete(ctx, folder, id, in)
		}
	}
	if err := file.Commit(); err != nil {
		return nil, err
	}
	u.end.Made = true
	return u, a.store.Put(ctx, uploadKey(folder, id, uploadEnd), &u.end)
}

// joinParts puts the parts of a file together; it is there once the writer is committed. sum is the MD5 that it
// has to have, in hex; "" is any. S3 itself joins no parts below 5 MiB, except as the last.
func (a *API) joinParts(ctx context.Context, key string, parts []string, sum string) (*bucket.Writer, error) {
	out, hash := a.store.Create(ctx, key, nil), md5.New()
	both := io.MultiWriter(out, hash)
	for _, part := range parts {
		in := a.store.Open(ctx, part)
		_, err := io.Copy(both, in)
		in.Close()
		if err != nil {
			out.Abandon()
			return nil, err
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); sum != "" && !strings.EqualFold(got, sum) {
		out.Abandon()
		return nil, openaierr.Invalid("md5", "checksum_mismatch", "The MD5 of the parts put together is %s, not the given one. Check the parts and their order.", got)
	}
	return out, nil
}

// partKeys finds the parts of an upload, in the caller's order.
func (a *API) partKeys(ctx context.Context, folder string, u *upload, ids []string) (keys []string, err error) {
	if len(ids) == 0 {
		return nil, openaiapi.Missing("part_ids", "")
	}
	sizes := map[string]int64{}
	if err := a.store.List(ctx, uploadKey(folder, u.ID, ""), "", func(o bucket.Object) bool {
		sizes[o.Key] = o.Size
		return true
	}); err != nil {
		return nil, err
	}
	var sum int64
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] { // else a file of any size could be made of one part
			return nil, openaierr.Invalid("part_ids", "invalid_value", "'part_ids' names %.100q more than once. Give each part once, in the file's order.", id)
		}
		seen[id] = true
		key := uploadKey(folder, u.ID, id)
		if _, found := sizes[key]; !found || !isID(partID, id) {
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

// cancelUpload ends an upload that will not be completed.
func (a *API) cancelUpload(_ http.ResponseWriter, r *openaiapi.Request) (any, error) {
	ctx, folder := r.Context(), folderOf(r)
	u, err := a.findPending(ctx, folder, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	won, err := a.store.Claim(ctx, uploadKey(folder, u.ID, uploadEnd), uploadEnding{Status: cancelled})
	if err == nil && !won {
		u, err = a.findUpload(ctx, folder, u.ID)
	}
	switch {
	case err != nil:
		return nil, err
	case won:
		u.end.Status = cancelled
	case u.end.Status != cancelled: // which may be our own record, whose answer was lost
		return nil, notPending(u)
	}
	return u.object(), nil
}
