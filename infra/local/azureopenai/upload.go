package azureopenai

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// upload is the form of POST files, read.
type upload struct {
	purpose, name   string
	seconds, anchor string   // of expires_after
	content         *os.File // nil: there was no file
	bytes           int64
}

// readUpload reads the whole form, whatever is wrong with it, so that a client can read the refusal. The
// content is the caller's to close, even beside an error.
func (x *exchange) readUpload() (u upload, err error) {
	mediaType, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	body := io.Reader(x.r.Body)
	if x.fault.kind == "cut-upload" {
		body = &cutReader{body, x.cutUploadAfter()}
		defer func() {
			if p := recover(); p != nil {
				if u.content != nil {
					_ = u.content.Close()
					_ = os.Remove(u.content.Name())
				}
				panic(p)
			}
		}()
	}
	defer func() { _, _ = io.Copy(io.Discard, body) }()
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return u, errMultipart
	}
	form := multipart.NewReader(body, params["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, errMultipart
		}
		if err := x.readPart(&u, part); err != nil {
			return u, err
		}
	}
}

func (x *exchange) readPart(u *upload, part *multipart.Part) (err error) {
	if part.FormName() == "file" && u.content == nil {
		if u.content, err = x.server.files.spool(); err != nil {
			return internalFailure(err)
		}
		u.name = filepath.Base(part.FileName())
		if u.bytes, err = io.Copy(u.content, io.LimitReader(part, maxFileBytes+1)); err != nil {
			return errMultipart
		}
		return nil // what goes beyond the limit is skipped by the next part
	}
	const longest = 1024
	value, err := io.ReadAll(io.LimitReader(part, longest))
	if err != nil {
		return errMultipart
	}
	switch part.FormName() {
	case "purpose":
		u.purpose = string(value)
	case "expires_after[seconds]", "expires_after.seconds": // as SDKs send it, and as the REST reference has it
		u.seconds = string(value)
	case "expires_after[anchor]", "expires_after.anchor":
		u.anchor = string(value)
	}
	return nil
}

// check says how long the file lives, 0 for ever; its error is the refusal.
func (u *upload) check() (time.Duration, error) {
	switch {
	case u.purpose != purposeBatch: // Azure takes others, for APIs that are not emulated
		return 0, errPurpose
	case u.content == nil:
		return 0, errNoFile
	case filepath.Ext(u.name) != ".jsonl":
		return 0, errSuffix
	case u.bytes > maxFileBytes:
		return 0, errFileTooLarge
	}
	var seconds int64
	if u.seconds != "" {
		var err error
		if seconds, err = strconv.ParseInt(u.seconds, 10, 64); err != nil || seconds == 0 {
			return 0, errExpiry
		}
	}
	return lifetime(seconds, u.anchor)
}

// cutUploadAfter is how many bytes of the request's body are read before the connection is closed.
func (x *exchange) cutUploadAfter() int64 {
	if x.fault.after >= 0 {
		return int64(x.fault.after)
	}
	return max(x.r.ContentLength, 0) / 2
}

// cutReader closes the connection once so many bytes were read.
type cutReader struct {
	io.Reader
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		panic(http.ErrAbortHandler)
	}
	n, err := c.Reader.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
