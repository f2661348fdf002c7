package stepfunctions

import (
	"context"
	"strconv"
	"strings"
)

// A frame is one walk through states: that of an execution, of a branch, or of an item.
type frame struct {
	*execution
	states *states
	path   string  // where in the execution it is: "", "Map[3]", "Map[3]/Parallel[0]"
	item   mapItem // of the innermost Map
	last   int64   // id of the latest event
}

// A mapItem is what $$.Map.Item has.
type mapItem struct {
	mapped bool
	index  int
	value  any
}

// A checkpoint is how far a frame got: the state it is in and that state's input, or its output. A
// redrive goes on from there.
type checkpoint struct {
	state string // "" when done
	value any
}

func (f *frame) saveCheckpoint(state string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checkpoints[f.path] = checkpoint{state, value}
}

// resume returns where to begin: at the start, or where the run before a redrive got to.
func (f *frame) resume(input any) checkpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.checkpoints[f.path]; ok {
		return c
	}
	return checkpoint{f.states.StartAt, input}
}

// dropCheckpoints drops the checkpoints of frames inside a state that is done.
func (f *frame) dropCheckpoints(state string) {
	if kind := f.states.States[state].Type; kind != "Parallel" && kind != "Map" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for path := range f.checkpoints {
		if strings.HasPrefix(path, f.pathPrefix(state)) {
			delete(f.checkpoints, path)
		}
	}
}

// pathPrefix is how the paths of frames within a state begin.
func (f *frame) pathPrefix(state string) string {
	return strings.TrimPrefix(f.path+"/", "/") + state + "["
}

// child is a frame within a state.
func (f *frame) child(state string, index int, within *states) *frame {
	return &frame{execution: f.execution, states: within, path: f.pathPrefix(state) + strconv.Itoa(index) + "]", item: f.item, last: f.last}
}

func (f *frame) event(kind string, details map[string]any) error {
	id, err := f.record(f.last, kind, details)
	f.last = id
	return err
}

// run walks from state to state and returns the last one's output. It fails with a *Failure, or with
// the context's error.
func (f *frame) run(ctx context.Context, input any) (any, error) {
	for at := f.resume(input); at.state != ""; {
		f.saveCheckpoint(at.state, at.value)
		next, err := f.runState(ctx, at.state, at.value)
		if err != nil {
			return nil, err
		}
		at = next
		if at.state == "" {
			f.saveCheckpoint("", at.value)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.checkpoints[f.path].value, nil
}
