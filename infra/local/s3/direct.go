package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/rclone/gofakes3"
)

// Open opens an object's current version.
func (s *Store) Open(bucketName, key string) (io.ReadCloser, error) {
	object, err := s.GetObjectVersion(bucketName, key, "", nil)
	if err != nil {
		return nil, err
	}
	return object.Contents, nil
}

// Write keeps body as an object, as PutObject of the API does.
func (s *Store) Write(bucketName, key string, body []byte) error {
	metadata := map[string]string{"Content-Type": "application/json"}
	_, err := s.PutObject(context.Background(), bucketName, key, metadata, bytes.NewReader(body), int64(len(body)))
	return err
}

// Restore keeps body as the newest version of an object, under the id that the version had in another store and
// with the metadata that its writer gave it. OnCreated is not called. The bucket must keep versions.
func (s *Store) Restore(bucketName, key, id string, metadata map[string]string, body []byte) error {
	p, err := s.storeBody(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	v := &version{key: key, id: gofakes3.VersionID(id), pieces: []*piece{p}, size: p.size, hash: p.md5[:], metadata: map[string]string{}}
	for name, value := range metadata {
		v.metadata[http.CanonicalHeaderKey("X-Amz-Meta-"+name)] = value
	}
	_, err = s.putVersion(context.Background(), bucketName, v)
	return err
}

// List calls each for the objects whose keys begin with prefix, in their order. The ETag has its quotes.
func (s *Store) List(bucketName, prefix string, each func(key, etag string, size int64, modified time.Time)) error {
	list, err := s.ListBucket(context.Background(), bucketName, &gofakes3.Prefix{HasPrefix: true, Prefix: prefix}, gofakes3.ListBucketPage{})
	if err != nil {
		return err
	}
	for _, object := range list.Contents {
		each(object.Key, object.ETag, object.Size, object.LastModified.Time)
	}
	return nil
}
