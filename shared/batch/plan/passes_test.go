package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
)

// turns is a file of groups whose lines take turns, and runs the same lines group by group.
func turns(groups, each int) (turns, runs string) {
	lines := make([][]string, groups)
	for g := range groups {
		for i := range each {
			url, mode := "/v1/chat/completions", ""
			if g%2 == 1 {
				url = "/v1/responses"
			}
			if g/2%5 == 2 {
				mode = `"mode":"online",`
			}
			lines[g] = append(lines[g], fmt.Sprintf(`{"custom_id":"%d-%d",%s"method":"POST","url":%q,"body":{"model":"model-%d","input":"Say word%d"}}`+"\n", g, i, mode, url, g/2, i))
		}
	}
	var taken, run strings.Builder
	for i := range each {
		for g := range groups {
			taken.WriteString(lines[g][i])
		}
	}
	for g := range groups {
		run.WriteString(strings.Join(lines[g], ""))
	}
	return taken.String(), run.String()
}

// cut is what the parts of a job hold: of each its group and its lines, without their numbers.
func (w *world) cut(id string) (parts []string) {
	w.t.Helper()
	for _, p := range w.planOf(id).Parts {
		var ids strings.Builder
		lines, _ := w.Get(fmt.Sprintf("jobs/%s/parts/%05d/try-00/lines.tsv", id, p.Number))
		for line := range strings.Lines(lines) {
			_, id, _ := strings.Cut(line, "\t")
			ids.WriteString(strings.TrimSpace(id) + " ")
		}
		parts = append(parts, fmt.Sprintf("%s %s %s %s %d lines, %d and %d tokens: %s", p.Mode, p.Model, p.Endpoint, p.Deployment, p.Lines, p.Tokens, p.OutputTokens, ids.String()))
	}
	slices.Sort(parts)
	return parts
}

// checkOnce checks that every line of a source is in one part or among the rejected, and in none twice; that lists
// are in the source's order; and that parts know what they hold.
func (w *world) checkOnce(t *testing.T, id string, lines int) {
	t.Helper()
	plan := w.planOf(id)
	seen := make([]int, lines+1)
	list := func(key string) (first, last, n int) {
		content, found := w.Get(key)
		if !found {
			t.Fatalf("there is no %s", key)
		}
		for line := range strings.Lines(content) {
			number := 0
			if _, err := fmt.Sscanf(line, "%d\t", &number); err != nil || number <= last || number > lines {
				t.Fatalf("%s has %.60q after line %d", key, line, last)
			}
			seen[number]++
			if n++; first == 0 {
				first = number
			}
			last = number
		}
		return first, last, n
	}
	rejected := 0
	for pass := range plan.Passes {
		_, _, n := list(fmt.Sprintf("jobs/%s/rejected-%04d.jsonl", id, pass))
		rejected += n
	}
	for i, p := range plan.Parts {
		dir := fmt.Sprintf("jobs/%s/parts/%05d/", id, p.Number)
		first, last, n := list(dir + "try-00/lines.tsv")
		if p.Number != i+1 || p.First != first || p.Last != last || p.Lines != n {
			t.Errorf("part %d is %+v, and has %d lines from %d to %d", i+1, p, n, first, last)
		}
		requests, _ := w.Get(dir + "try-00/requests.jsonl")
		if strings.Count(requests, "\n") != n || int64(len(requests)) != p.Bytes || !strings.HasPrefix(requests, fmt.Sprintf(`{"custom_id":"%d"`, first)) {
			t.Errorf("part %d has %d lines, and its requests are %d bytes: %.100s", p.Number, n, len(requests), requests)
		}
	}
	for number, n := range seen[1:] {
		if n != 1 {
			t.Fatalf("line %d is in %d lists", number+1, n)
		}
	}
	if plan.Lines != lines || plan.Rejected != rejected {
		t.Errorf("the plan counts %d lines and %d rejected, want %d and %d", plan.Lines, plan.Rejected, lines, rejected)
	}
}

