package bucket

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

// Writer writes a file of lines of any size. It appears with Commit, whole. While a chunk is on its way the
// next one is filled.
type Writer struct {
	ctx      context.Context
	bucket   *Bucket
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

// Create opens a writer that keeps a chunk or two in memory.
func (b *Bucket) Create(ctx context.Context, key string, metadata map[string]string) *Writer {
	more := func() (pending, error) { return &inMemory{}, nil }
	return &Writer{ctx: ctx, bucket: b, key: key, metadata: metadata, more: more, pending: &inMemory{}}
}

// CreateSpooled opens one that keeps them in temporary files, for when there are many of them. An empty dir
// is the system's.
func (b *Bucket) CreateSpooled(ctx context.Context, key, dir string) (*Writer, error) {
	more := func() (pending, error) {
		file, err := os.CreateTemp(dir, "chunk-")
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
	return &Writer{ctx: ctx, bucket: b, key: key, more: more, pending: first}, nil
}

func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.pending.Write(p)
	w.size += int64(n)
	if err == nil && w.pending.len() >= chunk {
		err = w.send()
	}
	return n, err
}

// Size is how many bytes have been written.
func (w *Writer) Size() int64 { return w.size }

// send puts a chunk on its way, once the one before has arrived.
func (w *Writer) send() error {
	if err := w.arrive(); err != nil {
		return err
	}
	if w.upload == "" {
		out, err := w.bucket.s3.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{
			Bucket: &w.bucket.name, Key: &w.key, Metadata: w.metadata, ContentType: aws.String(JSONL),
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

func (w *Writer) sendPart() error {
	body, err := w.sending.content()
	if err != nil {
		return err
	}
	number := aws.Int32(int32(len(w.parts) + 1))
	out, err := w.bucket.s3.UploadPart(w.ctx, &s3.UploadPartInput{
		Bucket: &w.bucket.name, Key: &w.key, UploadId: &w.upload, PartNumber: number,
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
func (w *Writer) arrive() error {
	if w.sent == nil {
		return w.err
	}
	w.err = <-w.sent
	w.sent = nil
	return w.err
}

// Commit makes the object appear.
func (w *Writer) Commit() error {
	defer w.close()
	if w.upload == "" {
		body, err := w.pending.content()
		if err != nil {
			return err
		}
		_, err = w.bucket.s3.PutObject(w.ctx, &s3.PutObjectInput{
			Bucket: &w.bucket.name, Key: &w.key, Body: body, ContentLength: aws.Int64(w.pending.len()),
			Metadata: w.metadata, ContentType: aws.String(JSONL),
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
	_, err := w.bucket.s3.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.bucket.name, Key: &w.key, UploadId: &w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts},
	})
	w.done = err == nil
	return err
}

// Abandon gives up what was written, if it was not committed.
func (w *Writer) Abandon() {
	_ = w.arrive() // nobody wants it any more
	w.close()
	if w.upload != "" && !w.done {
		// The bucket's lifecycle removes the upload should this fail.
		_, _ = w.bucket.s3.AbortMultipartUpload(context.WithoutCancel(w.ctx), &s3.AbortMultipartUploadInput{
			Bucket: &w.bucket.name, Key: &w.key, UploadId: &w.upload,
		})
	}
}

func (w *Writer) close() {
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
