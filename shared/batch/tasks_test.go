package batch_test

import (
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