// Parts have the same lines whether groups take turns or come one after the other, however many there are.
func TestPartsWhateverTheOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ open, groups, each, quota, parts int }{
		{10, 6, 4, 0, 6}, {10, 10, 2, 0, 10}, {10, 11, 2, 0, 11}, {10, 45, 2, 0, 45},
		{10, 20, 3, 10, 0}, // of those for batch two lines fill a part
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			w := newWorld(t)
			w.maxOpen, w.env.EnqueuedTokens = tt.open, int64(tt.quota)
			w.anyModel()
			taken, run := turns(tt.groups, tt.each)
			w.Put("inbox/taken.jsonl", taken)
			w.Put("inbox/run.jsonl", run)
			got, want := w.plan(w.event("inbox/taken.jsonl")), w.plan(w.event("inbox/run.jsonl"))
			w.checkOnce(t, got.Job, tt.groups*tt.each)
			g, p := w.cut(got.Job), w.cut(want.Job)
			if strings.Join(g, "\n") != strings.Join(p, "\n") {
				t.Errorf("got %d parts such as\n%s\nwant %d such as\n%s", len(g), g[0], len(p), p[0])
			}
			if tt.quota == 0 && len(g) != tt.parts {
				t.Errorf("%d parts, want %d", len(g), tt.parts)
			}
		})
	}
}

// Of as many groups as may be open at once in Lambda and some more, each has one part.
func TestMoreGroupsThanAreOpen(t *testing.T) {
	t.Parallel()
	const groups = 203
	w := newWorld(t)
	w.anyModel()
	taken, _ := turns(groups, 2)
	w.Put("inbox/n.jsonl", taken)
	a := w.plan(w.event("inbox/n.jsonl"))
	w.checkOnce(t, a.Job, 2*groups)
	made := w.planOf(a.Job)
	for _, p := range made.Parts {
		if p.Lines != 2 {
			t.Errorf("part %d has %d lines", p.Number, p.Lines)
		}
	}
	if len(made.Parts) != groups || made.Passes != 2 {
		t.Errorf("%d passes made %d parts", made.Passes, len(made.Parts))
	}
}

// A plan that is interrupted in the source and in each spill goes on: no line is lost or twice, and bad ones are
// rejected once, those too whose model is gone when their pass comes.
func TestEachPassGoesOn(t *testing.T) {
	t.Parallel()
	const groups = 24
	taken, _ := turns(groups, 3)
	bad := `{"method":"POST","url":"/v1/chat/completions","body":{}}` + "\n"
	file := bad + strings.ReplaceAll(taken, `"Say word1"}}`+"\n", `"Say word1"}}`+"\n"+bad)
	lines := strings.Count(file, "\n")
	for _, tt := range []struct{ gone, compressed bool }{{false, false}, {true, false}, {false, true}} {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			w, content, gone := newWorld(t), file, tt.gone
			if tt.compressed {
				content = compress(file[:2000]) + compress(file[2000:])
			}
			w.anyModel()
			w.Put("inbox/n.jsonl", content)
			w.maxOpen, w.tick, w.limit = 10, time.Second, 55*time.Second
			var inSource, inSpill, late int
			var before job.Spill
			a := &plan.Answer{Status: "planning"}
			for a.Status == "planning" {
				var err error
				if a, err = w.planOnce(w.event("inbox/n.jsonl")); err != nil {
					t.Fatal(err)
				}
				plan := w.planOf(a.Job)
				switch {
				case !plan.Read:
					inSource++
				case len(plan.Spills) > 0 && plan.Spills[0].Number == before.Number && plan.Spills[0].Offset > before.Offset:
					inSpill++ // and has gone on in it
				}
				if len(plan.Spills) > 0 {
					before = plan.Spills[0]
				}
				if plan.Read {
					w.limit = 10 * time.Second // for some lines of a spill
				}
				if gone && plan.Read && late == 0 {
					w.deployments(`{"model":"gpt-4o"}`)
					w.now, late = w.now.Add(time.Hour), plan.Rejected
				}
			}
			if inSource < 2 || inSpill < 1 {
				t.Errorf("the plan was interrupted %d times in the source and %d times in spills", inSource, inSpill)
			}
			w.checkOnce(t, a.Job, lines)
			if plan := w.planOf(a.Job); gone != (plan.Rejected > groups+1) || gone != (plan.Rejected > late && late > 0) {
				t.Errorf("%d lines were rejected, %d before the models were gone", plan.Rejected, late)
			}
		})
	}
}

