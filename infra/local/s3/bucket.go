package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

// A bucket is the objects of a bucket. Its store's mutex guards it.
type bucket struct {
	name     string
	created  time.Time
	status   gofakes3.VersioningStatus
	keys     []string              // sorted
	versions map[string][]*version // by key, the newest last
	disk     *disk
}

func newBucket(name string, created time.Time, d *disk) *bucket {
	return &bucket{name: name, created: created, versions: make(map[string][]*version), disk: d}
}

// A version is an object, one of its versions, or the marker of a deletion. It never changes, except for
// metadata, which is replaced as a whole.
type version struct {
	key      string
	id       gofakes3.VersionID // "" for the one that S3 calls null
	pieces   []*piece
	parts    []int64 // sizes of the parts it came in; nil if it came in one
	size     int64
	hash     []byte // what the ETag is of
	metadata map[string]string
	modified time.Time
	deletion bool
	sequence int64 // greater than those of the bucket's earlier versions
}

func (v *version) etag() string { return fmt.Sprintf("%x", v.hash) }

// current returns the newest version of a key, or nil if there is none or it is deleted.
func (b *bucket) current(key string) *version {
	if list := b.versions[key]; len(list) > 0 && !list[len(list)-1].deletion {
		return list[len(list)-1]
	}
	return nil
}

func (b *bucket) version(key string, id gofakes3.VersionID) *version {
	list := b.versions[key]
	if at := slices.IndexFunc(list, func(v *version) bool { return v.id == id }); at >= 0 {
		return list[at]
	}
	return nil
}

// put makes v the newest version. Without versioning it takes the place of the null version.
func (b *bucket) put(v *version, id gofakes3.VersionID) error {
	if b.status == gofakes3.VersioningEnabled {
		v.id = id
	}
	if err := b.disk.putVersion(b.name, v); err != nil {
		return err
	}
	if v.id == "" {
		if err := b.drop(v.key, ""); err != nil {
			return err
		}
	}
	b.add(v)
	return nil
}

// add adds a version to those of its key.
func (b *bucket) add(v *version) {
	if _, ok := b.versions[v.key]; !ok {
		at, _ := slices.BinarySearch(b.keys, v.key)
		b.keys = slices.Insert(b.keys, at, v.key)
	}
	b.versions[v.key] = append(b.versions[v.key], v)
}

// drop takes a version away for good, if there is one.
func (b *bucket) drop(key string, id gofakes3.VersionID) error {
	_, err := b.remove(key, id)
	return err
}

// remove is drop, and returns the version.
func (b *bucket) remove(key string, id gofakes3.VersionID) (*version, error) {
	list := b.versions[key]
	at := slices.IndexFunc(list, func(v *version) bool { return v.id == id })
	if at < 0 {
		return nil, nil
	}
	removed := list[at]
	if err := b.disk.removeVersion(b.name, removed); err != nil {
		return nil, err
	}
	if b.versions[key] = slices.Delete(list, at, at+1); len(b.versions[key]) == 0 {
		delete(b.versions, key)
		at, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Delete(b.keys, at, at+1)
	}
	return removed, nil
}

// An entry of a listing is a key, or what keys have in common up to a delimiter.
type entry struct {
	name   string
	common bool
}

// list yields the entries of those keys that count, after a marker, which is an entry of the page before.
func (b *bucket) list(prefix *gofakes3.Prefix, after string, counts func(key string) bool, yield func(entry) (more bool)) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	common := "" // the entry that keys are part of
	if prefix.Delimiter != "" && strings.HasSuffix(after, prefix.Delimiter) && after != prefix.Prefix {
		common = after
	}
	at, _ := slices.BinarySearch(b.keys, max(prefix.Prefix, after))
	for _, key := range b.keys[at:] {
		rest, ok := strings.CutPrefix(key, prefix.Prefix)
		if !ok {
			return
		}
		if key == after || common != "" && strings.HasPrefix(key, common) || !counts(key) {
			continue
		}
		found := entry{name: key}
		if end := strings.Index(rest, prefix.Delimiter); prefix.Delimiter != "" && end >= 0 {
			common = prefix.Prefix + rest[:end+len(prefix.Delimiter)]
			found = entry{common, true}
		}
		if !yield(found) {
			return
		}
	}
}

// object describes v as gofakes3 wants it, without its contents.
func (v *version) object() *gofakes3.Object {
	return &gofakes3.Object{Name: v.key, Metadata: v.metadata, Size: v.size, Contents: http.NoBody, Hash: v.hash,
		VersionID: v.id, IsDeleteMarker: v.deletion, PartSizes: v.parts}
}
