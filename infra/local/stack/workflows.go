package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/stepfunctions"
	"aoai-bridge/infra/local/template"
)

// startWorkflows makes the template's buckets, state machines and event rules, each of which knows the
// next: an object in a bucket is an event, a rule passes it to a machine, a machine calls functions.
func (s *Stack) startWorkflows(o Options) error {
	s.Bus = eventbridge.New(eventbridge.Options{})
	if err := s.openBuckets(); err != nil {
		return err
	}
	for _, bucket := range s.Template.Buckets {
		if err := s.S3.MakeBucket(bucket.Name, bucket.Versioned); err != nil {
			return err
		}
	}
	s.States = stepfunctions.New(stepfunctions.Options{
		Invoke: s.invoke, PutEvents: s.Bus.PutEvents, Objects: s.S3,
		Observe: s.observe(o.Observe), WaitScale: o.WaitScale, Begin: s.begin, End: s.end,
	})
	s.onClose(func() error {
		s.closing.Store(true) // what is aborted then is not stopped, but goes with the stack
		s.States.Close()
		s.changes.Wait()
		return nil
	})
	for _, machine := range s.Template.StateMachines {
		definition, err := os.ReadFile(filepath.Join(filepath.Dir(o.Template), machine.DefinitionURI))
		if err != nil {
			return err
		}
		if _, err := s.States.Add(machine.Name, definition, machine.Substitutions); err != nil {
			return fmt.Errorf("%s: %w", machine.DefinitionURI, err)
		}
	}
	for _, rule := range s.Template.Rules {
		if err := s.addRule(rule); err != nil {
			return fmt.Errorf("event rule %s: %w", rule.Name, err)
		}
	}
	return nil
}

// objectCreated sends the bus an event about an object, if its bucket is configured to.
func (s *Stack) objectCreated(c s3.Created) {
	for _, bucket := range s.Template.Buckets {
		if bucket.Name == c.Bucket && bucket.Events {
			s.Bus.ObjectCreated(context.Background(), eventbridge.Object(c))
		}
	}
}

func (s *Stack) addRule(rule template.Rule) error {
	pattern, err := eventbridge.ParsePattern(rule.Pattern)
	if err != nil {
		return err
	}
	var transform *eventbridge.Transform
	if rule.Input != nil || rule.InputPath != "" || rule.InputTemplate != "" {
		transform = &eventbridge.Transform{
			Input: rule.Input, InputPath: rule.InputPath, Template: rule.InputTemplate, Paths: rule.InputPaths,
		}
	}
	s.Bus.Add(eventbridge.Rule{
		Name: rule.Name, Pattern: pattern, Transform: transform,
		Target: func(ctx context.Context, input []byte) error {
			if strings.Contains(rule.TargetARN, ":function:") {
				_, err := s.invoke(ctx, rule.TargetARN, input)
				return err
			}
			_, err := s.States.Start(lastOf(rule.TargetARN), "", input)
			return err
		},
	})
	return nil
}

// statuses of executions, by the event that they begin with.
var statuses = map[string]string{
	"ExecutionStarted": stepfunctions.Running, "ExecutionRedriven": stepfunctions.Running, "ExecutionSucceeded": stepfunctions.Succeeded,
	"ExecutionFailed": stepfunctions.Failed, "ExecutionTimedOut": stepfunctions.TimedOut, "ExecutionAborted": stepfunctions.Aborted,
}

// observe returns what is called for each step of each execution: it tells the caller, and the bus where the
// status of an execution has changed.
func (s *Stack) observe(tell func(stepfunctions.Event)) func(stepfunctions.Event) {
	return func(e stepfunctions.Event) {
		if tell != nil {
			tell(e)
		}
		status, changed := statuses[e.Type]
		if !changed || s.closing.Load() || strings.Contains(lastOf(e.ExecutionARN), "/") {
			return
		}
		s.changes.Go(func() { s.executionChanged(e.ExecutionARN, status) })
	}
}

func (s *Stack) executionChanged(arn, status string) {
	snapshot, err := s.States.Execution(arn)
	if err != nil {
		return // of an item of a Map, which is not listed
	}
	s.Bus.ExecutionChanged(context.Background(), eventbridge.Execution{
		ARN: arn, MachineARN: stepfunctions.MachineARN(snapshot.Machine), Name: snapshot.Name, Status: status,
		Started: snapshot.Started, Stopped: snapshot.Stopped, Input: snapshot.Input, Output: snapshot.Output, Error: snapshot.Error, Cause: snapshot.Cause,
	})
}

// invoke calls a function as Step Functions does.
func (s *Stack) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	response, err := s.Host.Invoke(ctx, lastOf(function), payload)
	var answer []byte
	if err == nil {
		answer, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	failed, ok := errors.AsType[*lambda.FunctionError](err)
	switch {
	case ok:
		return nil, &stepfunctions.Failure{Name: failed.Type, Cause: string(failed.Payload)}
	case errors.Is(err, lambda.ErrThrottled):
		return nil, &stepfunctions.Failure{Name: "Lambda.TooManyRequestsException", Cause: err.Error()}
	}
	return answer, err
}

// lastOf is the name at the end of an ARN.
func lastOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