// A plan that fails at any write is made again from the last pass, and comes out as if nothing had been.
func TestKilledPasses(t *testing.T) {
	t.Parallel()
	taken, _ := turns(13, 2)
	var want string
	for _, kill := range []struct {
		key  string
		time int // of the writes of that key
	}{
		{"none", 1}, {"spill-0000", 1}, {"rejected-0001", 1}, {"plan.json", 1}, {"plan.json", 2},
		{"00013/try-00/requests.jsonl", 1},
	} {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			w := newWorld(t)
			w.maxOpen = 10
			w.anyModel()
			w.Put("inbox/n.jsonl", taken)
			var writes atomic.Int64
			w.Refuses = func(r *http.Request) bool {
				return r.Method == http.MethodPut && strings.Contains(r.URL.Path, kill.key) && int(writes.Add(1)) == kill.time
			}
			_, err := w.planOnce(w.event("inbox/n.jsonl"))
			if (err != nil) != (kill.key != "none") {
				t.Fatalf("got %v", err)
			}
			if open := w.openFiles(); open > 0 {
				t.Errorf("%d temporary files are open", open)
			}
			a := w.plan(w.event("inbox/n.jsonl"))
			w.checkOnce(t, a.Job, 26)
			got := strings.Join(w.cut(a.Job), "\n")
			if kill.key == "none" {
				want = got
			}
			if got != want || strings.Count(got, "\n") != 12 {
				t.Errorf("the parts are others: %d", strings.Count(got, "\n")+1)
			}
		})
	}
}

// openFiles is how many temporary files the world's service has open, as far as the system says.
func (w *world) openFiles() (open int) {
	dir := filepath.Dir(w.t.TempDir())
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(name, dir) && strings.Contains(name, "chunk-") {
			open++
		}
	}
	return open
}

// An error in the middle of a pass leaves no upload in S3 and no file open, with chunks on their way or waiting.
func TestAbandon(t *testing.T) {
	var file strings.Builder
	for i := range 9 { // a chunk and some more
		file.WriteString(chat(fmt.Sprint(i), "model-0", strings.Repeat("x", 1<<20)) + "\n")
	}
	file.WriteString(chat("9", "model-1", "x") + "\n")
	for _, refused := range []string{"partNumber=2", "plan.json", "00002/part.json"} {
		t.Run(refused, func(t *testing.T) {
			w := newWorld(t)
			w.anyModel()
			w.Put("inbox/n.jsonl", file.String()+strings.Repeat("bad\n", 10))
			var created, ended, struck atomic.Int64
			open := 0
			w.Refuses = func(r *http.Request) bool {
				q := r.URL.Query()
				switch {
				case r.Method == http.MethodPost && q.Has("uploads"):
					created.Add(1)
				case q.Has("uploadId") && (r.Method == http.MethodDelete || r.Method == http.MethodPost):
					ended.Add(1)
				case r.Method == http.MethodPut && strings.Contains(r.URL.String(), refused) && struck.Add(1) == 1:
					open = w.openFiles()
					return true
				}
				return false
			}
			if _, err := w.planOnce(w.event("inbox/n.jsonl")); err == nil {
				t.Fatal("the plan was made")
			}
			if refused == "partNumber=2" && open == 0 && runtime.GOOS == "linux" {
				t.Error("no file was open when S3 refused")
			}
			if created.Load() == 0 || created.Load() != ended.Load() || w.openFiles() > 0 {
				t.Errorf("of %d uploads %d have ended, and %d files are open", created.Load(), ended.Load(), w.openFiles())
			}
			a := w.plan(w.event("inbox/n.jsonl"))
			w.checkOnce(t, a.Job, 20)
			if created.Load() != ended.Load() || a.Parts != 2 {
				t.Errorf("made again: of %d uploads %d have ended, and there are %d parts", created.Load(), ended.Load(), a.Parts)
			}
		})
	}
}

