package workflows_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

type states struct {
	StartAt string
	States  map[string]state
}

type state struct {
	Type           string
	TimeoutSeconds int
	Retry          []struct{ ErrorEquals []string }
	Catch          []struct {
		ErrorEquals []string
		Next        string
	}
	ItemProcessor *states
}

// Every task ends in time, is tried again where that may help, and fails into another state.
func TestDefinitions(t *testing.T) {
	for _, file := range []string{"batch.asl.json", "review.asl.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("arn:aws:")) {
			t.Errorf("%s works in the partition aws only, not in GovCloud and China: write arn:${Partition}:", file)
		}
		var machine states
		if err := json.Unmarshal(text, &machine); err != nil {
			t.Fatal(err)
		}
		checkStates(t, file, &machine)
	}
}

func checkStates(t *testing.T, where string, m *states) {
	tasks := 0
	for name, s := range m.States {
		at := where + " " + name
		if s.ItemProcessor != nil {
			checkStates(t, at, s.ItemProcessor)
		}
		if s.Type != "Task" {
			continue
		}
		tasks++
		if s.TimeoutSeconds == 0 {
			t.Errorf("%s may run for ever", at)
		}
		if len(s.Retry) == 0 {
			t.Errorf("%s is never tried again", at)
		}
		if n := len(s.Catch); n == 0 || s.Catch[n-1].ErrorEquals[0] != "States.ALL" {
			t.Errorf("%s does not catch every error", at)
		}
	}
	if tasks == 0 {
		t.Errorf("%s has no tasks", where)
	}
}
