package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"aoai-bridge/infra/local/jsonvalue"
)

// A resource is what a Task can do. It takes the state's input as Parameters make it.
type resource struct {
	service, action string // in the history: lambda, invoke
	run             func(v *visit, ctx context.Context, input any) (any, error)
}

var resources map[string]*resource

func init() { // a table that refers to itself: a task starts executions, which have tasks
	resources = map[string]*resource{
		"arn:aws:states:::lambda:invoke":                {"lambda", "invoke", (*visit).invoke},
		"arn:aws:states:::events:putEvents":             {"events", "putEvents", (*visit).putEvents},
		"arn:aws:states:::states:startExecution":        {"states", "startExecution", (*visit).startExecution},
		"arn:aws:states:::states:startExecution.sync":   {"states", "startExecution.sync", (*visit).runExecution},
		"arn:aws:states:::states:startExecution.sync:2": {"states", "startExecution.sync:2", (*visit).runExecution},
	}
}

// isFunctionARN recognises arn:aws:lambda:REGION:ACCOUNT:function:NAME.
func isFunctionARN(resource string) bool {
	return strings.HasPrefix(resource, "arn:") && strings.Contains(resource, ":lambda:") && strings.Contains(resource, ":function:")
}

// task runs the state's resource under its time limit, and writes the history of it.
func (v *visit) task(ctx context.Context, input any) (any, error) {
	seconds, err := v.count(v.TimeoutSeconds, v.TimeoutSecondsPath, "TimeoutSecondsPath", input)
	if err != nil {
		return nil, err
	}
	names := v.eventNames()
	if err := v.begin(names, input, seconds); err != nil {
		return nil, err
	}
	limited := ctx
	timeout := &Failure{errTimeout, ""}
	if seconds > 0 {
		var cancel context.CancelFunc
		limited, cancel = v.service.options.Clock.Limit(ctx, time.Duration(seconds)*time.Second, timeout)
		defer cancel()
	}
	result, err := v.runResource(limited, input)
	if err == nil && len(encode(result)) > maxData {
		err = tooLarge(v.Resource)
	}
	switch {
	case err == nil:
		return result, v.event(names.succeeded, names.details(dataDetails("output", encode(result))))
	case ctx.Err() != nil: // the execution, or a branch beside this one, is over
		return nil, ctx.Err()
	case context.Cause(limited) == timeout:
		return nil, errors.Join(v.event(names.timedOut, names.details(failureDetails(timeout))), timeout)
	}
	failure := asFailure(err)
	return nil, errors.Join(v.event(names.failed, names.details(failureDetails(failure))), failure)
}

func (v *visit) runResource(ctx context.Context, input any) (any, error) {
	if r := resources[v.Resource]; r != nil {
		return r.run(v, ctx, input)
	}
	return v.call(ctx, v.Resource, input)
}

// eventNames are the history's names for what happens to a task. Those of a function named by its ARN
// differ from those of an integrated service.
type eventNames struct {
	scheduled, started, succeeded, failed, timedOut string
	resource                                        *resource // nil for a function's ARN
}

func (v *visit) eventNames() eventNames {
	if r := resources[v.Resource]; r != nil {
		return eventNames{"TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskFailed", "TaskTimedOut", r}
	}
	return eventNames{"LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "LambdaFunctionFailed",
		"LambdaFunctionTimedOut", nil}
}

// details adds which service it is.
func (n eventNames) details(details map[string]any) map[string]any {
	if n.resource != nil {
		details["resourceType"], details["resource"] = n.resource.service, n.resource.action
	}
	return details
}

func (v *visit) begin(names eventNames, input any, seconds int) error {
	details := map[string]any{"parameters": encode(input), "region": "us-east-1"}
	if names.resource == nil {
		details = dataDetails("input", encode(input))
		details["resource"] = v.Resource
	}
	if seconds > 0 {
		details["timeoutInSeconds"] = seconds
	}
	started := map[string]any(nil)
	if names.resource != nil {
		started = names.details(map[string]any{})
	}
	if err := v.event(names.scheduled, names.details(details)); err != nil {
		return err
	}
	return v.event(names.started, started)
}

// call invokes a function and returns its answer.
func (v *visit) call(ctx context.Context, function string, payload any) (any, error) {
	if v.service.options.Invoke == nil {
		return nil, failf("Lambda.ResourceNotFoundException", "Function not found: %s", function)
	}
	answer, err := v.service.options.Invoke(ctx, function, []byte(encode(payload)))
	if err != nil {
		if failure, ok := errors.AsType[*Failure](err); ok {
			return nil, failure
		}
		return nil, failf("Lambda.ServiceException", "%v", err)
	}
	if len(answer) > maxData {
		return nil, tooLarge(v.Resource)
	}
	value, err := jsonvalue.Decode(answer)
	if err != nil {
		return nil, failf(errRuntime, "The function's answer is not JSON: %v", err)
	}
	return value, nil
}

// invoke is arn:aws:states:::lambda:invoke.
func (v *visit) invoke(ctx context.Context, input any) (any, error) {
	parameters, _ := input.(map[string]any)
	function, ok := parameters["FunctionName"].(string)
	if !ok {
		return nil, failf(errRuntime, "The Parameters of %s need a FunctionName", v.Resource)
	}
	payload, ok := parameters["Payload"]
	if !ok {
		payload = map[string]any{}
	}
	answer, err := v.call(ctx, function, payload)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"ExecutedVersion": "$LATEST", "Payload": answer, "StatusCode": toNumber(200),
		"SdkHttpMetadata": map[string]any{"HttpStatusCode": toNumber(200)},
	}, nil
}

// putEvents is arn:aws:states:::events:putEvents. A Detail may be an object, as in Step Functions
// and unlike in EventBridge's own API.
func (v *visit) putEvents(ctx context.Context, input any) (any, error) {
	parameters, _ := input.(map[string]any)
	entries, ok := parameters["Entries"].([]any)
	if !ok || v.service.options.PutEvents == nil {
		return nil, failf(errRuntime, "The Parameters of %s need Entries, and the service an EventBridge", v.Resource)
	}
	sent := make([]any, len(entries))
	for i, entry := range entries {
		fields := make(map[string]any)
		object, _ := entry.(map[string]any)
		for name, value := range object {
			if _, isText := value.(string); name == "Detail" && !isText {
				value = encode(value)
			}
			fields[name] = value
		}
		sent[i] = fields
	}
	answer, err := v.service.options.PutEvents(ctx, []byte(encode(map[string]any{"Entries": sent})))
	if err != nil {
		return nil, failf("EventBridge.EventBridgeException", "%v", err)
	}
	value, err := jsonvalue.Decode(answer)
	if err != nil {
		return nil, err
	}
	object, _ := value.(map[string]any)
	if failed, _ := object["FailedEntryCount"].(json.Number); failed != "" && failed != "0" {
		return nil, &Failure{"EventBridge.FailedEntry", string(answer)}
	}
	return value, nil
}
