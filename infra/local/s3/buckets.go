package s3

import (
	"context"

	"github.com/rclone/gofakes3"
)

// ListBuckets describes all buckets.
func (s *Store) ListBuckets(context.Context) ([]gofakes3.BucketInfo, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []gofakes3.BucketInfo
	for _, b := range s.buckets {
		list = append(list, gofakes3.BucketInfo{Name: b.name, CreationDate: gofakes3.NewContentTime(b.created)})
	}
	return list, nil
}

// CreateBucket makes a bucket without versions.
func (s *Store) CreateBucket(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	b := newBucket(name, s.options.Now(), s.disk)
	if err := s.disk.putBucket(name, bucketRecord{Created: b.created}); err != nil {
		return err
	}
	s.buckets[name] = b
	return nil
}

// BucketExists reports whether there is a bucket of that name.
func (s *Store) BucketExists(_ context.Context, name string) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.buckets[name] != nil, nil
}

// DeleteBucket deletes a bucket that is empty, of versions too.
func (s *Store) DeleteBucket(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(name)
	if err != nil {
		return err
	}
	if len(b.keys) > 0 {
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	if err := s.disk.removeBucket(name); err != nil {
		return err
	}
	delete(s.buckets, name)
	return nil
}

// ListBucket lists a page of a bucket's objects.
func (s *Store) ListBucket(_ context.Context, name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.bucket(name)
	if err != nil {
		return nil, err
	}
	list, n := gofakes3.NewObjectList(), int64(0)
	b.list(prefix, page.Marker, func(key string) bool { return b.current(key) != nil }, func(found entry) bool {
		if page.MaxKeys > 0 && n == page.MaxKeys {
			list.IsTruncated = true
			return false
		}
		n++
		list.NextMarker = found.name
		if found.common {
			list.AddPrefix(found.name)
			return true
		}
		v := b.current(found.name)
		list.Add(&gofakes3.Content{Key: v.key, LastModified: gofakes3.NewContentTime(v.modified),
			ETag: `"` + v.etag() + `"`, Size: v.size, StorageClass: gofakes3.StorageStandard})
		return true
	})
	if !list.IsTruncated {
		list.NextMarker = ""
	}
	return list, nil
}
