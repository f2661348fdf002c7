package stack_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"aoai-bridge/infra/local/stack"
)

// run has a program of the repository work on the stack.
func run(t *testing.T, s *stack.Stack, program string, args ...string) string {
	t.Helper()
	out, err := try(t, s, program, args...)
	if err != nil {
		t.Errorf("%s: %v\n%s", program, err, out)
	}
	return out
}

// try runs a program with the environment that people give it, and returns what it prints.
func try(t *testing.T, s *stack.Stack, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./infra/" + program}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "BASE_URL="+s.URL+"/v1", "KEY="+stack.CallerKey, "AWS_ENDPOINT_URL="+s.AWSURL)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{WaitScale: 0.001})
	out := run(t, s, "smoke")
	for _, want := range []string{"models", "chat", "stream", "embeddings", "wrong key", "tokens", "batch"} {
		if !strings.Contains(out, "ok      "+want) {
			t.Errorf("%s is not ok:\n%s", want, out)
		}
	}
	if !strings.Contains(out, "2 lines answered, in order") {
		t.Errorf("the batch did not end:\n%s", out)
	}
}

// TestBatchFile drops the sample of every kind of line by make batch's program.
func TestBatchFile(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{WaitScale: 0.001})
	out := run(t, s, "batch", "-file", "events/batch.jsonl")
	for _, want := range []string{"completed: 7 lines, 5 succeeded, 2 failed (2 of them invalid), 2 answered online", "results  s3://aoai-bridge-batch/results/batch.jsonl", "less than Global Standard"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestBatchNothing names files and objects that are none.
func TestBatchNothing(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{WaitScale: 0.001})
	for _, test := range []struct{ flag, value, want string }{
		{"-file", "events/none.jsonl", "events/none.jsonl: no such file"},
		{"-file", "events", "events is a folder: name one file"},
		{"-cancel", "inbox/none.jsonl", "there is no s3://aoai-bridge-batch/inbox/none.jsonl, nor an unfinished job of it"},
		{"-cancel", "results/none.jsonl", "not below inbox/"},
	} {
		if out, err := try(t, s, "batch", test.flag, test.value); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s %s: %v, want %q in\n%s", test.flag, test.value, err, test.want, out)
		}
	}
}
