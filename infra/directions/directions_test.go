// Package directions keeps the module's imports going one way: from functions down to the bottom of
// shared, and never between shared and the local stack. It does not ask the go command, but reads
// the source itself: go test would cache a passing `go list` without knowing what that had read.
package directions

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "aoai-bridge/"

// layers are the packages of shared, the top first. A package imports those of lower layers only;
// a new one is put in the lowest layer that is above everything it imports. What is in a folder of a package belongs to
// it, unless that package has rooms here: each of them is a package of its own.
var layers = [][]string{
	{"batchapi"},
	{"bootstrap", "estimateapi", "batch"},
	{"batch/part", "batch/ending"},
	{"batch/progress"},
	{"lambdahttp", "inference", "batch/plan", "batch/failures", "batch/claims"},
	{"batch/online"},
	{"openaiapi", "batch/cost"},
	{"batch/job"},
	{"callers", "estimate", "azurebatch", "retirement"},
	{"azure", "tokens"},
	{"permits"},
	{"routing"},
	{"azuresecret", "batch/jsonl", "batch/source"},
	{"catalog", "usage"},
	{"openaierr", "config", "secrets", "bucket", "refresh", "rawjson", "telemetry"},
	{"decimal", "urlpath", "clock", "logsafe", "release"},
}

// beside are the imports within a layer that there is a reason for.
var beside = map[edge]string{
	{"secrets", "refresh"}:     "a secret is a value that is refreshed",
	{"telemetry", "openaierr"}: "a call that fails is answered and noted in one place",
}

type edge struct{ from, to string }

// Who in shared may do what the others may not.
var (
	knowLambda      = []string{"lambdahttp", "bootstrap"}
	readEnvironment = []string{"bootstrap", "config"}
	readClock       = []string{"clock", "telemetry", "azure"} // the latter two for durations within a call
)

func TestModule(t *testing.T) {
	found, used := check(t, os.DirFS("../.."))
	for _, violation := range found {
		t.Error(violation)
	}
	for e := range beside {
		if !used[e] {
			t.Errorf("beside allows %s to import %s, which it does not: take that out", e.from, e.to)
		}
	}
}

