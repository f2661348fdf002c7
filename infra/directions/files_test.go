package directions

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// order are the files of packages that are read from the top down: a file uses what the files after it declare, and
// nothing of those before it.
var order = map[string][]string{
	"shared/batch/cost": {"purse.go", "account.go", "summary.go", "estimate.go", "bill.go", "meter.go"},
	"shared/batch": {
		"tasks.go", "planning.go", "report.go", "cancel.go", "service.go",
	},
	"shared/batch/part": {
		"collect.go", "settle.go", "unanswered.go", "twice.go", "fetch.go", "poll.go", "submit.go", "endpoint.go", "room.go", "doubt.go", "creation.go", "upload.go",
		"callonline.go", "afford.go", "work.go", "service.go",
	},
	"shared/batch/online": {"online.go", "killed.go", "segments.go"},
	"shared/batch/plan": {
		"make.go", "pass.go", "cut.go", "fill.go", "survey.go", "surveyrow.go", "stretch.go", "placer.go", "estimate.go",
		"groups.go", "planner.go",
	},
	"shared/batch/job":   {"step.go", "state.go", "status.go", "summary.go", "sending.go", "plan.go", "failure.go", "job.go", "input.go", "options.go", "optionnames.go", "limits.go", "part.go", "tally.go", "names.go", "keys.go"},
	"shared/batch/jsonl": {"merge.go", "downloads.go", "picker.go", "code.go", "answers.go", "result.go", "request.go", "line.go", "url.go", "scanner.go", "longline.go", "number.go"},
}

// mostLines is how long such a package may become before it is time to cut it, without its tests.
const mostLines = 1700

func TestFiles(t *testing.T) {
	for dir, files := range order {
		for _, violation := range checkFiles(t, os.DirFS("../.."), dir, files) {
			t.Error(violation)
		}
	}
}

// checkFiles returns what is wrong with a package: its length, and the order of its files. Other packages are taken to be
// empty, so a use that only their types lead to is not seen.
func checkFiles(t *testing.T, module fs.FS, dir string, files []string) (found []string) {
	t.Helper()
	entries, err := fs.ReadDir(module, dir)
	if err != nil {
		t.Fatal(err)
	}
	places := token.NewFileSet()
	var parsed []*ast.File
	lines := 0
	for _, entry := range entries {
		name := entry.Name()
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := fs.ReadFile(module, path.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(source, []byte{'\n'})
		file, err := parser.ParseFile(places, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Decls) > 0 && !slices.Contains(files, name) {
			found = append(found, fmt.Sprintf("%s/%s is not among the files in infra/directions: put it above all that it uses", dir, name))
		}
		parsed = append(parsed, file)
	}
	if lines > mostLines {
		found = append(found, fmt.Sprintf("%s has %d lines, more than %d: cut it into packages", dir, lines, mostLines))
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := &types.Config{Importer: empty{}, Error: func(error) {}} // most errors are for want of the other packages
	pkg, _ := config.Check(dir, places, parsed, info)
	fileOf := func(p token.Pos) string { return places.Position(p).Filename }
	seen := map[string]bool{}
	for use, object := range info.Uses {
		user, owner := fileOf(use.Pos()), fileOf(object.Pos())
		if object.Pkg() != pkg || slices.Index(files, owner) >= slices.Index(files, user) {
			continue
		}
		if violation := fmt.Sprintf("%s/%s uses %s of %s, which is above it", dir, user, object.Name(), owner); !seen[violation] {
			seen[violation] = true
			found = append(found, violation)
		}
	}
	slices.Sort(found)
	return found
}

// empty imports every package as one that declares nothing.
type empty struct{}

func (empty) Import(name string) (*types.Package, error) {
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

func TestFileRules(t *testing.T) {
	const low = "import \"context\"\ntype Low struct{ field int }\nfunc (l *Low) method(context.Context) {}\nfunc function() {}\nconst constant = 1\n"
	tests := []struct {
		name, high, low string
		want            string // in the one violation; "" for none
	}{
		{"down", "var l Low\nfunc f() { function(); l.method(nil); l.field = constant }", low, ""},
		{"a function of a file above", "func above() {}", low + "func f() { above() }", "low.go uses above of high.go"},
		{"a method of a file above", "func (l *Low) above() {}", low + "func f(l *Low) { l.above() }", "low.go uses above of high.go"},
		{"a type of a file above", "type above struct{}", low + "type t struct{ a above }", "low.go uses above of high.go"},
		{"a constant of a file above", "const above = 1", low + "var v = above", "low.go uses above of high.go"},
		{"a function of one's own by the same name", "func above() {}", low + "func f() { above := 1; _ = above }", ""},
		{"within a call of another package", "func above() {}", "import \"sync\"\nfunc f() { sync.OnceFunc(func() { above() }) }", "low.go uses above of high.go"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := checkFiles(t, fstest.MapFS{
				"p/high.go": {Data: []byte("package p\n" + test.high)}, "p/low.go": {Data: []byte("package p\n" + test.low)},
				"p/low_test.go": {Data: []byte("package p\nfunc above() {}\nfunc g() { above() }")},
			}, "p", []string{"high.go", "low.go"})
			if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || !strings.Contains(found[0], test.want)) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
	found := checkFiles(t, fstest.MapFS{"p/new.go": {Data: []byte("package p\nvar v int")}, "p/doc.go": {Data: []byte("package p")}}, "p", nil)
	if len(found) != 1 || !strings.Contains(found[0], "p/new.go is not among the files") {
		t.Errorf("of a file without a place: %q", found)
	}
	long := []byte("package p" + strings.Repeat("\n", mostLines+1))
	if found := checkFiles(t, fstest.MapFS{"p/a.go": {Data: long}}, "p", nil); len(found) != 1 || !strings.Contains(found[0], "cut it into packages") {
		t.Errorf("of a long package: %q", found)
	}
}
