// Package bootstraps builds functions for tests, as the Makefile does, so that what is tested is what is
// deployed. It does not know what they do.
package bootstraps

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is what a process has built, once. Main removes it.
var built struct {
	sync.Mutex
	dir     string            // a temporary one; "" until something is built
	folders map[string]string // by module root or package
}

// For returns a folder with <function>/bootstrap for each function. root is the module's.
func For(t testing.TB, root string) string {
	t.Helper()
	return buildOnce(t, root, func(dir string) error {
		return errors.Join(statFiles(filepath.Join(root, "functions")), statFiles(filepath.Join(root, "shared")), buildAll(root, dir))
	})
}

// Of returns the bootstrap of one package, which is named relative to that of the test.
func Of(t testing.TB, pkg string) string {
	t.Helper()
	dir := buildOnce(t, pkg, func(dir string) error {
		return errors.Join(statFiles(pkg), buildPackage(".", filepath.Join(dir, "bootstrap"), pkg))
	})
	return filepath.Join(dir, "bootstrap")
}

// Main runs a package's tests and ends the process: its TestMain.
func Main(m *testing.M) { Exit(m.Run()) }

// Exit removes what was built and ends the process: the last call of a TestMain that has something to end before.
func Exit(code int) {
	os.RemoveAll(built.dir)
	os.Exit(code)
}

// buildOnce returns the folder in which a module or a package has been built.
func buildOnce(t testing.TB, target string, build func(dir string) error) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if dir, ok := built.folders[target]; ok {
		return dir
	}
	if built.dir == "" {
		var err error
		if built.dir, err = os.MkdirTemp("", "bootstraps-"); err != nil {
			t.Fatal(err)
		}
		built.folders = map[string]string{}
	}
	dir := filepath.Join(built.dir, fmt.Sprint(len(built.folders)))
	if err := errors.Join(os.Mkdir(dir, 0o755), build(dir)); err != nil {
		t.Fatal(err)
	}
	built.folders[target] = dir
	return dir
}

// statFiles has `go test` notice when a source changes: a cached result is valid until a file changes that the
// test itself has looked at.
func statFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = os.Stat(path)
		}
		return err
	})
}

func buildAll(root, dir string) error {
	bin := filepath.Join(dir, "bin")
	if err := buildPackage(root, bin+"/", "./functions/..."); err != nil {
		return err
	}
	functions, err := os.ReadDir(bin)
	for _, f := range functions {
		folder := filepath.Join(dir, f.Name())
		err = errors.Join(err, os.Mkdir(folder, 0o755), os.Rename(filepath.Join(bin, f.Name()), filepath.Join(folder, "bootstrap")))
	}
	return err
}

func buildPackage(in, to, pkg string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", to, pkg)
	cmd.Dir = in
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
