package bucket

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
)

// Spool opens many writers at once: they keep what they have not sent in temporary files. Each writer has one
// file open, or none while it has nothing to send, and one more while a chunk is on its way.
type Spool struct {
	bucket *Bucket
	dir    string
	slots  chan struct{}
}

// NewSpool makes a Spool whose files are in a directory; "" is the system's. At most atOnce chunks are on their way
// at the same time: writers that grow alike would otherwise all send together, each on a connection of its own.
func (b *Bucket) NewSpool(dir string, atOnce int) *Spool {
	return &Spool{b, dir, make(chan struct{}, atOnce)}
}

// Create opens a writer.
func (s *Spool) Create(ctx context.Context, key string) *Writer {
	more := func() pending { return &inFile{dir: s.dir} }
	return &Writer{ctx: ctx, bucket: s.bucket, key: key, newPending: more, slots: s.slots, pending: more()}
}

// inFile is open only while it has something.
type inFile struct {
	dir    string
	file   *os.File      // nil until something is written
	buffer *bufio.Writer // of file
	size   int64         // bytes in both
}

func (f *inFile) Write(p []byte) (int, error) {
	if f.file == nil {
		if err := f.open(); err != nil {
			return 0, err
		}
	}
	n, err := f.buffer.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *inFile) open() error {
	file, err := os.CreateTemp(f.dir, "chunk-")
	if err != nil {
		return err
	}
	_ = os.Remove(file.Name()) // open files outlive their names
	f.file = file
	if f.buffer == nil {
		f.buffer = bufio.NewWriterSize(file, 32<<10)
	} else {
		f.buffer.Reset(file)
	}
	return nil
}

func (f *inFile) len() int64 { return f.size }

func (f *inFile) content() (io.ReadSeeker, error) {
	if f.file == nil {
		return bytes.NewReader(nil), nil
	}
	return io.NewSectionReader(f.file, 0, f.size), f.buffer.Flush()
}

func (f *inFile) reset() {
	f.close()
	f.size = 0
}

func (f *inFile) close() {
	if f.file != nil {
		_ = f.file.Close() // it has no name, so nothing of it is kept
		f.file = nil
	}
}
