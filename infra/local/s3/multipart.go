package s3

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/google/uuid"
	"github.com/rclone/gofakes3"
)

// minPart is the least size of a part that is not the last, in bytes.
const minPart = 5 << 20

// An upload is an object that comes in parts. Its store's mutex guards it.
type upload struct {
	metadata map[string]string
	parts    map[int]*piece
}

// CreateMultipartUpload begins an upload in parts.
func (s *Store) CreateMultipartUpload(_ context.Context, _, _ string, metadata map[string]string) (gofakes3.UploadID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := gofakes3.UploadID(uuid.NewString())
	s.uploads[id] = &upload{metadata: metadata, parts: make(map[int]*piece)}
	return id, nil
}

// UploadPart keeps a part, in place of the one of that number if there is one.
func (s *Store) UploadPart(ctx context.Context, _, _ string, id gofakes3.UploadID, number int, size int64, body io.Reader) (string, error) {
	p, err := s.storeBody(body, size)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[id]
	if u == nil {
		return "", gofakes3.ErrNoSuchUpload
	}
	u.parts[number] = p
	c := callOf(ctx)
	c.body.recordChecksum(make(map[string]string), c.answer)
	return `"` + p.etag() + `"`, nil
}

func (p *piece) etag() string { return fmt.Sprintf("%x", p.md5) }

// CompleteMultipartUpload makes an object of parts. The upload is kept if that fails.
func (s *Store) CompleteMultipartUpload(ctx context.Context, bucketName, key string, id gofakes3.UploadID, request *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	v, err := s.assemble(key, id, request.Parts)
	if err != nil {
		return "", "", err
	}
	if err := s.createObject(ctx, bucketName, v, "CompleteMultipartUpload"); err != nil {
		return "", "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, id)
	return v.id, `"` + v.etag() + `"`, nil
}

func (s *Store) assemble(key string, id gofakes3.UploadID, parts []gofakes3.CompletedPart) (*version, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.uploads[id]
	if u == nil {
		return nil, gofakes3.ErrNoSuchUpload
	}
	if len(parts) == 0 {
		return nil, gofakes3.ErrorMessage(gofakes3.ErrMalformedXML, "You must specify at least one part")
	}
	v := &version{key: key, metadata: maps.Clone(u.metadata)}
	hash, last := md5.New(), 0
	for i, part := range parts {
		p := u.parts[part.PartNumber]
		switch {
		case part.PartNumber <= last:
			return nil, gofakes3.ErrInvalidPartOrder
		case p == nil || strings.Trim(part.ETag, `"`) != p.etag():
			return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidPart, "One or more of the specified parts could not be found. "+
				"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(parts)-1 && p.size < minPart:
			// S3's code is EntityTooSmall, which gofakes3 does not know and would answer with status 500.
			return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidRequest, "Your proposed upload is smaller than the minimum allowed size")
		}
		last = part.PartNumber
		hash.Write(p.md5[:])
		v.pieces = append(v.pieces, p)
		v.parts = append(v.parts, p.size)
		v.size += p.size
	}
	v.hash = hash.Sum(nil)
	return v, nil
}

// AbortMultipartUpload forgets an upload.
func (s *Store) AbortMultipartUpload(_ context.Context, _, _ string, id gofakes3.UploadID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, id)
	return nil
}
