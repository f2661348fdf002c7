package stepfunctions

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"

	"github.com/google/uuid"
)

// mapItems runs the item processor for each item, and returns the outputs in the items' order.
func (v *visit) mapItems(ctx context.Context, input any) (any, error) {
	items, err := v.items(input)
	if err != nil {
		return nil, err
	}
	width, err := v.count(v.MaxConcurrency, v.MaxConcurrencyPath, "MaxConcurrencyPath", input)
	if err != nil {
		return nil, err
	}
	if width == 0 {
		width = maxConcurrency
	}
	width = min(width, maxConcurrency)
	if v.distributed() {
		return v.mapRun(ctx, input, items, width)
	}
	if err := v.event("MapStateStarted", map[string]any{"length": len(items)}); err != nil {
		return nil, err
	}
	outputs := make([]any, len(items))
	err = runConcurrently(ctx, len(items), width, func(ctx context.Context, i int) (err error) {
		outputs[i], err = v.iterate(ctx, input, i, items[i])
		return err
	})
	kind := "MapStateSucceeded"
	if err != nil {
		kind = "MapStateFailed"
	}
	if full := v.event(kind, nil); full != nil {
		return nil, full
	}
	return outputs, err
}

// iterate is an iteration of an inline Map.
func (v *visit) iterate(ctx context.Context, input any, index int, item any) (any, error) {
	f := v.child(v.name, index, v.ItemProcessor)
	f.item = mapItem{true, index, item}
	details := map[string]any{"name": v.name, "index": index}
	if err := f.event("MapIterationStarted", details); err != nil {
		return nil, err
	}
	selected, err := v.selectItem(f.item, input)
	if err != nil {
		return nil, err
	}
	output, err := f.run(ctx, selected)
	kind := "MapIterationSucceeded"
	switch {
	case ctx.Err() != nil && err != nil:
		kind = "MapIterationAborted"
	case err != nil:
		kind = "MapIterationFailed"
	}
	if full := f.event(kind, details); full != nil {
		return nil, full
	}
	return output, err
}

// selectItem makes an iteration's input of an item, as ItemSelector says.
func (v *visit) selectItem(item mapItem, input any) (any, error) {
	if v.ItemSelector.expression == nil {
		return item.value, nil
	}
	inside := *v
	within := *v.frame
	within.item = item
	inside.frame = &within
	return v.ItemSelector.eval(inside.scope(input), "ItemSelector")
}

// A mapRun is what a distributed Map does: an execution of its own for each item, or batch of items.
type mapRun struct {
	*visit
	arn       string
	tolerated int
	inputs    []any

	mu       sync.Mutex
	failures int
	children []*execution
}

func (v *visit) mapRun(ctx context.Context, input any, items []any, width int) (any, error) {
	label := v.Label
	if label == "" {
		label = v.name
	}
	r := &mapRun{visit: v, arn: arnPrefix + "mapRun:" + v.machine.name + "/" + label + ":" + uuid.NewString()}
	var err error
	if r.inputs, err = v.childInputs(input, items); err != nil {
		return nil, err
	}
	if r.tolerated, err = v.tolerance(input, len(r.inputs)); err != nil {
		return nil, err
	}
	if err := v.event("MapStateStarted", map[string]any{"length": len(items)}); err != nil {
		return nil, err
	}
	if err := v.event("MapRunStarted", map[string]any{"mapRunArn": r.arn}); err != nil {
		return nil, err
	}
	r.children = make([]*execution, len(r.inputs))
	failed := runConcurrently(ctx, len(r.inputs), width, r.runChild)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	result, err := r.result(input)
	if failed != nil {
		err = failed // the results of a failed run are written all the same
	}
	kind, details := "MapRunSucceeded", map[string]any(nil)
	if err != nil {
		kind, details = "MapRunFailed", failureDetails(asFailure(err))
	}
	if full := v.event(kind, details); full != nil {
		return nil, full
	}
	if err != nil {
		return nil, cmp.Or(v.event("MapStateFailed", nil), err)
	}
	return result, v.event("MapStateSucceeded", nil)
}

