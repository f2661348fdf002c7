package s3

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/rclone/gofakes3"

	"aoai-bridge/infra/local/atomicfile"
)

// A disk keeps a store's objects in a folder, from one process to the next:
//
//	buckets/NAME/bucket.json              the bucket
//	buckets/NAME/versions/SEQUENCE.json   a version of an object, or the marker of a deletion
//	pieces/ID                             bytes of versions that are not in their own file
//
// A version is there as soon as its file has its name. Each change is one file, written whole or not at all, and on the disk
// before the client gets its answer. A nil disk keeps nothing.
type disk struct{ dir string }

type bucketRecord struct {
	Created time.Time                 `json:"created"`
	Status  gofakes3.VersioningStatus `json:"status,omitempty"`
}

type versionRecord struct {
	Key      string             `json:"key"`
	ID       gofakes3.VersionID `json:"id,omitempty"`
	Pieces   []pieceRecord      `json:"pieces,omitempty"`
	Parts    []int64            `json:"parts,omitempty"`
	Size     int64              `json:"size"`
	Hash     string             `json:"hash,omitempty"`
	Metadata map[string]string  `json:"metadata,omitempty"`
	Modified time.Time          `json:"modified"`
	Deletion bool               `json:"deletion,omitempty"`
}

type pieceRecord struct {
	File   string `json:"file,omitempty"` // "" where the bytes are here
	Bytes  []byte `json:"bytes,omitempty"`
	Length int64  `json:"length"`
	MD5    string `json:"md5"`
}

func (d *disk) bucketDir(name string) string { return filepath.Join(d.dir, "buckets", name) }

func (d *disk) versionsDir(name string) string { return filepath.Join(d.bucketDir(name), "versions") }

func (d *disk) piecesDir() string { return filepath.Join(d.dir, "pieces") }

func (d *disk) versionPath(bucket string, v *version) string {
	return filepath.Join(d.versionsDir(bucket), fmt.Sprintf("%016x.json", v.sequence))
}

// putBucket writes a bucket, as it is to be.
func (d *disk) putBucket(name string, r bucketRecord) error {
	if d == nil {
		return nil
	}
	if err := os.MkdirAll(d.versionsDir(name), 0o700); err != nil {
		return err
	}
	return writeJSON(filepath.Join(d.bucketDir(name), "bucket.json"), r)
}

func (d *disk) removeBucket(name string) error {
	if d == nil {
		return nil
	}
	if err := atomicfile.Remove(filepath.Join(d.bucketDir(name), "bucket.json")); err != nil {
		return err
	}
	return os.RemoveAll(d.bucketDir(name))
}

// putVersion writes a version of an object. The pieces are there.
func (d *disk) putVersion(bucket string, v *version) error {
	if d == nil {
		return nil
	}
	r := versionRecord{
		Key: v.key, ID: v.id, Parts: v.parts, Size: v.size, Hash: hex.EncodeToString(v.hash), Metadata: v.metadata, Modified: v.modified, Deletion: v.deletion,
	}
	for _, p := range v.pieces {
		piece := pieceRecord{Bytes: p.memory, Length: p.size, MD5: p.etag()}
		if p.path != "" {
			piece.File = filepath.Base(p.path)
		}
		r.Pieces = append(r.Pieces, piece)
	}
	return writeJSON(d.versionPath(bucket, v), r)
}

func (d *disk) removeVersion(bucket string, v *version) error {
	if d == nil {
		return nil
	}
	return atomicfile.Remove(d.versionPath(bucket, v))
}

func writeJSON(path string, record any) error {
	raw, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, raw)
}

// keep moves a piece's bytes, and what is left of its body, to a file with a name.
func (d *disk) keep(p *piece, rest io.Reader) error {
	file, err := atomicfile.Create(d.piecesDir())
	if err != nil {
		return err
	}
	_, err = file.Write(p.memory)
	var n int64
	if err == nil {
		n, err = io.Copy(file, rest)
	}
	path := filepath.Join(d.piecesDir(), uuid.NewString())
	if err != nil {
		file.Close()
		return errors.Join(err, os.Remove(file.Name()))
	}
	p.memory, p.path, p.size = nil, path, p.size+n
	return atomicfile.Commit(file, path)
}

