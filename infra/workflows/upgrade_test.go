package workflows_test

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

// upgrades has a folder for each version whose jobs this one has to finish; its README says how one is added.
const upgrades = "testdata/upgrade"

var recordAs = flag.String("record", "", "record the jobs of this version in testdata/upgrade/`VERSION`")

// longestReplay is how long a test waits for a job.
const longestReplay = 20 * time.Second

// Functions change under executions that keep their definition, for as long as a batch takes. So a job that another
// version has brought to some point is finished by the functions of this one: under the definition that it began with,
// under today's, and by a new execution that takes it over. No line is lost, and none is paid for again.
func TestUpgrade(t *testing.T) {
	if *recordAs != "" {
		recordAll(t, *recordAs)
	}
	paths, err := filepath.Glob(filepath.Join(upgrades, "*", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no fixtures: %v", err)
	}
	const today = "batch.asl.json"
	for _, path := range paths {
		dir, name := filepath.Split(path)
		f, err := readFixture(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []struct{ name, definition string }{
			{"its own definition", dir + today}, {"today's definition", today}, {"taken over", ""},
		} {
			if !f.allows(way.definition) {
				continue
			}
			t.Run(filepath.Base(dir)+"/"+strings.TrimSuffix(name, ".txt")+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				r := newReplay(t, f)
				r.loadAzure()
				r.loadS3()
				if way.definition == "" || !r.goOn(way.definition) {
					r.takeOver()
				}
				r.check()
			})
		}
	}
}

// allows reports whether a job can be finished that way. An execution that is over does not go on. A new one submits a
// part again that was to be given up, so that something else comes of the job.
func (f *fixture) allows(definition string) bool {
	if definition != "" {
		return f.Stands.State != ""
	}
	for _, s := range f.Parts {
		if s.State == "GiveUp" {
			return false
		}
	}
	return true
}

// replay is the second half of a job.
type replay struct {
	*upgradeWorld
	f   *fixture
	ids map[string]string // of Azure's files and batches: those of today by the recorded ones
	end stepfunctions.Snapshot
}

func newReplay(t *testing.T, f *fixture) *replay {
	r := &replay{f: f, ids: map[string]string{}}
	r.upgradeWorld = newUpgradeWorld(t, 0, func(o *stack.Options) {
		o.Observe = r.observe
		o.Azure.Emulator.Region = "West Europe" // where a batch that has no room is created, and fails then
	})
	return r
}

// observe opens the gate once today's functions have seen that a batch is under way.
func (r *replay) observe(e stepfunctions.Event) {
	output, _ := e.Details["output"].(string)
	if e.Type == "TaskStateExited" && strings.Contains(output, `"status":"running"`) {
		r.gate.open()
	}
}

const workflow = "aoai-bridge-batch"

// goOn has the execution go on from where it was. ok is false if the definition no longer has such a state: then a job
// comes to the definition by a new execution only.
func (r *replay) goOn(path string) (ok bool) {
	definition, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if definition, ok = r.f.resume(r.t, definition); !ok {
		return false
	}
	for _, machine := range r.stack.Template.StateMachines {
		if machine.Name != workflow {
			continue
		}
		if _, err := r.stack.States.Add(workflow, r.today(definition), machine.Substitutions); err != nil {
			r.t.Fatal(err)
		}
	}
	r.run(r.f.Execution, r.f.Input)
	return true
}

// takeOver starts another execution for the job.
func (r *replay) takeOver() {
	input := decode[map[string]any](r.t, r.f.Input)
	input["take_over"] = true
	if r.f.Again != nil {
		maps.Copy(input, decode[map[string]any](r.t, r.f.Again))
	}
	raw, _ := json.Marshal(input) // as it was read
	r.run("", raw)
}

func (r *replay) run(name string, input []byte) {
	arn, err := r.stack.States.Start(workflow, name, input)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), longestReplay)
	defer cancel()
	if r.end, err = r.stack.States.Wait(ctx, arn); err != nil || r.end.Status != "SUCCEEDED" {
		r.t.Fatalf("the execution: %s, %v %s %s\n%s", r.end.Status, err, r.end.Error, r.end.Cause, r.logs.String())
	}
}

