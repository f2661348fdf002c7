package workflows_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

// recordAll makes the fixtures of this version.
func recordAll(t *testing.T, version string) {
	dir := filepath.Join(upgrades, version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := copyFile("batch.asl.json", filepath.Join(dir, "batch.asl.json"), "", ""); err != nil {
		t.Fatal(err)
	}
	for i := range scenarios {
		s := &scenarios[i]
		t.Run("record "+s.name, func(t *testing.T) {
			if err := record(t, s).write(filepath.Join(dir, s.name+".txt")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// recorder takes a job to its scenario's moment. It asks S3 and Azure in the test's goroutine, while the one that came
// to the moment waits.
type recorder struct {
	*upgradeWorld
	scenario *scenario
	tasks    chan func()
	over     chan struct{} // closed once the fixture is complete

	mu      sync.Mutex
	fixture *fixture
	parts   map[string]int // by the ARN of their execution
	seen    map[moment]int // with n left 0
	come    int            // how many of the scenario's moments have
}

// record makes the fixture of a scenario by the functions and the definition of this tree.
func record(t *testing.T, s *scenario) *fixture {
	r := &recorder{
		scenario: s, tasks: make(chan func()), over: make(chan struct{}), parts: map[string]int{}, seen: map[moment]int{},
		fixture: &fixture{About: s.about, Parts: map[int]stand{}, Objects: map[string]*object{}, Again: json.RawMessage(s.again), Want: s.want},
	}
	r.upgradeWorld = newUpgradeWorld(t, s.pass, func(o *stack.Options) {
		o.Observe, o.Azure.Emulator.Region = r.observe, s.region
		if s.late {
			o.Template = hasty(t, filepath.Dir(o.Template))
		}
	})
	r.stack.Emulator.SetPace(paces[s.hold])
	for _, rule := range s.faults {
		if err := r.stack.Emulator.AddFault(rule); err != nil {
			t.Fatal(err)
		}
	}
	r.created(r.object)
	defer close(r.over)
	r.begin()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case do := <-r.tasks:
			if do(); !r.fixture.Recorded.IsZero() {
				return r.fixture
			}
		case <-timeout:
			t.Fatalf("the job has not come to its moment\n%s", r.logs.String())
		}
	}
}

// inTest has the test's goroutine do something. It returns when that is done, or when the fixture is complete.
func (r *recorder) inTest(do func()) {
	done := make(chan struct{})
	select {
	case r.tasks <- func() { defer close(done); do() }:
		<-done
	case <-r.over:
	}
}

// longest is how much time an invocation has if the time to plan has to run out.
const longest = 4 * time.Second

// hasty copies the template, and the definitions it names, with little time for the functions.
func hasty(t *testing.T, root string) (template string) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "infra/workflows"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"template.yaml", "infra/workflows/batch.asl.json", "infra/workflows/review.asl.json"} {
		err := copyFile(filepath.Join(root, name), filepath.Join(dir, name), "Timeout: 900\n", fmt.Sprintf("Timeout: %d\n", longest/time.Second))
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "template.yaml")
}

func copyFile(from, to, old, new string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if old != "" {
		text = bytes.ReplaceAll(text, []byte(old), []byte(new))
	}
	return os.WriteFile(to, text, 0o644)
}

// begin starts the job.
func (r *recorder) begin() {
	name, content := r.scenario.name+".jsonl", r.scenario.file()
	if r.scenario.api {
		file := decode[struct{ ID string }](r.t, r.api(upload("/v1/files", name, content)))
		r.api(post("/v1/batches", map[string]any{
			"input_file_id": file.ID, "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": map[string]string{"from": r.scenario.name},
		}))
		return
	}
	_, err := r.s3.PutObject(r.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("inbox/" + name), Body: bytes.NewReader(content), Metadata: r.scenario.metadata,
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// observe sees each event of each execution, which goes on when it returns.
func (r *recorder) observe(e stepfunctions.Event) {
	r.mu.Lock()
	f := r.fixture
	text, _ := e.Details["input"].(string)
	input := json.RawMessage(text)
	part := r.parts[e.ExecutionARN]
	switch {
	case e.Type == "ExecutionStarted":
		f.Execution, f.Input = e.ExecutionARN[strings.LastIndexByte(e.ExecutionARN, ':')+1:], input
	case e.Type == "ExecutionSucceeded":
		f.Stands = stand{}
	case part > 0 && e.Type == "PassStateExited": // of PartDone, the last one
		f.Parts[part] = stand{}
	case strings.HasSuffix(e.Type, "StateEntered") && strings.Contains(e.ExecutionARN, "/"): // of one of the Map's items
		var item struct{ Part int }
		_ = json.Unmarshal(input, &item) // the engine's own
		part = item.Part
		r.parts[e.ExecutionARN], f.Parts[part] = part, stand{e.State(), input}
	case strings.HasSuffix(e.Type, "StateEntered"):
		f.Stands, f.Parts = stand{e.State(), input}, map[int]stand{}
	}
	state := e.State()
	if state == "" && part > 0 {
		state = f.Parts[part].State
	} else if state == "" {
		state = f.Stands.State
	}
	r.mu.Unlock()
	r.happens(moment{what: strings.TrimSpace(e.Type + " " + state), part: part})
}

// object sees each object before its writer learns that it is there.
func (r *recorder) object(key string) {
	if strings.Contains(key, "/batch-") {
		r.inTest(r.look)
	}
	if r.scenario.late && strings.HasSuffix(key, "/job.json") {
		r.dawdle()
	}
	for _, m := range r.scenario.at {
		if part, ok := strings.CutPrefix(m.what, objectMoment); ok && strings.Contains(key, part) {
			r.happens(moment{what: m.what})
		}
	}
}

// dawdle delays the two calls to S3 that follow the claim of a job, which read its plan and its source. A plan keeps a
// quarter of the time that it has before it reads the source, so the first line comes too late for a second one.
func (r *recorder) dawdle() {
	const each = longest * 2 / 5
	r.stack.S3.Delay(each)
	time.AfterFunc(each*3/2, func() { r.stack.S3.Delay(0) })
}

// happens counts what happens. At the last of the scenario's moments it completes the fixture; at the others it waits for
// that.
func (r *recorder) happens(what moment) {
	r.mu.Lock()
	r.seen[what]++
	now := moment{what.what, what.part, r.seen[what]}
	come := false
	for _, m := range r.scenario.at {
		come = come || moment{m.what, m.part, max(m.n, 1)} == now
	}
	if come {
		r.come++
	}
	last := r.come == len(r.scenario.at)
	r.mu.Unlock()
	switch {
	case come && last:
		r.inTest(r.complete)
	case come:
		<-r.over
	}
}

// look adds the input files that Azure has now: a batch's may be deleted before the moment.
func (r *recorder) look() {
	there := map[string]bool{}
	list := decode[struct{ Data []*azureFile }](r.t, r.azure(get("/files?purpose=batch")))
	for _, file := range list.Data {
		there[file.ID] = true
	}
	for _, file := range r.fixture.Files {
		file.Deleted = !there[file.ID]
		delete(there, file.ID)
	}
	for _, file := range list.Data {
		if there[file.ID] {
			file.content = r.azure(get("/files/" + file.ID + "/content"))
			r.fixture.Files = append(r.fixture.Files, file)
		}
	}
}

// complete adds what Azure and S3 have.
func (r *recorder) complete() {
	f := r.fixture
	if r.scenario.cancel {
		r.api(post("/v1/batches/"+f.Execution+"/cancel", nil))
	}
	r.look()
	f.Batches, f.Recorded = r.batches(), time.Now().UTC()
	list, err := r.s3.ListObjectVersions(r.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range list.Versions {
		if !*v.IsLatest {
			continue
		}
		head, err := r.s3.HeadObject(r.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: v.Key})
		if err != nil {
			r.t.Fatal(err)
		}
		o := &object{Metadata: head.Metadata, content: []byte(r.get(*v.Key))}
		if !strings.HasPrefix(*v.Key, "jobs/") { // whose versions nothing names
			o.Version = *v.VersionId
		}
		f.Objects[*v.Key] = o
	}
}
