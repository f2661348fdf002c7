// Package secretsmanager is AWS Secrets Manager in memory, or in a file: secrets, their versions and staging labels,
// served by the service's JSON 1.1 protocol. It does not know who may read a secret, and it has no
// rotation, replication or resource policies, and encrypts nothing.
package secretsmanager

import (
	"crypto/sha256"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"aoai-bridge/infra/local/faults"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// A Store holds the secrets of one account and region. It is an http.Handler, which leaves checking the
// request's signature to its caller, and it is safe for concurrent use.
type Store struct {
	faults.Switch // operations are named as in the API: GetSecretValue, ...

	mu      sync.Mutex
	secrets map[string]*secret // by name
	now     func() time.Time
	path    string // of the file that has it all; "" where nothing outlives the process
	saved   []byte // what that file has
}

type secret struct {
	name, arn   string
	description string
	kmsKeyID    string // "" is the account's aws/secretsmanager
	tags        []tag
	created     time.Time
	changed     time.Time
	deleted     time.Time // when it will be; zero if it is not to be
	versions    map[string]*version
}

type version struct {
	id      string
	text    *string
	binary  []byte
	stages  []string
	created time.Time
}

type tag struct {
	Key   string
	Value string
}

// New returns an empty store, which keeps nothing beyond the process.
func New() *Store {
	return &Store{secrets: make(map[string]*secret), now: time.Now}
}

// Put makes value the current version of the secret, which it creates if need be, and returns the
// version's id.
func (s *Store) Put(name, value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, ok := s.secrets[name]
	if !ok {
		sec = s.add(name)
	}
	id := uuid.NewString()
	sec.put(&version{id: id, text: &value, created: s.now()}, []string{current})
	s.saveOrLog()
	return id
}

// saveOrLog is save for what fails nobody's call.
func (s *Store) saveOrLog() {
	if err := s.save(); err != nil {
		slog.Error("the secrets are not kept", "error", err)
	}
}

// Get returns the secret's current string.
func (s *Store) Get(name string) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, ok := s.secrets[name]
	if !ok {
		return "", false
	}
	v := sec.versionAt(current)
	if v == nil || v.text == nil {
		return "", false
	}
	return *v.text, true
}

// Remove deletes the secret at once.
func (s *Store) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, name)
	s.saveOrLog()
}

// add makes an empty secret. The six characters at the ARN's end are random in AWS and made from the
// name here, so that an ARN stays the same from one run to the next.
func (s *Store) add(name string) *secret {
	digest := sha256.Sum256([]byte(name))
	suffix := new(big.Int).SetBytes(digest[:]).Text(62)[:6]
	sec := &secret{
		name:     name,
		arn:      "arn:aws:secretsmanager:us-east-1:000000000000:secret:" + name + "-" + suffix,
		created:  s.now(),
		changed:  s.now(),
		versions: make(map[string]*version),
	}
	s.secrets[name] = sec
	return sec
}

// find looks a secret up by name, ARN, or an ARN without its last six characters.
func (s *Store) find(id string) (*secret, error) {
	if sec, ok := s.secrets[id]; ok {
		return sec, nil
	}
	if strings.HasPrefix(id, "arn:") {
		for _, sec := range s.secrets {
			if id == sec.arn || id == sec.arn[:len(sec.arn)-len("-XXXXXX")] {
				return sec, nil
			}
		}
	}
	return nil, errNotFound
}

// findUsable also refuses a secret that is to be deleted.
func (s *Store) findUsable(id string) (*secret, error) {
	sec, err := s.find(id)
	if err != nil {
		return nil, err
	}
	if !sec.deleted.IsZero() {
		return nil, errMarkedForDeletion
	}
	return sec, nil
}

// put adds a version. The first one becomes current whatever its labels.
func (sec *secret) put(v *version, stages []string) {
	if len(sec.versions) == 0 && !slices.Contains(stages, current) {
		stages = append(stages, current)
	}
	sec.versions[v.id] = v
	sec.changed = v.created
	for _, stage := range stages {
		sec.moveStage(stage, v)
	}
}

// moveStage moves a label to v. What was current becomes the previous version.
func (sec *secret) moveStage(stage string, v *version) {
	holder := sec.versionAt(stage)
	if holder == v {
		return
	}
	if holder != nil {
		holder.dropStage(stage)
	}
	if stage == current {
		if old := sec.versionAt(previous); old != nil {
			old.dropStage(previous)
		}
		v.dropStage(previous)
		if holder != nil {
			holder.stages = append(holder.stages, previous)
		}
	}
	v.stages = append(v.stages, stage)
}

func (v *version) dropStage(stage string) {
	v.stages = slices.DeleteFunc(v.stages, func(s string) bool { return s == stage })
}

// versionAt returns the version with the label, or nil.
func (sec *secret) versionAt(stage string) *version {
	for _, v := range sec.versions {
		if slices.Contains(v.stages, stage) {
			return v
		}
	}
	return nil
}

func (sec *secret) versionIDsToStages() map[string][]string {
	stages := make(map[string][]string)
	for id, v := range sec.versions {
		if len(v.stages) > 0 { // a version without labels is deprecated and not listed
			stages[id] = slices.Clone(v.stages)
		}
	}
	return stages
}
