package azureopenai

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"
)

// Limits of Azure's quota page. Whether its 200 MB are 200,000,000 bytes is unverified.
const (
	maxFileBytes         = 200 << 20
	maxFilesWithoutEnd   = 500
	maxFilesWithEnd      = 10000
	minExpiry, maxExpiry = 1209600, 2592000 // seconds
)

// storedFile is a file of the files API, its content on disk.
type storedFile struct {
	id, name, purpose string
	bytes             int64
	path              string
	created, ready    time.Time // from ready on it is processed
	stored            time.Time // when the upload was complete
	expires           time.Time // zero: never
	hidden            int       // how many more requests get 404
}

type fileObject struct {
	Status    string `json:"status"`
	Bytes     int64  `json:"bytes"`
	Purpose   string `json:"purpose"`
	Filename  string `json:"filename"`
	ExpiresAt *int64 `json:"expires_at"`
	ID        string `json:"id"`
	CreatedAt int64  `json:"created_at"`
	Object    string `json:"object"`
}

func (f *storedFile) object(now time.Time) fileObject {
	o := fileObject{Status: "processed", Bytes: f.bytes, Purpose: f.purpose, Filename: f.name, ID: f.id, CreatedAt: f.created.Unix(), Object: "file"}
	if now.Before(f.ready) {
		o.Status = "pending"
	}
	if !f.expires.IsZero() {
		o.ExpiresAt = new(f.expires.Unix())
	}
	return o
}

// fileStore keeps files in a directory of its own, which is made when the first one comes.
type fileStore struct {
	mu     sync.Mutex
	dir    string
	closed bool
	files  []*storedFile // oldest first
}

var errClosed = errors.New("the server is closed")

// spool opens a new file for content to come.
func (s *fileStore) spool() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.dir == "" {
		var err error
		if s.dir, err = os.MkdirTemp("", "azureopenai-"); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(s.dir, "*.jsonl")
}

// put adds a file unless there are too many; its error is the refusal.
func (s *fileStore) put(f *storedFile) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired(f.created)
	if f.purpose == purposeBatch {
		with, without := 0, 0
		for _, other := range s.files {
			switch {
			case other.purpose != purposeBatch:
			case other.expires.IsZero():
				without++
			default:
				with++
			}
		}
		if f.expires.IsZero() && without >= maxFilesWithoutEnd {
			return errFilesWithoutExpiry
		}
		if !f.expires.IsZero() && with >= maxFilesWithEnd {
			return errFilesWithExpiry
		}
	}
	s.files = append(s.files, f)
	return nil
}

// find returns a copy of a file's entry. A file that is hidden for now is not found.
func (s *fileStore) find(id string, now time.Time) (storedFile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired(now)
	i := s.index(id)
	if i < 0 {
		return storedFile{}, false
	}
	f := s.files[i]
	if f.hidden > 0 {
		f.hidden--
		return storedFile{}, false
	}
	return *f, true
}

// open is find that opens the content too, which outlives the file's removal.
func (s *fileStore) open(id string, now time.Time) (storedFile, *os.File, bool) {
	f, ok := s.find(id, now)
	if !ok {
		return f, nil, false
	}
	content, err := os.Open(f.path)
	return f, content, err == nil
}

func (s *fileStore) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return false
	}
	_ = os.Remove(s.files[i].path)
	s.files = slices.Delete(s.files, i, i+1)
	return true
}

// list returns the files that had been stored by a time.
func (s *fileStore) list(now, by time.Time, purpose string) []fileObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired(now)
	var objects []fileObject
	for _, f := range s.files {
		if (purpose == "" || purpose == f.purpose) && !f.stored.After(by) {
			objects = append(objects, f.object(now))
		}
	}
	return objects
}

func (s *fileStore) index(id string) int {
	return slices.IndexFunc(s.files, func(f *storedFile) bool { return f.id == id })
}

func (s *fileStore) dropExpired(now time.Time) {
	s.files = slices.DeleteFunc(s.files, func(f *storedFile) bool {
		gone := !f.expires.IsZero() && !now.Before(f.expires)
		if gone {
			_ = os.Remove(f.path)
		}
		return gone
	})
}

func (s *fileStore) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.files = nil
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
