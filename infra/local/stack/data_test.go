package stack_test

import (
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/stepfunctions"
)

// A stack that is started with the folder of an earlier one has its objects and secrets, and goes on with the jobs that
// have not ended: also where the emulator, and the batches with it, is a new one.
func TestJobsGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	waits, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	s, _ := start(t, stack.Options{Data: dir, Observe: func(e stepfunctions.Event) {
		switch e.Type {
		case "WaitStateEntered": // for a minute: the batch has been sent
			waits <- struct{}{}
		case "ExecutionSucceeded":
			ended <- struct{}{}
		}
	}})
	connect := func(s *stack.Stack) openai.Client {
		return openai.NewClient(option.WithBaseURL(s.URL+"/v1"), option.WithAPIKey(stack.CallerKey), option.WithMaxRetries(0))
	}
	await := func(events <-chan struct{}) {
		t.Helper()
		select {
		case <-events:
		case <-t.Context().Done():
			t.Fatal("nothing happens")
		}
	}
	put(t, s, "inbox/done.jsonl", strings.Replace(batchLine(1, "one"), `"method"`, `"mode":"online","method"`, 1))
	await(ended)
	put(t, s, "inbox/dropped.jsonl", batchLine(1, "one")+"torn\n"+batchLine(2, "two"))
	c := connect(s)
	batch := newBatch(t, c, newFile(t, c, batchLine(1, "three")).ID).ID
	await(waits)
	await(waits)
	secretID := s.Template.Parameters["AzureSecretId"]
	secret, _ := s.Secrets.Get(secretID)
	s.Secrets.Put(secretID, strings.Replace(secret, `{`, `{"prices":{},`, 1))
	s.Secrets.Put(s.CallersSecretID(), strings.Replace(callers(t, s), `["*"]`, `["*", "edited"]`, 1))
	summary := get(t, s, "results/done.summary.json")
	put(t, s, "jobs/job_odd/job.json", `{"job":"job_odd","execution":"odd","bucket":"`+batchBucket+`","key":"inbox/odd.jsonl","summary":"results/odd.summary.json"}`)

	if jobs, err := s.Unfinished(); err != nil || len(jobs) != 3 || !strings.Contains(strings.Join(jobs, " "), "inbox/dropped.jsonl (job_") {
		t.Errorf("unfinished are %q, %v", jobs, err)
	}
	if second, err := stack.Start(stack.Options{Template: root + "/template.yaml", Build: "none", Data: dir}); err == nil || !strings.Contains(err.Error(), "another stack's") {
		t.Errorf("a second stack has the folder: %v, %v", second, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, _ = start(t, stack.Options{Data: dir, WaitScale: 0.0005})
	executions := s.States.Executions()
	if stuck := strings.Count(strings.Join(s.Resumed, " "), "does not go on"); len(s.Resumed) != 3 || stuck != 1 || len(executions) != 2 {
		t.Errorf("%q go on in %d executions", s.Resumed, len(executions))
	}
	for _, e := range executions {
		if end, err := s.States.Wait(t.Context(), e.ARN); err != nil || end.Status != stepfunctions.Succeeded {
			t.Errorf("%s: %s %s, %v", e.Name, end.Status, end.Cause, err)
		}
	}
	if results := get(t, s, "results/dropped.jsonl"); strings.Count(results, "\n") != 3 || !strings.Contains(results, `"content":"one"`) || !strings.Contains(results, "invalid_json_line") {
		t.Errorf("the results are %s", results)
	}
	if b := endOf(t, s, connect(s), batch); b.Status != "completed" || b.RequestCounts.Completed != 1 {
		t.Errorf("the batch is %s", b.RawJSON())
	}
	if after := get(t, s, "results/done.summary.json"); after != summary {
		t.Errorf("the job that had ended has the summary %s", after)
	}
	if edited, _ := s.Secrets.Get(secretID); edited == secret || !strings.HasPrefix(edited, `{"prices":{},`) || !strings.Contains(edited, s.AzureURL) {
		t.Error("the Azure secret is not the edited one, with the address of the new emulator")
	}
	if !strings.Contains(callers(t, s), `"edited"`) {
		t.Error("the callers are not the edited ones")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = start(t, stack.Options{Data: dir})
	if jobs, err := s.Unfinished(); err != nil || len(jobs) != 1 || len(s.Resumed) != 1 {
		t.Errorf("unfinished are %q, %v, and %q go on", jobs, err, s.Resumed)
	}
}

func callers(t *testing.T, s *stack.Stack) string {
	t.Helper()
	value, found := s.Secrets.Get(s.CallersSecretID())
	if !found {
		t.Fatal("there are no callers")
	}
	return value
}

// The jobs of a folder do not go on at another Azure than the one that has their batches.
func TestDataOfAnotherAzure(t *testing.T) {
	t.Parallel()
	emulated, given := t.TempDir(), t.TempDir()
	run := func(dir string, azure stack.Azure) error {
		s, err := stack.Start(stack.Options{Template: root + "/template.yaml", Build: bootstraps.For(t, root), Data: dir, Azure: azure})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	one := stack.Azure{Endpoint: "https://one.openai.azure.com", APIKey: "key"}
	for _, tt := range []struct {
		name  string
		dir   string
		azure stack.Azure
		want  string
	}{
		{"the emulator first", emulated, stack.Azure{}, ""},
		{"the emulator again", emulated, stack.Azure{}, ""},
		{"then a resource", emulated, one, "has jobs of the emulator: start without AZURE_OPENAI_ENDPOINT"},
		{"a resource first", given, one, ""},
		{"that again, with another key", given, stack.Azure{Endpoint: one.Endpoint, APIKey: "new"}, ""},
		{"then another", given, stack.Azure{Endpoint: "https://two.openai.azure.com", APIKey: "key"}, "start with AZURE_OPENAI_ENDPOINT=https://one.openai.azure.com"},
		{"then the emulator", given, stack.Azure{}, "start with AZURE_OPENAI_ENDPOINT=https://one.openai.azure.com"},
	} {
		if err := run(tt.dir, tt.azure); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
