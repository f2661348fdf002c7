package batchapi

import (
	"context"
	"fmt"
	"mime"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// The purposes of files.
const (
	purposeBatch  = "batch"
	purposeOutput = "batch_output"
)

// file is an object of the bucket. All that is known of it is in its key and in S3's listing, so that
// listing files reads none of them.
type file struct {
	id      string
	purpose string
	name    string
	expires time.Duration // after it was made; 0 is never
	bytes   int64
	madeAt  time.Time
}

// fileObject is OpenAI's file object.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func (f *file) object() *fileObject {
	o := &fileObject{
		ID: f.id, Object: "file", Bytes: f.bytes, CreatedAt: f.madeAt.Unix(), Filename: f.name, Purpose: f.purpose, Status: "processed",
	}
	if f.expires > 0 {
		expiresAt := f.madeAt.Add(f.expires).Unix()
		o.ExpiresAt = &expiresAt
	}
	return o
}

// key is the file's in the folder of its caller.
func (f *file) key(folder string) string {
	return fmt.Sprintf("%s%s%s/%s/%d/%s", filesPrefix, folder, f.id, f.purpose, int64(f.expires.Seconds()), url.PathEscape(f.name))
}

// parseFile makes a file of an object that S3 lists in its caller's folder. ok is false if the object is no file.
func parseFile(folder string, o bucket.Object) (f *file, ok bool) {
	fields := strings.Split(strings.TrimPrefix(o.Key, filesPrefix+folder), "/")
	if len(fields) != 4 || !isID(fileID, fields[0]) {
		return nil, false
	}
	seconds, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, false
	}
	f = &file{id: fields[0], purpose: fields[1], expires: time.Duration(seconds) * time.Second, bytes: o.Size, madeAt: o.Modified}
	if f.purpose == purposeBatch {
		f.madeAt = madeAt(f.id) // as the answer to its create had it
	}
	f.name, err = url.PathUnescape(fields[3])
	return f, err == nil
}

func (f *file) expired(now time.Time) bool {
	return f.expires > 0 && now.After(f.madeAt.Add(f.expires))
}

// FileKey returns the key of a file that a caller has uploaded for batches, for whom only the bucket is at hand.
func FileKey(ctx context.Context, store *bucket.Bucket, caller, id string, now time.Time) (string, error) {
	folder := folderNamed(caller)
	f, err := findFile(ctx, store, folder, id, "file", now)
	if err != nil {
		return "", err
	}
	return f.key(folder), nil
}

// findFile returns a file of the caller. param is what named it.
func (a *API) findFile(ctx context.Context, folder, id, param string) (*file, error) {
	return findFile(ctx, a.store, folder, id, param, a.now())
}

func findFile(ctx context.Context, store *bucket.Bucket, folder, id, param string, now time.Time) (f *file, err error) {
	if isID(fileID, id) {
		err = store.List(ctx, filesPrefix+folder+id+"/", "", func(o bucket.Object) bool {
			f, _ = parseFile(folder, o)
			return false
		})
	}
	if err == nil && (f == nil || f.bytes == 0 || f.expired(now)) { // an output without a line counts as none
		err = notFound(param, "file", id)
	}
	return f, err
}

// maxName is what fits into a key of S3's 1,024 bytes, escaped.
const maxName = 200

// fileName is a name as given by a caller, without its folders.
func fileName(given string) (string, error) {
	name := path.Base(strings.ReplaceAll(given, `\`, "/"))
	switch {
	case given == "" || name == "." || name == ".." || name == "/":
		return "", openaiapi.Missing("filename", "")
	case len(name) > maxName:
		return "", openaierr.Invalid("filename", "invalid_value", "'filename' is %d bytes long, and %d are the most. Give the file a shorter name.", len(name), maxName)
	}
	return name, nil
}

// attachment is the Content-Disposition of a file.
func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}