// check returns what is wrong in a module, and the edges within a layer that it has.
func check(t *testing.T, module fs.FS) (found []string, used map[edge]bool) {
	t.Helper()
	used = make(map[edge]bool)
	for _, root := range []string{"functions", "shared", "infra"} {
		err := fs.WalkDir(module, root, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules" || strings.ContainsAny(entry.Name()[:1], "._")):
				return fs.SkipDir // as the go command skips them, and what npm brings
			case entry.IsDir() || path.Ext(name) != ".go":
				return nil
			}
			source, err := fs.ReadFile(module, name)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, violation := range examine(name, file, used) {
				found = append(found, name+" "+violation)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found, used
}

// examine returns what is wrong in one file. Tests may look further than what they test: those of
// functions and shared at the local stack, and at any package of shared.
func examine(name string, file *ast.File, used map[edge]bool) (found []string) {
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	test := strings.HasSuffix(name, "_test.go")
	root, rest, _ := strings.Cut(name, "/")
	from := packageOf(path.Dir(rest)) // of shared
	if root == "shared" && layer(from) < 0 {
		report("is in no layer: put %q in the table of layers in infra/directions, in the lowest that is above everything it imports", from)
	}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to it
		to, inShared := strings.CutPrefix(imported, module+"shared/")
		to = packageOf(to)
		switch {
		case strings.HasPrefix(imported, module+"functions/"):
			report("imports %s: functions are never imported", imported)
		case inShared && strings.HasPrefix(name, "infra/local/"):
			report("imports %s: the local stack imports nothing of shared, so that each wire is read twice independently", imported)
		case test:
		case strings.HasPrefix(imported, module+"infra/") && root != "infra":
			report("imports %s: only tests of %s may import from infra", imported, root)
		case inShared && root == "shared" && from != to && layer(to) <= layer(from):
			e := edge{from, to}
			used[e] = true
			if beside[e] == "" {
				report("imports %s: %s is not below %s; see the table of layers in infra/directions", imported, to, from)
			}
		case strings.HasPrefix(imported, "github.com/aws/aws-lambda-go/") && root == "shared" && !slices.Contains(knowLambda, from):
			report("imports %s: in shared, only %s know Lambda", imported, strings.Join(knowLambda, " and "))
		}
	}
	if root == "shared" && !test {
		for _, rule := range []struct {
			functions map[string][]string
			allowed   []string
			what      string
		}{
			{environmentReaders, readEnvironment, "read the environment"},
			{clockReaders, readClock, "read the time: what is kept is compared by clock.Wall, which goes on while a function is frozen"},
		} {
			for _, call := range uses(file, rule.functions) {
				if !slices.Contains(rule.allowed, from) {
					report("uses %s: in shared, only %s %s", call, strings.Join(rule.allowed, " and "), rule.what)
				}
			}
		}
	}
	return found
}

// packageOf returns the package of shared that a folder belongs to.
func packageOf(folder string) string {
	top, _, nested := strings.Cut(folder, "/")
	rooms := slices.ContainsFunc(layers, func(l []string) bool {
		return slices.ContainsFunc(l, func(name string) bool { return strings.HasPrefix(name, top+"/") })
	})
	if nested && rooms {
		return folder
	}
	return top
}

// layer returns the place of a package in the table, -1 if it has none.
func layer(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
}

var (
	environmentReaders = map[string][]string{
		"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		"syscall": {"Getenv", "Environ"},
	}
	clockReaders = map[string][]string{"time": {"Now"}}
)

// uses returns which of the functions of other packages a file uses, as it names them.
func uses(file *ast.File, functions map[string][]string) (calls []string) {
	names := make(map[string]string) // of the packages, in the file
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := imported
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(functions[names[x.Name]], s.Sel.Name) {
				calls = append(calls, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return calls
}

func TestRules(t *testing.T) {
	tests := []struct {
		name, file, source string
		want               string // in the one violation; "" for none
	}{
		{"function uses shared", "functions/chat/main.go", `import "aoai-bridge/shared/bootstrap"`, ""},
		{"function uses a function", "functions/chat/main.go", `import "aoai-bridge/functions/embeddings"`, "never imported"},
		{"shared uses a function", "shared/azure/a_test.go", `import "aoai-bridge/functions/chat"`, "never imported"},
		{"function uses infra", "functions/chat/main.go", `import "aoai-bridge/infra/local/sts"`, "only tests of functions"},
		{"function's test uses infra", "functions/chat/main_test.go", `import "aoai-bridge/infra/local/sts"`, ""},
		{"down", "shared/inference/a.go", `import "aoai-bridge/shared/azure"`, ""},
		{"down two layers", "shared/callers/a.go", `import "aoai-bridge/shared/openaierr"`, ""},
		{"up", "shared/azure/a.go", `import "aoai-bridge/shared/inference"`, "inference is not below azure"},
		{"up, named", "shared/azure/a.go", `import x "aoai-bridge/shared/inference"`, "inference is not below azure"},
		{"up in a test", "shared/azure/a_test.go", `import "aoai-bridge/shared/inference"`, ""},
		{"beside", "shared/telemetry/a.go", `import "aoai-bridge/shared/config"`, "config is not below telemetry"},
		{"beside, for a reason", "shared/inference/a.go", `import "aoai-bridge/shared/callers"`, ""},
		{"beside, the other way", "shared/callers/a.go", `import "aoai-bridge/shared/inference"`, "inference is not below callers"},
		{"within a package's folder", "shared/tokens/a.go", `import "aoai-bridge/shared/tokens/vocabulary"`, ""},
		{"folder within goes up", "shared/tokens/vocabulary/a.go", `import "aoai-bridge/shared/batch"`, "batch is not below tokens"},
		{"room, down", "shared/batch/plan/a.go", `import "aoai-bridge/shared/batch/job"`, ""},
		{"room, down to the last", "shared/batch/a.go", `import "aoai-bridge/shared/batch/jsonl"`, ""},
		{"room, up", "shared/batch/job/a.go", `import "aoai-bridge/shared/batch/plan"`, "batch/plan is not below batch/job"},
		{"room, up to the whole", "shared/batch/jsonl/a.go", `import "aoai-bridge/shared/batch"`, "batch is not below batch/jsonl"},
		{"room, out and up", "shared/batch/jsonl/a.go", `import "aoai-bridge/shared/azurebatch"`, "azurebatch is not below batch/jsonl"},
		{"up to a room", "shared/azurebatch/a.go", `import "aoai-bridge/shared/batch/job"`, "batch/job is not below azurebatch"},
		{"unknown room", "shared/batch/helpers/a.go", ``, `put "batch/helpers" in the table`},
		{"unknown package", "shared/helpers/a.go", ``, `put "helpers" in the table`},
		{"shared uses infra", "shared/azure/a.go", `import "aoai-bridge/infra/local/sts"`, "only tests of shared"},
		{"shared's test uses infra", "shared/azure/a_test.go", `import "aoai-bridge/infra/local/sts"`, ""},
		{"local stack uses shared", "infra/local/sts/a.go", `import "aoai-bridge/shared/rawjson"`, "nothing of shared"},
		{"local stack's test uses shared", "infra/local/sts/a_test.go", `import "aoai-bridge/shared/rawjson"`, "nothing of shared"},
		{"tool uses shared", "infra/key/a.go", `import "aoai-bridge/shared/callers"`, ""},
		{"Lambda", "shared/inference/a.go", `import "github.com/aws/aws-lambda-go/events"`, "know Lambda"},
		{"Lambda in its place", "shared/lambdahttp/a.go", `import "github.com/aws/aws-lambda-go/events"`, ""},
		{"Lambda in a function", "functions/chat/a.go", `import "github.com/aws/aws-lambda-go/lambda"`, ""},
		{"environment", "shared/azure/a.go", "import \"os\"\nvar home = os.Getenv(\"HOME\")", "uses os.Getenv"},
		{"environment, as a value", "shared/azure/a.go", "import sys \"os\"\nvar env = sys.LookupEnv", "uses sys.LookupEnv"},
		{"environment in its place", "shared/config/a.go", "import \"os\"\nvar home = os.Getenv(\"HOME\")", ""},
		{"time", "shared/refresh/a.go", "import \"time\"\nvar now = time.Now", "uses time.Now"},
		{"time, now", "shared/routing/a.go", "import \"time\"\nvar start = time.Now()", "uses time.Now"},
		{"time in its place", "shared/clock/a.go", "import \"time\"\nvar now = time.Now", ""},
		{"time in a test", "shared/refresh/a_test.go", "import \"time\"\nvar now = time.Now", ""},
		{"os otherwise", "shared/azure/a.go", "import \"os\"\nvar out = os.Stdout", ""},
		{"testdata", "shared/azure/testdata/a.go", `import "aoai-bridge/shared/inference"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{test.file: {Data: []byte("package p\n" + test.source)}}
			for _, root := range []string{"functions", "shared", "infra"} {
				files[root] = &fstest.MapFile{Mode: fs.ModeDir}
			}
			found, _ := check(t, files)
			if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || !strings.Contains(found[0], test.want)) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// A package in two layers would be in the upper one only.
func TestLayers(t *testing.T) {
	seen := make(map[string]int)
	for _, l := range layers {
		for _, name := range l {
			seen[name]++
		}
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("%s is in %d layers", name, n)
		}
	}
	for e := range beside {
		if layer(e.from) != layer(e.to) {
			t.Errorf("%s and %s are not of one layer", e.from, e.to)
		}
	}
}
