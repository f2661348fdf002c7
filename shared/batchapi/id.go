package batchapi

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/openaiapi"
)

// The prefixes of ids.
const (
	fileID   = "file-"
	uploadID = "upload_"
	partID   = "part_"
	batchID  = "batch_"
)

// newest is the time, in milliseconds, from which ids count down: the bucket lists the newest first.
const newest = 1<<48 - 1

// newID makes an id of 12 hex digits for the time and 20 that cannot be guessed.
func newID(prefix string, now time.Time) string {
	var secret [10]byte
	_, _ = rand.Read(secret[:]) // never fails
	return fmt.Sprintf("%s%012x%x", prefix, newest-now.UnixMilli(), secret)
}

// isID reports whether newID makes such ids.
func isID(prefix, id string) bool {
	digits, ok := strings.CutPrefix(id, prefix)
	_, err := hex.DecodeString(digits)
	return ok && len(digits) == 32 && err == nil
}

// madeAt is when an id was made.
func madeAt(id string) time.Time {
	digits := id[len(id)-32:]
	left, _ := strconv.ParseInt(digits[:12], 16, 64) // isID has checked it
	return time.UnixMilli(newest - left)
}

// folderOf returns the folder, below each of the API's prefixes, of the caller that sends a request.
func folderOf(r *openaiapi.Request) string { return folderNamed(r.Caller.Name) }

func folderNamed(caller string) string { return url.PathEscape(caller) + "/" }

// Where things are in the bucket.
const (
	filesPrefix   = "api/files/"   // <caller>/<id>/<purpose>/<seconds until it expires>/<name>
	uploadsPrefix = "api/uploads/" // <caller>/<id>/upload.json and <caller>/<id>/<part's id>
	batchesPrefix = "api/batches/" // <caller>/<id>/batch.json and <caller>/<id>/summary.json
	createsPrefix = "api/creates/" // <caller>/<hash>.json: which batch a create has made
)
