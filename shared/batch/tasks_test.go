package batch_test

import (
	"strings"
	"testing"

	"aoai-bridge/shared/openaierr"
)

// Each task is one function's, and the other one refuses it.
func TestTasksOfAFunction(t *testing.T) {
	w := newWorld(t)
	submit, status := w.tasks[0], w.tasks[1]
	for task, of := range map[string]any{
		"plan": submit, "submit": submit, "poll": status, "collect": status, "give-up": status, "report": status, "other": nil,
	} {
		for _, tasks := range w.tasks {
			path, err := tasks.Path([]byte(`{"task":"` + task + `"}`))
			if tasks == of {
				if path != "/v1/tasks/"+task || err != nil {
					t.Errorf("%s goes to %q, %v", task, path, err)
				}
			} else if e := openaierr.From(err); e.Status != 400 || e.Param != "task" {
				t.Errorf("%s, elsewhere: %q, %v", task, path, err)
			}
		}
	}
}

// EventBridge's event of an execution has no input where that is too long, or another workflow's. Nothing is noted then,
// and the task does not fail.
func TestStoppedWithoutInput(t *testing.T) {
	for name, detail := range map[string]object{
		"no input":            {},
		"null":                {"input": nil},
		"not an object":       {"input": "[1]"},
		"names no object":     {"input": "{}"},
		"names one of no job": {"input": `{"bucket":"b","key":"inbox/none.jsonl"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			detail["executionArn"], detail["status"] = "arn:aws:states:us-east-1:123456789012:execution:batch:x", "ABORTED"
			if _, err := task[object](w, "stopped", object{"detail-type": "Step Functions Execution Status Change", "detail": detail}); err != nil {
				t.Error(err)
			}
		})
	}
}

// An object that cancels jobs has none to report, whether or not the workflow says what failed.
func TestReportOfACancellation(t *testing.T) {
	for name, failed := range map[string]any{"no failure": nil, "a failure": object{"Error": "States.Timeout", "Cause": ""}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			state := object{"bucket": bucket, "key": "inbox/n.jsonl.cancel", "failure": failed}
			_, err := task[object](w, "report", object{"task": "report", "state": state, "execution": "execution-1"})
			f, ok := err.(*failure)
			if !ok || f.status != 400 || !strings.Contains(f.body, "not_cancelled") || strings.Contains(f.body, "States.Timeout") != (failed != nil) {
				t.Errorf("the task says %v", err)
			}
		})
	}
}
