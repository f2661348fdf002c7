package bucket

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// chunkSize is how much of an object is sent at once, in bytes. S3 takes 10,000 pieces, of 5 MiB or more.
const chunkSize = 8 << 20

// Writer writes a file of lines of any size. It appears with Commit, whole. While a chunk is on its way the
// next one is filled.
type Writer struct {
	ctx        context.Context
	bucket     *Bucket
	key        string
	metadata   map[string]string
	newPending func() pending
	slots      chan struct{} // has room for as many chunks as may be on their way at once; nil is no bound
	pending    pending
	sending    pending    // on its way, or empty; nil until the first chunk is full
	sent       chan error // of what is on its way; nil if nothing is
	size       int64      // bytes written in all
	upload     string     // id of the multipart upload; "" until there is one
	parts      []types.CompletedPart
	committed  bool
	err        error // why a chunk did not arrive; nothing can be committed after that
}

// pending keeps what has not been sent yet.
type pending interface {
	io.Writer
	len() int64
	content() (io.ReadSeeker, error) // of all that is pending
	reset()
	close()
}

// Create opens a writer that keeps a chunk or two in memory.
func (b *Bucket) Create(ctx context.Context, key string, metadata map[string]string) *Writer {
	more := func() pending { return &inMemory{} }
	return &Writer{ctx: ctx, bucket: b, key: key, metadata: metadata, newPending: more, pending: more()}
}

// Write keeps no more than a chunk at a time, however much comes at once.
func (w *Writer) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		var n int
		n, err = w.pending.Write(p[:min(int64(len(p)), chunkSize-w.pending.len())])
		written, p = written+n, p[n:]
		if err == nil && w.pending.len() >= chunkSize {
			err = w.send()
		}
	}
	w.size += int64(written)
	return written, err
}

// Size is how many bytes have been written.
func (w *Writer) Size() int64 { return w.size }

// send puts a chunk on its way, once the one before has arrived.
func (w *Writer) send() error {
	if err := w.waitSent(); err != nil {
		return err
	}
	if w.upload == "" {
		out, err := w.bucket.s3.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{
			Bucket: &w.bucket.name, Key: &w.key, Metadata: w.metadata, ContentType: aws.String(JSONL),
		})
		if err != nil {
			return err
		}
		w.upload, w.sending = *out.UploadId, w.newPending()
	}
	w.pending, w.sending = w.sending, w.pending
	w.sent = make(chan error, 1)
	if w.slots != nil {
		w.slots <- struct{}{}
	}
	go func() {
		err := w.sendPart()
		if w.slots != nil {
			<-w.slots
		}
		w.sent <- err
	}()
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
	w.sending.reset()
	return nil
}

// waitSent waits until the chunk that is on its way has arrived.
func (w *Writer) waitSent() error {
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
		w.committed = err == nil
		return err
	}
	if w.pending.len() > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	if err := w.waitSent(); err != nil {
		return err
	}
	_, err := w.bucket.s3.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.bucket.name, Key: &w.key, UploadId: &w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts},
	})
	w.committed = err == nil
	return err
}

// Abandon gives up what was written, if it was not committed.
func (w *Writer) Abandon() {
	_ = w.waitSent() // the object is given up
	w.close()
	if w.upload != "" && !w.committed {
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
func (m *inMemory) reset()                          { m.Reset() }
func (m *inMemory) close()                          {} // the collector takes it
