package secretsmanager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"aoai-bridge/infra/local/atomicfile"
)

// secretRecord is a secret in a store's file.
type secretRecord struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	KMSKeyID    string          `json:"kms_key_id,omitempty"`
	Tags        []tag           `json:"tags,omitempty"`
	Created     time.Time       `json:"created"`
	Changed     time.Time       `json:"changed"`
	Deleted     time.Time       `json:"deleted,omitzero"`
	Versions    []versionRecord `json:"versions"`
}

type versionRecord struct {
	ID      string    `json:"id"`
	Text    *string   `json:"text,omitempty"`
	Binary  []byte    `json:"binary,omitempty"`
	Stages  []string  `json:"stages,omitempty"`
	Created time.Time `json:"created"`
}

// Open returns the store that a file has, empty where there is no such file. Each change is in the file before the client
// gets its answer. The secrets are there as they are: the file's mode keeps other users out.
func Open(path string) (*Store, error) {
	s := New()
	s.path = path
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var records []secretRecord
	if err := json.Unmarshal(raw, &records); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range records {
		sec := s.add(r.Name)
		sec.description, sec.kmsKeyID, sec.tags = r.Description, r.KMSKeyID, r.Tags
		sec.created, sec.changed, sec.deleted = r.Created, r.Changed, r.Deleted
		for _, v := range r.Versions {
			sec.versions[v.ID] = &version{id: v.ID, text: v.Text, binary: v.Binary, stages: v.Stages, created: v.Created}
		}
	}
	s.saved = raw
	return s, nil
}

// save writes what has changed to the file, if there is one. The mutex must be held.
func (s *Store) save() error {
	if s.path == "" {
		return nil
	}
	records := []secretRecord{}
	for _, name := range slices.Sorted(maps.Keys(s.secrets)) {
		sec := s.secrets[name]
		r := secretRecord{Name: name, Description: sec.description, KMSKeyID: sec.kmsKeyID, Tags: sec.tags, Created: sec.created, Changed: sec.changed, Deleted: sec.deleted}
		for _, v := range sec.versions {
			r.Versions = append(r.Versions, versionRecord{v.id, v.text, v.binary, v.stages, v.created})
		}
		slices.SortFunc(r.Versions, func(a, b versionRecord) int { return strings.Compare(a.ID, b.ID) })
		records = append(records, r)
	}
	raw, err := json.MarshalIndent(records, "", " ")
	if err != nil || bytes.Equal(raw, s.saved) {
		return err
	}
	if err := atomicfile.Write(s.path, raw); err != nil {
		return err
	}
	s.saved = raw
	return nil
}
