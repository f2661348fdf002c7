// Package source reads a file of requests as text: it recognises by the first bytes what a file is, reads gzip as what
// was compressed, and says of any other format what it is and what to do. It does not know lines, or jobs.
package source

import (
	"bytes"
	"fmt"
	"io"

	"aoai-bridge/shared/bucket"
)

// Text is the text of a file in a bucket. Its offsets are those of the text: of a compressed file what is before an
// offset is decompressed and passed over.
type Text struct {
	raw    *bucket.Reader
	offset int64     // to begin at
	text   io.Reader // nil until the first Read
}

// Open reads the text of a file from an offset on. raw is at the file's beginning; closing the Text closes it. A Read
// fails with a FormatError where the file cannot be read as text, and with bucket.ErrBeyondEnd where the text ends before
// the offset.
func Open(raw *bucket.Reader, offset int64) *Text { return &Text{raw: raw, offset: offset} }

func (t *Text) Read(p []byte) (int, error) {
	if t.text == nil {
		text, err := t.begin()
		if err != nil {
			return 0, err
		}
		t.text = text
	}
	return t.text.Read(p)
}

// Close ends the download.
func (t *Text) Close() error { return t.raw.Close() }

// headSize is how much of a file is looked at to recognise it, in bytes.
const headSize = 64 << 10

func (t *Text) begin() (io.Reader, error) {
	head, err := readHead(t.raw)
	if err != nil {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head), t.raw)
	if isGzip(head) {
		return t.beginGzip(newGunzip(whole))
	}
	if t.offset > 0 {
		t.raw.From(t.offset)
		return t.raw, nil
	}
	return whole, check(head)
}

func (t *Text) beginGzip(text io.Reader) (io.Reader, error) {
	if t.offset == 0 {
		return recognise(text)
	}
	skipped, err := io.CopyN(io.Discard, text, t.offset)
	if err == io.EOF {
		err = fmt.Errorf("the text of a compressed file has %d bytes: %w", skipped, bucket.ErrBeyondEnd)
	}
	return text, err
}

// Plain reads the text of a file that is at hand. It fails as Text does.
func Plain(file io.Reader) (io.Reader, error) {
	head, err := readHead(file)
	if err != nil {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head), file)
	if isGzip(head) {
		return recognise(newGunzip(whole))
	}
	return whole, check(head)
}

// recognise checks what has been decompressed.
func recognise(text io.Reader) (io.Reader, error) {
	head, err := readHead(text)
	if err != nil {
		return nil, err
	}
	return io.MultiReader(bytes.NewReader(head), text), check(head)
}

// readHead reads the beginning of a file, all of it if it is short.
func readHead(file io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(file, headSize))
}
