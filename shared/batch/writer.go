package batch

import (
	"bufio"
	"context"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// chunk is how much of an object is sent at once, in bytes. S3 takes 10,000 pieces, of 5 MiB or more.
const chunk = 16 << 20

// writer writes an object of any size. What has not been sent yet is in a temporary file and not in
// memory, because a plan has many of them open.
type writer struct {
	ctx      context.Context
	store    *store
	key      string
	metadata map[string]string
	file     *os.File
	buffer   *bufio.Writer // of file
	pending  int64         // bytes in file and buffer
	size     int64         // bytes written in all
	upload   string        // id of the multipart upload; "" until there is one
	parts    []types.CompletedPart
	done     bool // committed
}

func (s *store) create(ctx context.Context, key string, metadata map[string]string) (*writer, error) {
	file, err := os.CreateTemp(s.temp, "batch-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // open files outlive their names
	return &writer{ctx: ctx, store: s, key: key, metadata: metadata, file: file, buffer: bufio.NewWriterSize(file, 32<<10)}, nil
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	w.pending += int64(n)
	w.size += int64(n)
	if err == nil && w.pending >= chunk {
		err = w.send()
	}
	return n, err
}

// content is what waits to be sent.
func (w *writer) content() (*io.SectionReader, error) {
	return io.NewSectionReader(w.file, 0, w.pending), w.buffer.Flush()
}

func (w *writer) send() error {
	body, err := w.content()
	if err != nil {
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
	}
	number := aws.Int32(int32(len(w.parts) + 1))
	out, err := w.store.s3.UploadPart(w.ctx, &s3.UploadPartInput{
		Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload, PartNumber: number, Body: body, ContentLength: &w.pending,
	})
	if err != nil {
		return err
	}
	w.parts = append(w.parts, types.CompletedPart{
		PartNumber: number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
	})
	return w.rewind()
}

func (w *writer) rewind() error {
	w.pending = 0
	if err := w.file.Truncate(0); err != nil {
		return err
	}
	_, err := w.file.Seek(0, io.SeekStart)
	return err
}

// commit makes the object appear. Without it nothing is there.
func (w *writer) commit() error {
	defer w.file.Close()
	if w.upload == "" {
		body, err := w.content()
		if err != nil {
			return err
		}
		_, err = w.store.s3.PutObject(w.ctx, &s3.PutObjectInput{
			Bucket: &w.store.bucket, Key: &w.key, Body: body, ContentLength: &w.pending,
			Metadata: w.metadata, ContentType: aws.String("application/jsonl"),
		})
		w.done = err == nil
		return err
	}
	if w.pending > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	_, err := w.store.s3.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts},
	})
	w.done = err == nil
	return err
}

// abandon gives up what was written, if it was not committed.
func (w *writer) abandon() {
	_ = w.file.Close() // closed already after a commit
	if w.upload != "" && !w.done {
		// The bucket's lifecycle removes the upload should this fail.
		_, _ = w.store.s3.AbortMultipartUpload(context.WithoutCancel(w.ctx), &s3.AbortMultipartUploadInput{
			Bucket: &w.store.bucket, Key: &w.key, UploadId: &w.upload,
		})
	}
}
