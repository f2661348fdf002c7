package stepfunctions

import (
	"slices"
	"strings"
	"time"
)

// An Event is an entry of an execution's history, as GetExecutionHistory has it.
type Event struct {
	ExecutionARN string
	Machine      string // the machine's name
	ID           int64
	PreviousID   int64
	Time         time.Time
	Type         string         // TaskStateEntered, LambdaFunctionFailed, ...
	Details      map[string]any // of the type, named as in the API
}

// State returns the name of the state that is entered or exited, "" for other events.
func (e Event) State() string {
	name, _ := e.Details["name"].(string)
	return name
}

// detailsField names the field that holds an event's details, "" where it has none.
func detailsField(kind string) string {
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		return "stateEnteredEventDetails"
	case strings.HasSuffix(kind, "StateExited"):
		return "stateExitedEventDetails"
	}
	return strings.ToLower(kind[:1]) + kind[1:] + "EventDetails"
}

// events returns the history so far.
func (e *execution) events() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.history)
}

// errHistoryFull ends an execution; only its end has room then. The cause is as AWS words it.
var errHistoryFull = failf(errRuntime, "The execution reached the maximum number of history events (%d).", maxHistory)

// record adds an event after the one with the id previous and returns its id. It fails when the
// history is full.
func (e *execution) record(previous int64, kind string, details map[string]any) (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.recorded+1 >= maxHistory && kind != "ExecutionSucceeded" && kind != "ExecutionFailed" {
		return previous, errHistoryFull
	}
	e.recorded++
	event := Event{ExecutionARN: e.arn, Machine: e.machine.name, ID: int64(e.recorded), PreviousID: previous,
		Time: e.service.options.Clock.Now(), Type: kind, Details: details}
	if e.parent == nil {
		e.history = append(e.history, event)
	}
	e.service.options.Observe(event)
	return event.ID, nil
}

func dataDetails(field string, text string) map[string]any {
	return map[string]any{field: text, field + "Details": map[string]any{"truncated": false}}
}

func failureDetails(f *Failure) map[string]any {
	return map[string]any{"error": f.Name, "cause": f.Cause}
}