// tolerance is how many children may fail.
func (v *visit) tolerance(input any, children int) (int, error) {
	count, err := v.count(v.ToleratedFailureCount, v.ToleratedFailureCountPath, "ToleratedFailureCountPath", input)
	if err != nil {
		return 0, err
	}
	percentage := v.ToleratedFailurePercentage
	if v.ToleratedFailurePercentagePath.set() {
		n, err := v.count(0, v.ToleratedFailurePercentagePath, "ToleratedFailurePercentagePath", input)
		if err != nil {
			return 0, err
		}
		percentage = float64(n)
	}
	// Each limit that is given holds: the run fails when either is passed.
	byPercentage := int(math.Floor(percentage * float64(children) / 100))
	hasCount := v.fields["ToleratedFailureCount"] || v.fields["ToleratedFailureCountPath"]
	hasPercentage := v.fields["ToleratedFailurePercentage"] || v.fields["ToleratedFailurePercentagePath"]
	switch {
	case hasCount && hasPercentage:
		return min(count, byPercentage), nil
	case hasPercentage:
		return byPercentage, nil
	}
	return count, nil
}

// runChild runs a child and keeps count of failures. A child that succeeded before a redrive is not
// run again.
func (r *mapRun) runChild(ctx context.Context, i int) error {
	v := r.visit
	name := uuid.NewString()
	e := &execution{service: v.service, machine: v.machine, name: name, parent: v.execution, status: Running,
		arn:   arnPrefix + "execution:" + v.machine.name + "/" + v.name + ":" + name,
		input: encode(r.inputs[i]), started: v.service.options.Clock.Now()}
	at := v.child(v.name, i, v.ItemProcessor) // its path in the parent keeps the child's checkpoints
	e.checkpoints = at.childCheckpoints()
	f := &frame{execution: e, states: v.ItemProcessor}
	output, err := any(nil), failIfChildTooLarge(e.input)
	if err == nil {
		output, err = f.run(ctx, r.inputs[i])
	}
	if ctx.Err() != nil && err != nil {
		return nil // aborted; who ended the context knows why
	}
	e.stopped = v.service.options.Clock.Now()
	if err == nil {
		e.status, e.output = Succeeded, encode(output)
	} else {
		e.status, e.failure = Failed, asFailure(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.children[i] = e
	if err != nil {
		r.failures++
	}
	if r.failures > r.tolerated {
		return failf(errTooManyFailures, "The specified tolerated failure threshold was exceeded")
	}
	return nil
}

func failIfChildTooLarge(input string) error {
	if len(input) > maxData {
		return tooLarge("ItemSelector")
	}
	return nil
}

// childCheckpoints returns the checkpoints of a child, the same before and after a redrive.
func (f *frame) childCheckpoints() map[string]checkpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	held, _ := f.checkpoints[f.path].value.(map[string]checkpoint)
	if held == nil {
		held = make(map[string]checkpoint)
		f.checkpoints[f.path] = checkpoint{value: held}
	}
	return held
}

// describe is a child's outcome as AWS writes it.
func (e *execution) describe() map[string]any {
	included := map[string]any{"Included": true}
	object := map[string]any{
		"ExecutionArn": e.arn, "Name": e.name, "StateMachineArn": e.machine.arn, "Status": e.status,
		"Input": e.input, "InputDetails": included, "RedriveCount": toNumber(0), "RedriveStatus": "NOT_REDRIVABLE",
		"StartDate": e.started.UTC().Format(time.RFC3339Nano), "StopDate": e.stopped.UTC().Format(time.RFC3339Nano),
	}
	if e.failure != nil {
		object["Error"], object["Cause"] = e.failure.Name, e.failure.Cause
	} else {
		object["Output"], object["OutputDetails"] = e.output, included
	}
	return object
}
