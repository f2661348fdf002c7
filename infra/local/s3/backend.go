package s3

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/rclone/gofakes3"
)

// These methods are what gofakes3 asks of where objects are kept.
var (
	_ gofakes3.Backend              = (*Store)(nil)
	_ gofakes3.VersionedBackend     = (*Store)(nil)
	_ gofakes3.MultipartBackend     = (*Store)(nil)
	_ gofakes3.ObjectTaggingBackend = (*Store)(nil)
)

// bucket returns a bucket. The mutex must be held.
func (s *Store) bucket(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, gofakes3.BucketNotFound(name)
}

// find returns a version of an object, or the current one.
func (s *Store) find(bucketName, key string, id gofakes3.VersionID) (*version, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.bucket(bucketName)
	if err != nil {
		return nil, err
	}
	if id == "" {
		if v := b.current(key); v != nil {
			return v, nil
		}
		return nil, gofakes3.KeyNotFound(key)
	}
	if v := b.version(key, storedID(id)); v != nil {
		return v, nil
	}
	return nil, gofakes3.ErrNoSuchVersion
}

// storedID returns the id under which a version is kept that a client names: null is the empty one.
func storedID(id gofakes3.VersionID) gofakes3.VersionID {
	if id == "null" {
		return ""
	}
	return id
}

// createObject makes v the current version of its key, if the request's conditions allow it, and reports it.
func (s *Store) createObject(ctx context.Context, bucketName string, v *version, reason string) error {
	created, err := s.putVersion(ctx, bucketName, v)
	if err == nil {
		created.Reason = reason
		s.options.OnCreated(created)
	}
	return err
}

func (s *Store) putVersion(ctx context.Context, bucketName string, v *version) (Created, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(bucketName)
	if err != nil {
		return Created{}, err
	}
	old, etag := b.current(v.key), ""
	if old != nil {
		etag = old.etag()
	}
	if err := gofakes3.CheckWriteConditions(ctx, old != nil, etag); err != nil {
		return Created{}, err
	}
	v.modified = s.options.Now()
	v.metadata["Last-Modified"] = v.modified.UTC().Format(http.TimeFormat)
	if v.metadata["Content-Type"] == "" {
		v.metadata["Content-Type"] = "binary/octet-stream"
	}
	v.sequence = s.nextSequence(v.modified)
	if err := b.put(v, cmp.Or(v.id, newVersionID())); err != nil {
		return Created{}, err
	}
	return Created{Bucket: bucketName, Key: v.key, Size: v.size, ETag: v.etag(), VersionID: string(v.id),
		Sequencer: fmt.Sprintf("%016X", v.sequence)}, nil
}

// nextSequence counts up even if the clock stands still or goes back. The mutex must be held.
func (s *Store) nextSequence(now time.Time) int64 {
	s.sequence = max(s.sequence+1, now.UnixNano())
	return s.sequence
}

func newVersionID() gofakes3.VersionID {
	return gofakes3.VersionID(strings.ReplaceAll(uuid.NewString(), "-", ""))
}

// PutObject keeps a body as an object.
func (s *Store) PutObject(ctx context.Context, bucketName, key string, metadata map[string]string, body io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	p, err := s.storeBody(body, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	c := callOf(ctx)
	c.body.recordChecksum(metadata, c.answer)
	v := &version{key: key, pieces: []*piece{p}, size: p.size, hash: p.md5[:], metadata: metadata}
	err = s.createObject(ctx, bucketName, v, "PutObject")
	return gofakes3.PutObjectResult{VersionID: v.id}, err
}

// CopyObject makes an object of another's pieces.
func (s *Store) CopyObject(ctx context.Context, fromBucket, fromKey, bucketName, key string, metadata map[string]string) (gofakes3.CopyObjectResult, error) {
	c := callOf(ctx)
	from, err := s.find(fromBucket, fromKey, c.versionFor(fromBucket, fromKey))
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	for name, value := range from.metadata {
		if strings.HasPrefix(name, checksumHeader) {
			metadata[name] = value
		}
	}
	v := &version{key: key, pieces: from.pieces, size: from.size, hash: from.hash, metadata: metadata}
	if err := s.createObject(ctx, bucketName, v, "CopyObject"); err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	if v.id != "" {
		c.answer.Set("X-Amz-Version-Id", string(v.id))
	}
	return gofakes3.CopyObjectResult{ETag: `"` + v.etag() + `"`, LastModified: gofakes3.NewContentTime(v.modified)}, nil
}

// HeadObject describes an object.
func (s *Store) HeadObject(ctx context.Context, bucketName, key string) (*gofakes3.Object, error) {
	v, err := s.find(bucketName, key, callOf(ctx).versionFor(bucketName, key))
	if err != nil {
		return nil, err
	}
	return v.object(), nil
}

// GetObject opens an object, or a range of it.
func (s *Store) GetObject(ctx context.Context, bucketName, key string, wanted *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.GetObjectVersion(bucketName, key, callOf(ctx).versionFor(bucketName, key), wanted)
}

// DeleteObject deletes an object, or marks it as deleted where versions are kept.
func (s *Store) DeleteObject(_ context.Context, bucketName, key string) (gofakes3.ObjectDeleteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(bucketName)
	if err != nil {
		return gofakes3.ObjectDeleteResult{}, err
	}
	return s.delete(b, key)
}

// delete deletes a key. The mutex must be held.
func (s *Store) delete(b *bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	if b.status == gofakes3.VersioningNone {
		return gofakes3.ObjectDeleteResult{}, b.drop(key, "")
	}
	marker := &version{key: key, deletion: true, modified: s.options.Now()}
	marker.sequence = s.nextSequence(marker.modified)
	if err := b.put(marker, newVersionID()); err != nil {
		return gofakes3.ObjectDeleteResult{}, err
	}
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: marker.id}, nil
}

// DeleteMulti deletes several objects, or versions of them.
func (s *Store) DeleteMulti(ctx context.Context, bucketName string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var result gofakes3.MultiDeleteResult
	b, err := s.bucket(bucketName)
	if err != nil {
		return result, err
	}
	for _, d := range callOf(ctx).deletions {
		switch {
		case !slices.Contains(keys, d.Key): // a condition forbids it
			continue
		case d.VersionID == "":
			_, err = s.delete(b, d.Key)
		default:
			err = b.drop(d.Key, storedID(d.VersionID))
		}
		if err != nil {
			return result, err
		}
		result.Deleted = append(result.Deleted, gofakes3.ObjectID{Key: d.Key, VersionID: string(d.VersionID)})
	}
	return result, nil
}

// SetObjectTagging replaces an object's tags; none when empty.
func (s *Store) SetObjectTagging(_ context.Context, bucketName, key, tags string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(bucketName)
	if err != nil {
		return err
	}
	v := b.current(key)
	if v == nil {
		return gofakes3.KeyNotFound(key)
	}
	metadata := maps.Clone(v.metadata) // others may be reading the old one
	delete(metadata, gofakes3.TaggingMetadataKey)
	if tags != "" {
		metadata[gofakes3.TaggingMetadataKey] = tags
	}
	tagged := *v
	tagged.metadata = metadata
	if err := s.disk.putVersion(bucketName, &tagged); err != nil {
		return err
	}
	b.versions[key][len(b.versions[key])-1] = &tagged
	return nil
}
