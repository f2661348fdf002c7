package source

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
)

// What is decompressed at most. A file of requests comes to a tenth of its size; zeros would come to a thousandth.
const (
	maxText  = 16 << 30 // bytes
	maxRatio = 200      // of the text to the file
	anyRatio = 1 << 20  // bytes of text for which the ratio does not matter
)

func isGzip(head []byte) bool { return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b }

// gunzip reads the text of a gzip file, which may have several members one after the other.
type gunzip struct {
	file *counted
	text *gzip.Reader // nil until the first Read
	size int64        // of the text so far
}

func newGunzip(file io.Reader) *gunzip { return &gunzip{file: &counted{from: file}} }

func (g *gunzip) Read(p []byte) (n int, err error) {
	if g.text == nil {
		if g.text, err = gzip.NewReader(bufio.NewReaderSize(g.file, 64<<10)); err != nil {
			return 0, g.failed(err)
		}
	}
	n, err = g.text.Read(p)
	g.size += int64(n)
	switch {
	case g.size > maxText:
		return n, &FormatError{codeTooLarge, fmt.Sprintf("The text of the gzip file is longer than %d GiB. Split it into several files.", maxText>>30)}
	case g.size > anyRatio && g.size > maxRatio*g.file.size:
		return n, &FormatError{codeTooLarge, fmt.Sprintf("The gzip file expands to more than %d times its size, which no file of requests does. Put it there decompressed if it is one.", maxRatio)}
	case err != nil && err != io.EOF:
		return n, g.failed(err)
	}
	return n, err
}

// failed tells a file that is damaged from one that cannot be read.
func (g *gunzip) failed(err error) error {
	if g.file.err != nil {
		return g.file.err
	}
	return &FormatError{codeGzip, fmt.Sprintf("The gzip file is damaged or incomplete (%v) after %d bytes of text. Compress it again, or put it there decompressed.", err, g.size)}
}

// counted counts what is read of a file.
type counted struct {
	from io.Reader
	size int64
	err  error // why it cannot be read on
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.size += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
