package batch

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// chunk is how much of an object is sent at once, in bytes. S3 takes 10,000 pieces, of 5 MiB or more.
const chunk = 8 << 20

// writer writes an object of any size. It appears with commit, whole. While a chunk is on its way the
// next one is filled.
type writer struct {
	ctx      context.Context
	store    *store
	key      string
	metadata map[string]string
	more     func() (pending, error)
	pending  pending
	sending  pending    // on its way, or empty; nil until the first chunk is full
	sent     chan error // of what is on its way; nil if nothing is
	size     int64      // bytes written in all
	upload   string     // id of the multipart upload; "" until there is one
	parts    []types.CompletedPart
	done     bool  // committed
	err      error // why a chunk did not arrive; nothing can be committed after that
}

// pending keeps what has not been sent yet.
type pending interface {
	io.Writer
	len() int64
	content() (io.ReadSeeker, error) // of all that is pending
	reset() error
	close()
}

// create opens a writer that keeps a chunk or two in memory.
func (s *store) create(ctx context.Context, key string, metadata map[string]string) *writer {
	more := func() (pending, error) { return &inMemory{}, nil }
	return &writer{ctx: ctx, store: s, key: key, metadata: metadata, more: more, pending: &inMemory{}}
}

// createSpooled opens one that keeps them in temporary files, for when there are many of them.
func (s *store) createSpooled(ctx context.Context, key string) (*writer, error) {
	more := func() (pending, error) {
		file, err := os.CreateTemp(s.temp, "batch-")
		if err != nil {
			return nil, err
		}
		_ = os.Remove(file.Name()) // open files outlive their names
		return &inFile{file: file, buffer: bufio.NewWriterSize(file, 32<<10)}, nil
	}
	first, err := more()
	if err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, store: s, key: key, more: more, pending: first}, nil
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.pending.Write(p)
	w.size += int64(n)
	if err == nil && w.pending.len() >= chunk {
		err = w.send()
	}
	return n, err
}

// send puts a chunk on its way, once the one before has arrived.
func (w *writer) send() error {
	if err := w.arrive(); err != nil {
		return err
	}
	if w.upload == "" {
		out, err := w.store.s3.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{
			Bucket: &w.store.bucket, Key: &w.key, Metadata: w.metadata, ContentType: aws.String("application/jsonl"),
		})
		if err != nil {
			return err
		}
		w.upload = *out.UploadId
		if w.sending, err = w.more(); err != nil {
			return err
		}
	}
	w.pending, w.sending = w.sending, w.pending
	w.sent = make(chan error, 1)
	go func() { w.sent <- w.sendPart() }()
	return nil
}

func (w *writer) sendPart() error {
	body, err := w.sending.content()
	if err != nil {
		return err
	}
	number := aws.Int32(int32(len(w.parts) + 1))
	out, err := w.store.s3.UploadPart(w.ctx, &s3.UploadPartInput{
		Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload, PartNumber: number,
		Body: body, ContentLength: aws.Int64(w.sending.len()),
	})
	if err != nil {
		return err
	}
	w.parts = append(w.parts, types.CompletedPart{
		PartNumber: number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
	})
	return w.sending.reset()
}

// arrive waits for the chunk that is on its way.
func (w *writer) arrive() error {
	if w.sent == nil {
		return w.err
	}
	w.err = <-w.sent
	w.sent = nil
	return w.err
}

// commit makes the object appear.
func (w *writer) commit() error {
	defer w.close()
	if w.upload == "" {
		body, err := w.pending.content()
		if err != nil {
			return err
		}
		_, err = w.store.s3.PutObject(w.ctx, &s3.PutObjectInput{
			Bucket: &w.store.bucket, Key: &w.key, Body: body, ContentLength: aws.Int64(w.pending.len()),
			Metadata: w.metadata, ContentType: aws.String("application/jsonl"),
		})
		w.done = err == nil
		return err
	}
	if w.pending.len() > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	if err := w.arrive(); err != nil {
		return err
	}
	_, err := w.store.s3.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts},
	})
	w.done = err == nil
	return err
}

// abandon gives up what was written, if it was not committed.
func (w *writer) abandon() {
	_ = w.arrive() // nobody wants it any more
	w.close()
	if w.upload != "" && !w.done {
		// The bucket's lifecycle removes the upload should this fail.
		_, _ = w.store.s3.AbortMultipartUpload(context.WithoutCancel(w.ctx), &s3.AbortMultipartUploadInput{
			Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload,
		})
	}
}

func (w *writer) close() {
	w.pending.close()
	if w.sending != nil {
		w.sending.close()
	}
}

type inMemory struct{ bytes.Buffer }

func (m *inMemory) len() int64                      { return int64(m.Len()) }
func (m *inMemory) content() (io.ReadSeeker, error) { return bytes.NewReader(m.Bytes()), nil }
func (m *inMemory) reset() error                    { m.Reset(); return nil }
func (m *inMemory) close()                          {} // the collector takes it

type inFile struct {
	file   *os.File
	buffer *bufio.Writer // of file
	size   int64         // bytes in both
}

func (f *inFile) Write(p []byte) (int, error) {
	n, err := f.buffer.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *inFile) len() int64 { return f.size }
func (f *inFile) close()     { _ = f.file.Close() } // closed already after a commit

func (f *inFile) content() (io.ReadSeeker, error) {
	return io.NewSectionReader(f.file, 0, f.size), f.buffer.Flush()
}

func (f *inFile) reset() error {
	f.size = 0
	if err := f.file.Truncate(0); err != nil {
		return err
	}
	_, err := f.file.Seek(0, io.SeekStart)
	return err
}