// Open returns the store that a folder has, empty where the folder is. Only one store at a time may have it open.
func Open(dir string, options Options) (*Store, error) {
	s := New(options)
	s.disk = &disk{dir}
	for _, needed := range []string{filepath.Join(dir, "buckets"), s.disk.piecesDir()} {
		if err := os.MkdirAll(needed, 0o700); err != nil {
			return nil, err
		}
	}
	buckets, err := os.ReadDir(filepath.Join(dir, "buckets"))
	if err != nil {
		return nil, err
	}
	pieces := map[string]*piece{}
	for _, entry := range buckets {
		if err := s.load(entry.Name(), pieces); err != nil {
			return nil, err
		}
	}
	return s, s.disk.sweep(pieces)
}

// load reads a bucket. pieces are those that have been found so far.
func (s *Store) load(name string, pieces map[string]*piece) error {
	var r bucketRecord
	err := readJSON(filepath.Join(s.disk.bucketDir(name), "bucket.json"), &r)
	if errors.Is(err, fs.ErrNotExist) { // it was being made, or removed
		return os.RemoveAll(s.disk.bucketDir(name))
	}
	if err != nil {
		return err
	}
	b := newBucket(name, r.Created, s.disk)
	b.status = r.Status
	files, err := atomicfile.Names(s.disk.versionsDir(name))
	if err != nil {
		return err
	}
	for _, file := range files {
		v, err := s.disk.readVersion(filepath.Join(s.disk.versionsDir(name), file), pieces)
		if err != nil {
			return err
		}
		if v.id == "" { // one that it took the place of may have been left
			if err := b.drop(v.key, ""); err != nil {
				return err
			}
		}
		b.add(v)
		s.sequence = max(s.sequence, v.sequence)
	}
	s.buckets[name] = b
	return nil
}

func (d *disk) readVersion(path string, pieces map[string]*piece) (*version, error) {
	var r versionRecord
	if err := readJSON(path, &r); err != nil {
		return nil, err
	}
	v := &version{key: r.Key, id: r.ID, parts: r.Parts, size: r.Size, metadata: r.Metadata, modified: r.Modified, deletion: r.Deletion}
	if v.metadata == nil {
		v.metadata = map[string]string{}
	}
	_, err := fmt.Sscanf(filepath.Base(path), "%016x.json", &v.sequence)
	if err == nil {
		v.hash, err = hex.DecodeString(r.Hash)
	}
	for _, p := range r.Pieces {
		if err != nil {
			break
		}
		var found *piece
		found, err = d.findPiece(p, pieces)
		v.pieces = append(v.pieces, found)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func (d *disk) findPiece(r pieceRecord, pieces map[string]*piece) (*piece, error) {
	if p := pieces[r.File]; p != nil {
		return p, nil
	}
	p := &piece{memory: r.Bytes, size: r.Length}
	sum, err := hex.DecodeString(r.MD5)
	if err != nil || copy(p.md5[:], sum) != md5.Size {
		return nil, fmt.Errorf("%q is no MD5", r.MD5)
	}
	if r.File == "" {
		return p, nil
	}
	p.path = filepath.Join(d.piecesDir(), r.File)
	info, err := os.Stat(p.path)
	if err == nil && info.Size() != p.size {
		err = fmt.Errorf("%s has %d bytes, want %d", p.path, info.Size(), p.size)
	}
	pieces[r.File] = p
	return p, err
}

// sweep removes the pieces that no version has: of uploads that were not completed, and of what was deleted.
func (d *disk) sweep(used map[string]*piece) error {
	names, err := atomicfile.Names(d.piecesDir())
	if err != nil {
		return err
	}
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return used[name] != nil }) {
		if err := os.Remove(filepath.Join(d.piecesDir(), name)); err != nil {
			return err
		}
	}
	return nil
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
