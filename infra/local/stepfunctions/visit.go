package stepfunctions

import (
	"context"
	"errors"
	"strings"
	"time"

	"aoai-bridge/infra/local/jsonvalue"
)

// A visit is one pass through a state, its retries included.
type visit struct {
	*frame
	*state
	name    string
	input   any // as it came, before InputPath
	entered time.Time
	retries int
}

// runState runs a state and returns the next one with its input; no name at the end.
func (f *frame) runState(ctx context.Context, name string, input any) (checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return checkpoint{}, err
	}
	v := &visit{frame: f, state: f.states.States[name], name: name, input: input, entered: f.service.options.Clock.Now()}
	kind := v.Type + "State"
	if err := f.event(kind+"Entered", stateDetails(name, "input", encode(input))); err != nil {
		return checkpoint{}, err
	}
	f.transition()
	entered := f.last
	output, next, err := v.runType(ctx)
	if err != nil {
		return checkpoint{}, withLocation(err, name, entered)
	}
	if len(encode(output)) > maxData {
		return checkpoint{}, tooLarge(name)
	}
	f.dropCheckpoints(name)
	return checkpoint{next, output}, f.event(kind+"Exited", stateDetails(name, "output", encode(output)))
}

// withLocation adds to a runtime's error in which state it happened, as AWS does.
func withLocation(err error, state string, event int64) error {
	const where = "An error occurred while executing the state"
	failure, ok := errors.AsType[*Failure](err)
	if !ok || failure.Name != errRuntime || failure == errHistoryFull || strings.HasPrefix(failure.Cause, where) {
		return err
	}
	return failf(errRuntime, "%s '%s' (entered at the event id #%d). %s", where, state, event, failure.Cause)
}

func stateDetails(name, field, text string) map[string]any {
	details := dataDetails(field, text)
	details["name"] = name
	return details
}

func tooLarge(state string) *Failure {
	return failf(errDataLimit, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", state)
}

// runType runs a state by its type.
func (v *visit) runType(ctx context.Context) (output any, next string, err error) {
	switch v.Type {
	case "Task", "Parallel", "Map":
		return v.runWithRetry(ctx)
	case "Pass":
		output, err = v.runPass()
		return output, v.Next, err
	}
	input, err := v.InputPath.selectFrom(v.input, v.scope(v.input), "InputPath")
	if err != nil {
		return nil, "", err
	}
	next = v.Next
	switch v.Type {
	case "Fail":
		return nil, "", v.failState(input)
	case "Choice":
		next, err = v.chooseNext(input)
	case "Wait":
		err = v.waitState(ctx, input)
	}
	if err != nil {
		return nil, "", err
	}
	output, err = v.OutputPath.selectFrom(input, v.scope(input), "OutputPath")
	return output, next, err
}

func (v *visit) runPass() (any, error) {
	input, err := v.parameters()
	if err != nil {
		return nil, err
	}
	result := input
	if v.fields["Result"] {
		result = v.Result.value
	}
	return v.outputOf(result)
}

// parameters is the input as InputPath and Parameters make it.
func (v *visit) parameters() (any, error) {
	input, err := v.InputPath.selectFrom(v.input, v.scope(v.input), "InputPath")
	if err != nil || v.Parameters.expression == nil || v.Type == "Map" {
		return input, err // Parameters of a Map is the older name of ItemSelector
	}
	return v.Parameters.eval(v.scope(input), "Parameters")
}

// outputOf is the output as ResultSelector, ResultPath and OutputPath make it of a result.
func (v *visit) outputOf(result any) (any, error) {
	if v.ResultSelector.expression != nil {
		var err error
		if result, err = v.ResultSelector.eval(v.scope(result), "ResultSelector"); err != nil {
			return nil, err
		}
	}
	output, err := v.ResultPath.putResult(v.input, result)
	if err != nil {
		return nil, err
	}
	return v.OutputPath.selectFrom(output, v.scope(output), "OutputPath")
}

// runWithRetry runs a state that may fail, retries it as Retry says, and then goes on as Catch says.
func (v *visit) runWithRetry(ctx context.Context) (output any, next string, err error) {
	tried := make(map[*retrier]int)
	for {
		output, err = v.attempt(ctx)
		if err == nil {
			return output, v.Next, nil
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		failure := asFailure(err)
		r := v.retrier(failure)
		if r == nil || tried[r] >= r.attempts() {
			return v.catch(failure)
		}
		if err := v.service.sleepScaled(ctx, r.delay(tried[r])); err != nil {
			return nil, "", err
		}
		v.dropCheckpoints(v.name) // unlike a redrive, it starts over
		tried[r]++
		v.retries++
		v.transition()
	}
}

func (v *visit) attempt(ctx context.Context) (any, error) {
	input, err := v.parameters()
	if err != nil {
		return nil, err
	}
	var result any
	switch v.Type {
	case "Task":
		result, err = v.task(ctx, input)
	case "Parallel":
		result, err = v.parallel(ctx, input)
	case "Map":
		result, err = v.mapItems(ctx, input)
	}
	if err != nil {
		return nil, err
	}
	return v.outputOf(result)
}

func (v *visit) retrier(failure *Failure) *retrier {
	for _, r := range v.Retry {
		if failure.matches(r.ErrorEquals) {
			return r
		}
	}
	return nil
}

func (v *visit) catch(failure *Failure) (output any, next string, err error) {
	for _, c := range v.Catch {
		if !failure.matches(c.ErrorEquals) {
			continue
		}
		output, err = c.ResultPath.putResult(v.input, map[string]any{"Error": failure.Name, "Cause": failure.Cause})
		v.dropCheckpoints(v.name)
		return output, c.Next, err
	}
	return nil, "", failure
}

func (v *visit) scope(input any) scope {
	return scope{input: input, context: v.contextObject}
}

// contextObject is what $$ stands for.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
func (v *visit) contextObject() any {
	input, _ := jsonvalue.Decode([]byte(v.execution.input))
	object := map[string]any{
		"Execution": map[string]any{
			"Id": v.arn, "Name": v.execution.name, "Input": input, "StartTime": v.started.UTC().Format(timeFormat),
			"RoleArn": roleARN, "RedriveCount": toNumber(v.redrives),
		},
		"StateMachine": map[string]any{"Id": v.machine.arn, "Name": v.machine.name},
		"State":        map[string]any{"Name": v.name, "EnteredTime": v.entered.UTC().Format(timeFormat), "RetryCount": toNumber(v.retries)},
	}
	if v.item.mapped {
		object["Map"] = map[string]any{"Item": map[string]any{"Index": toNumber(v.item.index), "Value": v.item.value}}
	}
	return object
}

const (
	timeFormat = "2006-01-02T15:04:05.000Z"
	roleARN    = "arn:aws:iam::000000000000:role/local"
)
