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
		Observe: o.Observe, WaitScale: o.WaitScale, Begin: s.begin, End: s.end,
	})
	s.onClose(func() error { s.States.Close(); return nil })
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
		Target: func(_ context.Context, input []byte) error {
			_, err := s.States.Start(lastOf(rule.TargetARN), "", input)
			return err
		},
	})
	return nil
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
