// Package atomicfile writes small files that are there whole or not at all, whatever ends the process or the machine.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unfinished leads the names of files that are being written.
const unfinished = ".unfinished-"

// Write makes content the file's. When it returns the file is on the disk.
func Write(path string, content []byte) error {
	file, err := Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, Commit(file, path)); err != nil {
		_ = os.Remove(file.Name()) // Clean removes it otherwise
	}
	return err
}

// Create makes a file for Commit, in the folder where it is to be.
func Create(dir string) (*os.File, error) { return os.CreateTemp(dir, unfinished) }

// Commit closes a file of Create and gives it its name, which must be in the same folder. When it returns the file is on
// the disk.
func Commit(file *os.File, path string) error {
	err := file.Sync()
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Remove removes a file, if there is one. When it returns that is on the disk.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Names returns the names of the files in a folder, in their order, and removes what was never finished.
func Names(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		switch {
		case entry.IsDir():
		case strings.HasPrefix(entry.Name(), unfinished):
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return nil, err
			}
		default:
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
