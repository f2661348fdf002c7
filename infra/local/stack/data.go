package stack

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"aoai-bridge/infra/local/atomicfile"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/secretsmanager"
)

// data is a folder that outlives the stack:
//
//	lock              held by the stack that has the folder open
//	s3/               the buckets
//	secrets.json      Secrets Manager
//	azure.json        where Azure was, as the secret had it
//	executions/       those of the batch workflow that have not ended, with their inputs
type data struct{ dir string }

func (d *data) path(name string) string { return filepath.Join(d.dir, name) }

func (d *data) executionPath(arn string) string {
	return filepath.Join(d.path("executions"), fmt.Sprintf("%x.json", sha256.Sum256([]byte(arn))))
}

// openData opens the folder, "" being none, and what it has of Secrets Manager.
func (s *Stack) openData(dir string) (err error) {
	if dir == "" {
		s.Secrets = secretsmanager.New()
		return nil
	}
	d := &data{dir}
	if err := os.MkdirAll(d.path("executions"), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(d.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.onClose(lock.Close)
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { // it ends with the process
		return fmt.Errorf("the folder %s is another stack's: end that one, or take another folder", dir)
	}
	s.data = d
	s.Secrets, err = secretsmanager.Open(d.path("secrets.json"))
	return err
}

func (s *Stack) openBuckets() (err error) {
	if s.data != nil {
		s.S3, err = s3.Open(s.data.path("s3"), s3.Options{OnCreated: s.objectCreated})
		return err
	}
	dir, err := s.tempDir()
	if err != nil {
		return err
	}
	s.S3 = s3.New(s3.Options{Dir: dir, OnCreated: s.objectCreated})
	return nil
}

// azureAccess is where a stack's Azure is.
type azureAccess struct {
	Endpoint string `json:"endpoint"`
	APIKey   string `json:"api_key,omitempty"` // "" where Entra signs in
	Emulator bool   `json:"emulator"`
}

// putSecrets makes the secrets that a stack begins with. Those of an earlier stack stay as their owner has edited them, with
// the emulator's new address and key. Jobs must not go on at another Azure than the one that has their batches.
func (s *Stack) putSecrets(azure string) error {
	id, callers := s.Template.Parameters["AzureSecretId"], s.CallersSecretID()
	if _, kept := s.Secrets.Get(callers); !kept {
		s.Secrets.Put(callers, callersSecret())
	}
	if s.data == nil {
		s.Secrets.Put(id, azure)
		return nil
	}
	now := azureAccess{s.AzureURL, apiKeyOf(azure), s.Emulator != nil}
	var known []azureAccess // the one that the secret has, and the one before, if a stack was killed between two writes
	if _, err := readJSON(s.data.path("azure.json"), &known); err != nil {
		return err
	}
	changes, replaceable := []string{}, now.APIKey != ""
	for _, then := range known {
		switch {
		case then.Emulator && !now.Emulator:
			return fmt.Errorf("the folder %s has jobs of the emulator: start without AZURE_OPENAI_ENDPOINT, or take another folder", s.data.dir)
		case !then.Emulator && then.Endpoint != now.Endpoint:
			return fmt.Errorf("the folder %s has jobs of %s: start with AZURE_OPENAI_ENDPOINT=%[2]s and AZURE_OPENAI_API_KEY, or take another folder", s.data.dir, then.Endpoint)
		}
		replaceable = replaceable && then.APIKey != ""
		changes = append(changes, then.Endpoint, now.Endpoint, then.APIKey, now.APIKey)
	}
	known = append(known, now)
	known = known[max(0, len(known)-2):]
	if err := atomicfile.Write(s.data.path("azure.json"), []byte(encode(known))); err != nil {
		return err
	}
	if kept, ok := s.Secrets.Get(id); ok && replaceable {
		azure = strings.NewReplacer(changes...).Replace(kept)
	}
	s.Secrets.Put(id, azure)
	return nil
}

// apiKeyOf is the API key in the Azure secret of a stack, "" if there is none.
func apiKeyOf(secret string) string {
	var in struct {
		APIKey    string           `json:"api_key"`
		Resources []secretResource `json:"resources"`
	}
	if json.Unmarshal([]byte(secret), &in) == nil && len(in.Resources) > 0 {
		return in.Resources[0].APIKey
	}
	return in.APIKey
}

// readJSON reads a file. found is false where there is none.
func readJSON(path string, into any) (found bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}
