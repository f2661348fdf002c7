package s3

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/rclone/gofakes3"
)

// inMemory is the largest body that is kept in memory, in bytes.
const inMemory = 16 << 10

// A piece is bytes that never change: an object's body, or a part of it. Its file has no name any
// more, unless there is a disk, so that what is not referred to is gone, as is everything when the process ends, however it
// does: the garbage collector closes an *os.File.
type piece struct {
	memory []byte
	path   string // of a file that has a name; "" where it has none, or there is none
	size   int64
	md5    [md5.Size]byte

	opening sync.Once
	file    *os.File // nil: all is in memory, or the file at path has not been opened
	failed  error    // why not
}

// storeBody reads a body to its end; its length must be size, if that is not negative.
func (s *Store) storeBody(body io.Reader, size int64) (*piece, error) {
	hash := md5.New()
	body = io.TeeReader(body, hash)
	var head bytes.Buffer
	n, err := io.CopyN(&head, body, inMemory+1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	p := &piece{memory: head.Bytes(), size: n}
	switch {
	case n <= inMemory:
		err = nil
	case s.disk != nil:
		err = s.disk.keep(p, body)
	default:
		err = p.spool(s.options.Dir, body)
	}
	if err != nil {
		return nil, err
	}
	if size >= 0 && p.size != size {
		return nil, gofakes3.ErrIncompleteBody
	}
	hash.Sum(p.md5[:0])
	return p, nil
}

// spool moves p to a file and adds what is left of the body.
func (p *piece) spool(dir string, rest io.Reader) error {
	file, err := os.CreateTemp(dir, "s3-*")
	if err != nil {
		return err
	}
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("unlinking %s: %w", file.Name(), err)
	}
	if _, err := file.Write(p.memory); err != nil {
		return err
	}
	n, err := io.Copy(file, rest)
	p.memory, p.file, p.size = nil, file, p.size+n
	return err
}

// section reads a part of p.
func (p *piece) section(start, length int64) io.Reader {
	if p.path != "" {
		p.opening.Do(func() { p.file, p.failed = os.Open(p.path) })
	}
	switch {
	case p.failed != nil:
		return errorReader{p.failed}
	case p.file == nil:
		return bytes.NewReader(p.memory[start : start+length])
	}
	return io.NewSectionReader(p.file, start, length)
}

// readPieces reads length bytes from start on, across pieces.
func readPieces(pieces []*piece, start, length int64) io.Reader {
	var readers []io.Reader
	for _, p := range pieces {
		if start >= p.size {
			start -= p.size
			continue
		}
		n := min(p.size-start, length)
		if n == 0 {
			break
		}
		readers = append(readers, p.section(start, n))
		start, length = 0, length-n
	}
	return io.MultiReader(readers...)
}