// check compares what has come of the job with what is wanted.
func (r *replay) check() {
	s := decode[struct {
		summary
		Errors string
		Usage  struct {
			Input int64 `json:"input_tokens"`
		}
		Cost struct {
			USD       *float64 `json:"usd"`
			Estimated *float64 `json:"estimated_usd"`
		}
	}](r.t, []byte(r.end.Output))
	want := r.f.Want
	if failed := r.checkLines(s.Results, s.Errors); !maps.Equal(failed, want.Errors) {
		r.t.Errorf("lines failed with %v, want %v", failed, want.Errors)
	}
	l := s.Lines
	if s.Status != want.Status || l.Succeeded != want.Succeeded || l.Failed != want.failed() || l.Total != l.Succeeded+l.Failed ||
		l.Invalid != want.Invalid || l.Online != want.OnlineLines || s.TriedAgain.Lines != want.TriedAgain || s.Usage.Input != want.Tokens {
		r.t.Errorf("the summary is %s, want %+v", r.end.Output, want)
	}
	if l.Succeeded > 0 && (s.Cost.USD == nil || s.Cost.Estimated == nil) {
		r.t.Errorf("the cost is not known: %s", r.end.Output)
	}
	r.checkAzure()
	announced := 0
	for _, e := range r.stack.Bus.Events() {
		if e.DetailType == "Batch Job Ended" {
			announced++
		}
	}
	if announced != 1 {
		r.t.Errorf("the end is announced %d times", announced)
	}
	if id := r.f.Execution; strings.HasPrefix(id, "batch_") {
		r.checkAPI(id, s.Results, s.Errors)
	} else if r.f.Stands.State != "Announce" { // after which no task of ours comes
		r.checkStatus(s.summary)
	}
}

// checkLines reads the results. Each line of the source is there once and in order, with its own answer or an error, and
// with its custom_id. It returns how many errors there are, by their code.
func (r *replay) checkLines(results, errors string) (failed map[string]int) {
	var source []string
	for key, o := range r.f.Objects {
		if strings.HasPrefix(key, "inbox/") || strings.Contains(key, "/batch/") {
			source = strings.Split(strings.TrimSuffix(string(o.content), "\n"), "\n")
		}
	}
	failed = map[string]int{}
	seen := map[int]bool{}
	for _, list := range []string{results, errors} {
		last := 0
		for text := range strings.Lines(r.content(list)) {
			line := decode[struct {
				ID string
				result
			}](r.t, []byte(text))
			n, err := strconv.Atoi(line.ID[strings.LastIndexByte(line.ID, '_')+1:])
			if err != nil || n <= last || n > len(source) || seen[n] {
				r.t.Fatalf("a line that is too many, or out of order: %s", text)
			}
			seen[n], last = true, n
			customID, says := asked(source[n-1])
			switch {
			case customID != "" && (line.CustomID == nil || *line.CustomID != customID):
				r.t.Errorf("line %d has another's custom_id: %s", n, text)
			case line.Error != nil:
				failed[line.Error.Code]++
			case line.Response == nil || len(line.Response.Body.Choices) == 0:
				r.t.Errorf("line %d has neither an answer nor an error: %s", n, text)
			case line.Response.Body.Choices[0].Message.Content != says:
				r.t.Errorf("line %d has another's answer: %s", n, text)
			}
		}
	}
	if want := r.f.Want; len(seen) != want.Succeeded+want.failed() {
		r.t.Errorf("%d lines of %d are there", len(seen), len(source))
	}
	return failed
}

