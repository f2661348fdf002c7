package s3

import (
	"io"
	"slices"

	"github.com/rclone/gofakes3"
)

// VersioningConfiguration says whether a bucket keeps versions.
func (s *Store) VersioningConfiguration(name string) (gofakes3.VersioningConfiguration, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.bucket(name)
	if err != nil {
		return gofakes3.VersioningConfiguration{}, err
	}
	return gofakes3.VersioningConfiguration{Status: b.status}, nil
}

// SetVersioningConfiguration turns versions on, or suspends them.
func (s *Store) SetVersioningConfiguration(name string, configuration gofakes3.VersioningConfiguration) error {
	if configuration.MFADelete.Enabled() {
		return gofakes3.ErrNotImplemented
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(name)
	if err != nil || b.status == configuration.Status {
		return err
	}
	if err := s.disk.putBucket(name, bucketRecord{b.created, configuration.Status}); err != nil {
		return err
	}
	b.status = configuration.Status
	return nil
}

// GetObjectVersion opens a version of an object, the current one if id is empty, or a range of it.
func (s *Store) GetObjectVersion(bucketName, key string, id gofakes3.VersionID, wanted *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	v, err := s.find(bucketName, key, id)
	if err != nil {
		return nil, err
	}
	object := v.object()
	if object.Range, err = wanted.Range(v.size); err != nil {
		return nil, err
	}
	start, length := int64(0), v.size
	if object.Range != nil {
		start, length = object.Range.Start, object.Range.Length
	}
	object.Contents = io.NopCloser(readPieces(v.pieces, start, length))
	return object, nil
}

// HeadObjectVersion describes a version of an object.
func (s *Store) HeadObjectVersion(bucketName, key string, id gofakes3.VersionID) (*gofakes3.Object, error) {
	v, err := s.find(bucketName, key, id)
	if err != nil {
		return nil, err
	}
	return v.object(), nil
}

// DeleteObjectVersion deletes a version for good.
func (s *Store) DeleteObjectVersion(bucketName, key string, id gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(bucketName)
	if err != nil {
		return gofakes3.ObjectDeleteResult{}, err
	}
	removed, err := b.remove(key, id)
	if removed == nil {
		return gofakes3.ObjectDeleteResult{}, err
	}
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: removed.deletion, VersionID: id}, nil
}

// ListBucketVersions lists a page of a bucket's versions, of each key the newest first.
func (s *Store) ListBucketVersions(name string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.bucket(name)
	if err != nil {
		return nil, err
	}
	if page == nil {
		page = &gofakes3.ListBucketVersionsPage{}
	}
	result, n := gofakes3.NewListBucketVersionsResult(name, prefix, page), int64(0)
	full := func() bool {
		n++
		result.IsTruncated = page.MaxKeys > 0 && n > page.MaxKeys
		return result.IsTruncated
	}
	versions := func(list []*version) (more bool) {
		for _, v := range slices.Backward(list) {
			if full() {
				return false
			}
			result.Versions = append(result.Versions, v.item(v == list[len(list)-1]))
			result.NextKeyMarker, result.NextVersionIDMarker = v.key, v.id
		}
		return true
	}
	marked := b.versions[page.KeyMarker]
	if at := slices.IndexFunc(marked, func(v *version) bool { return v.id == page.VersionIDMarker }); page.HasVersionIDMarker && at > 0 {
		if !versions(marked[:at]) {
			return result, nil
		}
	}
	b.list(prefix, page.KeyMarker, func(string) bool { return true }, func(found entry) bool {
		if !found.common {
			return versions(b.versions[found.name])
		}
		if full() {
			return false
		}
		result.AddPrefix(found.name)
		result.NextKeyMarker, result.NextVersionIDMarker = found.name, ""
		return true
	})
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextVersionIDMarker = "", ""
	}
	return result, nil
}

// item is v in a listing.
func (v *version) item(latest bool) gofakes3.VersionItem {
	modified := gofakes3.NewContentTime(v.modified)
	if v.deletion {
		return &gofakes3.DeleteMarker{Key: v.key, VersionID: v.id, IsLatest: latest, LastModified: modified}
	}
	return &gofakes3.Version{Key: v.key, VersionID: v.id, IsLatest: latest, LastModified: modified,
		Size: v.size, StorageClass: gofakes3.StorageStandard, ETag: `"` + v.etag() + `"`}
}
