package stepfunctions

import (
	"context"
	"errors"
	"strings"
	"time"

	"aoai-bridge/infra/local/awsjson"
	"aoai-bridge/infra/local/jsonvalue"
)

// startExecution is arn:aws:states:::states:startExecution, which does not wait.
func (v *visit) startExecution(_ context.Context, input any) (any, error) {
	e, err := v.startNested(input)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ExecutionArn": e.arn, "StartDate": millis(e.started)}, nil
}

func (v *visit) startNested(input any) (*execution, error) {
	parameters, _ := input.(map[string]any)
	arn, _ := parameters["StateMachineArn"].(string)
	name, _ := parameters["Name"].(string)
	body, isText := parameters["Input"].(string)
	if inner, ok := parameters["Input"]; ok && !isText {
		body = encode(inner)
	}
	e, err := v.service.start(arn, name, body)
	if refusal, ok := errors.AsType[*awsjson.Error](err); ok {
		return nil, &Failure{"StepFunctions." + refusal.Code + "Exception", refusal.Message}
	}
	return e, err
}

// runExecution is the same with .sync, which waits for the end and returns its Output as text, or
// with .sync:2 as JSON. An execution that is over before its child aborts the child.
func (v *visit) runExecution(ctx context.Context, input any) (any, error) {
	e, err := v.startNested(input)
	if err != nil {
		return nil, err
	}
	over, err := v.service.Wait(ctx, e.arn)
	if err != nil {
		e.abort(Failure{})
		return nil, err
	}
	description := map[string]any{
		"ExecutionArn": over.ARN, "StateMachineArn": e.machine.arn, "Name": over.Name, "Status": over.Status,
		"StartDate": millis(over.Started), "StopDate": millis(over.Stopped), "Input": over.Input,
	}
	if over.Status != Succeeded {
		description["Error"], description["Cause"] = over.Error, over.Cause
		return nil, &Failure{errTaskFailed, encode(description)}
	}
	description["Output"] = over.Output
	if strings.HasSuffix(v.Resource, ":2") {
		if description["Output"], err = jsonvalue.Decode([]byte(over.Output)); err != nil {
			return nil, err
		}
		description["Input"], err = jsonvalue.Decode([]byte(over.Input))
	}
	return description, err
}

func millis(t time.Time) any { return toNumber(int(t.UnixMilli())) }

// abort ends an execution that runs.
func (e *execution) abort(failure Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancel(&stop{failure})
}