// asked is what a line of the source asks for; nothing where it is no request.
func asked(line string) (customID, says string) {
	var q struct {
		CustomID string `json:"custom_id"`
		Body     struct{ Messages []struct{ Content string } }
	}
	if json.Unmarshal([]byte(line), &q) != nil || len(q.Body.Messages) == 0 {
		return "", ""
	}
	return q.CustomID, strings.TrimPrefix(q.Body.Messages[0].Content, "Say ")
}

// content is an object that s3://bucket/key names; nothing where there is no name.
func (r *replay) content(url string) string {
	if url == "" {
		return ""
	}
	return r.get(strings.TrimPrefix(url, "s3://"+bucket+"/"))
}

// checkAzure looks at what was paid, and at what is left.
func (r *replay) checkAzure() {
	batches := r.batches()
	made := map[string]bool{}
	for _, b := range batches {
		key := b.Metadata["part"] + " " + b.Metadata["try"] + " " + b.Metadata["create"]
		if made[key] {
			r.t.Errorf("there are two batches of part, try and create %s", key)
		}
		made[key] = true
		switch b.Status {
		case "completed", "failed", "expired", "cancelled":
		case "cancelling":
			r.wait(b.ID, "cancelled")
		default:
			r.t.Errorf("the batch of part, try and create %s is %s, and nothing waits for it", key, b.Status)
		}
	}
	online := 0
	for _, q := range r.stack.Emulator.Requests() {
		if strings.HasSuffix(q.Path, "/chat/completions") && q.Status == 200 {
			online++
		}
	}
	e, want := r.stack.Emulator.Executions(), r.f.Want
	if e.Again > 0 || e.Executed != want.Executed || len(batches) != want.Batches || online != want.Online {
		r.t.Errorf("%d lines were executed by %d batches, %d of them again, and there were %d online calls; want %+v", e.Executed, len(batches), e.Again, online, want)
	}
	if files := decode[struct{ Data []azureFile }](r.t, r.azure(get("/files"))).Data; len(files) != want.Files {
		r.t.Errorf("Azure still has %+v", files)
	}
}

// checkStatus reads the job's status, which the version that began the job may not have known.
func (r *replay) checkStatus(s summary) {
	at := strings.TrimSuffix(s.Results, ".jsonl")
	if at == "" { // nothing was sent
		at = "s3://" + bucket + "/results/" + strings.TrimSuffix(strings.TrimPrefix(s.Source, "s3://"+bucket+"/inbox/"), ".jsonl")
	}
	status := decode[struct {
		Job, Status string
		Counts      struct{ Total, Completed, Failed int }
	}](r.t, []byte(r.content(at+".status.json")))
	if c := status.Counts; status.Job != s.Job || status.Status != s.Status || c.Total != s.Lines.Total || c.Completed != s.Lines.Succeeded || c.Failed != s.Lines.Failed {
		r.t.Errorf("the status is %+v, and the summary %+v", status, s)
	}
}

// checkAPI asks for the batch as its caller does.
func (r *replay) checkAPI(id, results, errors string) {
	b := decode[struct {
		Status string
		Counts struct{ Total, Completed, Failed int } `json:"request_counts"`
		Output string                                 `json:"output_file_id"`
		Errors string                                 `json:"error_file_id"`
	}](r.t, r.api(get("/v1/batches/"+id)))
	want := r.f.Want
	if b.Status != want.Status || b.Counts.Completed != want.Succeeded || b.Counts.Failed != want.failed() || b.Counts.Total != want.Succeeded+want.failed() {
		r.t.Errorf("the batch is %+v, want %+v", b, want)
	}
	for _, of := range []struct {
		lines     int
		file, url string
	}{{want.Succeeded, b.Output, results}, {want.failed(), b.Errors, errors}} {
		switch {
		case (of.lines > 0) != (of.file != ""):
			r.t.Errorf("the batch names the file %q for %d lines", of.file, of.lines)
		case of.lines > 0 && string(r.api(get("/v1/files/"+of.file+"/content"))) != r.content(of.url):
			r.t.Errorf("%s is not what the job wrote to %s", of.file, of.url)
		}
	}
}
