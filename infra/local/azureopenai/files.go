package azureopenai

import (
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	purposeBatch       = "batch"
	purposeBatchOutput = "batch_output"
)

// Errors of the files and batches APIs have this form and one of the codes that the REST specification
// of 2024-10-21 lists. The two messages below with a source were seen on Azure; others are unverified.
func platformError(status int, code, message string) *apiError {
	return literal(status, `{"error":{"code":`+quote(code)+`,"message":`+quote(message)+`}}`)
}

func invalidPayload(message string) *apiError {
	return platformError(http.StatusBadRequest, "invalidPayload", message)
}

var (
	errPurpose            = invalidPayload("Invalid value for purpose.")                                                                                // BerriAI/litellm#6582
	errFilesWithoutExpiry = platformError(http.StatusBadRequest, "quotaExceeded", "The quota for files without expiry is reached. The maximum is 500.") // Azure/azure-sdk-for-java#47401
	errFilesWithExpiry    = platformError(http.StatusBadRequest, "quotaExceeded", "The quota for files with expiry is reached. The maximum is 10000.")
	errNoFile             = invalidPayload("The file is missing.")
	errSuffix             = invalidPayload("fileName contains an invalid filename: wrong suffix.") // Azure-Samples AI-in-a-Box#46, of a fine-tuning file
	errFileTooLarge       = invalidPayload("The file is larger than the maximum of 200 MB.")
	errMultipart          = invalidPayload("The request's body is no valid multipart form.")
	errExpiry             = invalidPayload("expires_after must have the anchor created_at and from 1209600 to 2592000 seconds.")
)

func internalFailure(err error) *apiError {
	return platformError(http.StatusInternalServerError, "internalFailure", err.Error())
}

func noFile(id string) *apiError {
	return platformError(http.StatusNotFound, "notFound", "File with id '"+id+"' not found.")
}

// uploadFile answers POST files. The content goes to disk as it comes.
func (x *exchange) uploadFile() error {
	u, err := x.readUpload()
	if u.content != nil {
		defer u.content.Close()
	}
	if err == nil {
		err = x.keepUpload(u)
	}
	if err != nil && u.content != nil {
		_ = os.Remove(u.content.Name())
	}
	return err
}

func (x *exchange) keepUpload(u upload) error {
	life, err := u.check()
	if err != nil {
		return err
	}
	f := &storedFile{id: "file-" + strings.ReplaceAll(x.server.uuid(), "-", ""), name: u.name, purpose: u.purpose, bytes: u.bytes,
		path: u.content.Name(), created: x.start, ready: x.start.Add(x.server.pace.Load().Processing)}
	f.stored = x.server.options.Now()
	if life > 0 {
		f.expires = x.start.Add(life)
	}
	if err := x.server.files.put(f); err != nil {
		return err
	}
	status := http.StatusOK
	if x.route.family != familyV1 { // so the REST specification of 2024-10-21
		status = http.StatusCreated
		x.w.Header().Set("Location", "http://"+x.r.Host+x.r.URL.Path+"/"+f.id+"?"+x.r.URL.RawQuery)
	}
	_ = x.sendJSON(status, encode(f.object(x.start))) // the file stays though the client may be gone
	return nil
}

// listFiles answers GET files, newest first. The REST specification of 2024-10-21 has no pages here, but
// OpenAI's libraries ask for the next one until there is none, whatever the path.
func (x *exchange) listFiles() error {
	query := x.r.URL.Query()
	page, err := pageOf(rawItems(x.server.files.list(x.start, x.listedBefore(), query.Get("purpose"))), query, 10000) // default and most are OpenAI's
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusOK, encode(page))
}

// getFile answers GET files/{id}.
func (x *exchange) getFile() error {
	f, ok := x.server.files.find(x.route.id, x.start)
	if !ok {
		return noFile(x.route.id)
	}
	return x.sendJSON(http.StatusOK, encode(f.object(x.start)))
}

// deleteFile answers DELETE files/{id}.
func (x *exchange) deleteFile() error {
	if !x.server.files.remove(x.route.id) {
		return noFile(x.route.id)
	}
	return x.sendJSON(http.StatusOK, []byte(`{"id":`+quote(x.route.id)+`,"object":"file","deleted":true}`))
}

// getFileContent answers GET files/{id}/content.
func (x *exchange) getFileContent() error {
	f, content, ok := x.server.files.open(x.route.id, x.start)
	if !ok {
		return noFile(x.route.id)
	}
	defer content.Close()
	return x.sendFile(content, f.bytes)
}

// sendFile is send for content that is not held in memory.
func (x *exchange) sendFile(content io.Reader, size int64) error {
	x.setServiceTime()
	part, length := size, size
	if x.fault.strikesWhole() {
		part = size / 2
		if x.fault.after >= 0 {
			part = min(int64(x.fault.after), size)
		}
		if x.fault.kind == "partial" {
			length = part
		}
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", itoa(int(length)))
	x.begin(http.StatusOK)
	n, err := io.CopyN(x.w, content, part)
	x.record.Bytes += n
	if err != nil {
		return err
	}
	if x.fault.strikesWhole() {
		x.flush()
		return x.breakOff()
	}
	x.complete = true
	return nil
}

// lifetime reads expires_after; nothing at all is no end.
func lifetime(seconds int64, anchor string) (time.Duration, error) {
	switch {
	case seconds == 0 && anchor == "":
		return 0, nil
	case anchor != "created_at" || seconds < minExpiry || seconds > maxExpiry:
		return 0, errExpiry
	}
	return time.Duration(seconds) * time.Second, nil
}
