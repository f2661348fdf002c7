// Package failures accounts for the lines of a job that failed: it counts them by their codes, and copies their requests
// out of the job's source into a file that can be dropped again. It does not decide which lines failed.
package failures

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/source"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// maxCodes is how many codes of failures a summary names. The lines of any others are counted together, as otherCodes.
const (
	maxCodes   = 50
	otherCodes = "other"
)

// Account is of the lines of one job.
type Account struct {
	Codes map[string]int // lines by code; nil if none failed
	First string         // the message of the first one

	requests *requestCopy // nil where none is made
	tree     rawjson.Tree
}

// New opens the account of a job, whose requests are copied to its FailedKey.
func New(ctx context.Context, store *bucket.Bucket, j *job.Job) *Account {
	a := &Account{}
	if key := j.FailedKey(); key != "" {
		a.requests = &requestCopy{ctx: ctx, store: store, job: j, key: key}
	}
	return a
}

// Add takes a line of the results that failed. Numbers grow from call to call.
func (a *Account) Add(number int, line []byte) error {
	code, message := jsonl.FailureOf(&a.tree, line)
	if a.Codes == nil {
		a.Codes, a.First = map[string]int{}, strings.Clone(message)
	}
	if _, known := a.Codes[code]; !known && len(a.Codes) >= maxCodes {
		code = otherCodes
	}
	a.Codes[code]++
	if a.requests == nil {
		return nil
	}
	return a.requests.add(number)
}

// Commit makes the copy appear and returns where it is, or why there is none; both are "" if there is nothing to copy.
func (a *Account) Commit() (location, missing string, err error) {
	if a.requests == nil || a.Codes == nil {
		return "", "", nil
	}
	return a.requests.commit()
}

// Abandon gives up what was not committed.
func (a *Account) Abandon() {
	if a.requests != nil {
		a.requests.abandon()
	}
}

// requestCopy is a file of lines of a job's source, as they stand there.
type requestCopy struct {
	ctx   context.Context
	store *bucket.Bucket
	job   *job.Job
	key   string

	lines   *jsonl.Picker // nil until there is a line to copy
	source  *watched
	out     *bucket.Writer
	missing string // why the source cannot be read
}

// watched remembers why a reader failed.
type watched struct {
	io.ReadCloser
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// add copies a line. That the source cannot be read any more is no error: the results do not need it.
func (c *requestCopy) add(number int) error {
	if c.missing != "" {
		return nil
	}
	if c.lines == nil {
		j := c.job
		c.source = &watched{ReadCloser: source.Open(c.store.OpenVersion(c.ctx, j.Key, j.VersionID, j.ETag, 0), 0)}
		c.lines, c.out = jsonl.NewPicker(c.source), c.store.Create(c.ctx, c.key, map[string]string{"job": j.ID})
	}
	err := c.lines.Copy(c.out, number)
	if c.source.err == nil && !errors.Is(err, io.ErrUnexpectedEOF) || c.ctx.Err() != nil {
		return err
	}
	c.missing = "The lines that failed cannot be copied: " + reasonOf(c.source.err)
	c.abandon()
	return nil
}

// reasonOf says why a source cannot be read again.
func reasonOf(err error) string {
	if bad, ok := errors.AsType[*source.FormatError](err); ok {
		return bad.Message
	}
	switch status := bucket.Status(err); {
	case status == http.StatusNotFound || status == http.StatusPreconditionFailed:
		return "the source, or its version, was deleted or replaced meanwhile."
	case status == http.StatusForbidden:
		return "the function may not read the source any more."
	case err == nil:
		return "the source has fewer lines than it had."
	}
	return "the source cannot be read (" + openaierr.From(err).Code + ")."
}

func (c *requestCopy) commit() (location, missing string, err error) {
	if c.missing != "" {
		return "", c.missing, nil
	}
	_ = c.source.Close() // what was read of it is all that counts
	return c.job.URL(c.key), "", c.out.Commit()
}

func (c *requestCopy) abandon() {
	if c.out != nil {
		_ = c.source.Close()
		c.out.Abandon()
	}
}