// A plan that an earlier version began is gone on with. That version knew of no spills and kept 32 parts open, so
// that groups taking turns have got a part for each line; testdata has its objects as it left them, in the middle of
// the file.
func TestPlanOfAnEarlierVersion(t *testing.T) {
	w := newWorld(t)
	w.anyModel()
	raw, err := os.ReadFile("testdata/interrupted-plan.json")
	if err != nil {
		t.Fatal(err)
	}
	var objects map[string]string
	if err := json.Unmarshal(raw, &objects); err != nil {
		t.Fatal(err)
	}
	w.Put("inbox/n.jsonl", objects["inbox/n.jsonl"])
	var event, old struct {
		Object struct {
			Version string `json:"version-id"`
		} `json:"object"`
		Version string `json:"version_id"`
	}
	if err := errors.Join(json.Unmarshal([]byte(w.event("inbox/n.jsonl")), &event), json.Unmarshal([]byte(objects["jobs/job_old/job.json"]), &old)); err != nil {
		t.Fatal(err)
	}
	for key, content := range objects {
		if key != "inbox/n.jsonl" {
			w.Put(key, strings.ReplaceAll(content, old.Version, event.Object.Version))
		}
	}
	before := w.planOf("job_old")
	if before.Done || before.Offset == 0 || len(before.Parts) != before.Lines {
		t.Fatalf("the old plan is %+v", before)
	}
	a := w.plan(`{"bucket":"` + bucket + `","key":"inbox/n.jsonl","job":"job_old"}`)
	w.checkOnce(t, "job_old", 121)
	if plan := w.planOf("job_old"); a.Status != "planned" || plan.Rejected != 1 || len(plan.Parts) != len(before.Parts)+40 {
		t.Errorf("%+v: %d parts after %d", a, len(plan.Parts), len(before.Parts))
	}
}

// Names without end: those that no deployment has are errors of their lines, those that may have one end the job
// before anything is sent.
func TestManyNames(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	const lines = 5_000 // more than the names that are remembered, and than the groups of a job
	for i := range lines {
		fmt.Fprintf(&file, `{"method":"POST","url":"/v1/responses","body":{"model":"m-%d","input":"a"}}`+"\n", i)
	}
	for _, tt := range []struct {
		name, code string
		any        bool
		rejected   int
	}{{"of no deployment", "", false, lines}, {"of any deployment", "too_many_models", true, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.any {
				w.anyModel()
			}
			w.Put("inbox/n.jsonl", file.String())
			a := w.plan(w.event("inbox/n.jsonl"))
			made, code := w.planOf(a.Job), ""
			if made.Failure != nil {
				code = made.Failure.Code
			}
			if a.Status != "report" || code != tt.code || made.Rejected != tt.rejected {
				t.Errorf("%+v: %d lines are rejected, %+v", a, made.Rejected, made.Failure)
			}
			found, err := w.planner().Survey(t.Context(), plan.Source{Key: "inbox/n.jsonl"})
			if err != nil {
				t.Fatal(err)
			}
			if last := found.Refusals[len(found.Refusals)-1]; found.Lines != lines || found.Refused < lines-1000 || tt.any && last.Code != tt.code {
				t.Errorf("a survey refuses %d of %d lines, at last %+v", found.Refused, found.Lines, last)
			}
		})
	}
}
