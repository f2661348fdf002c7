package stepfunctions

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"aoai-bridge/infra/local/awsjson"
	"aoai-bridge/infra/local/jsonvalue"

	"github.com/google/uuid"
)

// The statuses of an execution.
const (
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	TimedOut  = "TIMED_OUT"
	Aborted   = "ABORTED"
)

// An execution is a run of a machine, or of what a distributed Map does with an item.
type execution struct {
	service *Service
	machine *machine
	name    string
	arn     string
	input   string
	parent  *execution // of a distributed Map's item
	cancel  context.CancelCauseFunc
	ended   chan struct{} // closed when the run, or the last one after a redrive, is over

	mu          sync.Mutex
	status      string
	started     time.Time
	stopped     time.Time
	output      string
	failure     *Failure
	recorded    int // events
	history     []Event
	transitions int
	redrives    int
	redriven    time.Time
	checkpoints map[string]checkpoint
}

// A Snapshot is an execution as it stands.
type Snapshot struct {
	ARN, Name, Machine string
	Status             string
	Input, Output      string // JSON
	Error, Cause       string
	Started, Stopped   time.Time
	Transitions        int // state transitions, those of a distributed Map's items among them
	Redrives           int
	Redriven           time.Time // the last time
}

func (e *execution) snapshot() Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Snapshot{ARN: e.arn, Name: e.name, Machine: e.machine.name, Status: e.status, Input: e.input, Output: e.output,
		Started: e.started, Stopped: e.stopped, Transitions: e.transitions, Redrives: e.redrives, Redriven: e.redriven}
	if e.failure != nil {
		s.Error, s.Cause = e.failure.Name, e.failure.Cause
	}
	return s
}

// transition counts one step, as Step Functions bills them: each state that is entered, and each time
// one is tried again, plus the end of the execution.
func (e *execution) transition() {
	e.mu.Lock()
	e.transitions++
	e.mu.Unlock()
	if e.parent != nil {
		e.parent.transition()
	}
}

// Start starts an execution of the machine with a name. The execution's name is a new one when
// empty. As in the API, the same name and input as of an execution that runs is that execution.
func (s *Service) Start(machineName, name string, input []byte) (arn string, err error) {
	e, err := s.start(MachineARN(machineName), name, string(input))
	if err != nil {
		return "", err
	}
	return e.arn, nil
}

func (s *Service) start(machineARN, name, input string) (*execution, error) {
	m, err := s.machine(machineARN)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = uuid.NewString()
	}
	if !validName(name) {
		return nil, awsjson.BadRequest("InvalidName", "Invalid Name: '%s'", name)
	}
	if input == "" {
		input = "{}"
	}
	value, err := jsonvalue.Decode([]byte(input))
	if err != nil || len(input) > maxData {
		return nil, awsjson.BadRequest("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'",
			errors.Join(err, failIfLong(input)))
	}
	e := &execution{service: s, machine: m, name: name, input: input, status: Running, started: s.options.Clock.Now(),
		arn: arnPrefix + "execution:" + m.name + ":" + name, ended: make(chan struct{}), checkpoints: make(map[string]checkpoint)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.executions[e.arn]; old != nil {
		if was := old.snapshot(); was.Status != Running || was.Input != input {
			return nil, awsjson.BadRequest("ExecutionAlreadyExists", "Execution Already Exists: '%s'", e.arn)
		}
		return old, nil
	}
	if err := s.options.Begin(e.snapshot()); err != nil {
		return nil, err
	}
	s.executions[e.arn] = e
	s.order = append(s.order, e)
	s.launch(e, value, "ExecutionStarted", dataDetails("input", input))
	return e, nil
}

func failIfLong(input string) error {
	if len(input) > maxData {
		return errors.New("it has more than 262144 bytes")
	}
	return nil
}

// validName is as https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
// has it.
func validName(name string) bool {
	return len(name) <= 80 && !strings.ContainsAny(name, " <>{}[]?*\"#%\\^|~`$&,;:/") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}

// launch runs e in the background, from its checkpoints on if it has any.
func (s *Service) launch(e *execution, input any, kind string, details map[string]any) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	e.cancel = cancel
	s.running.Go(func() {
		defer cancel(nil)
		e.run(ctx, input, kind, details)
	})
}

// errExecutionTimeout is the cause of a context that ends with the machine's own TimeoutSeconds.
var errExecutionTimeout = errors.New("execution timed out")

// A stop is the cause of a context that StopExecution ends.
type stop struct{ Failure }

func (e *execution) run(ctx context.Context, input any, kind string, details map[string]any) {
	defer close(e.ended)
	if seconds := e.machine.TimeoutSeconds; seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = e.service.options.Clock.Limit(ctx, time.Duration(seconds)*time.Second, errExecutionTimeout)
		defer cancel()
	}
	f := &frame{execution: e, states: e.machine.states}
	err := f.event(kind, details)
	var output any
	if err == nil {
		output, err = f.run(ctx, input)
	}
	e.transition()
	status, failure := Succeeded, (*Failure)(nil)
	switch cause := context.Cause(ctx); {
	case err == nil:
	case errors.Is(cause, errExecutionTimeout):
		status, failure = TimedOut, &Failure{errTimeout, ""}
	case cause != nil:
		status, failure = Aborted, &Failure{}
		if stopped, ok := errors.AsType[*stop](cause); ok {
			failure = &stopped.Failure
		}
	default:
		status, failure = Failed, asFailure(err)
	}
	e.finish(f, status, output, failure)
}

func (s *stop) Error() string { return "stopped" }

// finish records the end; the event comes last, so that who saw it finds the execution over.
func (e *execution) finish(f *frame, status string, output any, failure *Failure) {
	e.mu.Lock()
	e.status, e.failure, e.stopped = status, failure, e.service.options.Clock.Now()
	if status == Succeeded {
		e.output = encode(output)
		e.checkpoints = nil
	}
	e.mu.Unlock()
	kind, details := map[string]string{Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut",
		Aborted: "ExecutionAborted"}[status], dataDetails("output", e.output)
	if failure != nil {
		details = failureDetails(failure)
	}
	if e.parent == nil && e.service.ctx.Err() == nil {
		e.service.options.End(e.snapshot())
	}
	_ = f.event(kind, details) // a full history has room for the last event
}

// execution finds an execution by ARN.
func (s *Service) execution(arn string) (*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.executions[arn]; e != nil {
		return e, nil
	}
	return nil, awsjson.BadRequest("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

// Execution returns the execution with an ARN as it stands.
func (s *Service) Execution(arn string) (Snapshot, error) {
	e, err := s.execution(arn)
	if err != nil {
		return Snapshot{}, err
	}
	return e.snapshot(), nil
}

// Wait waits until the execution with an ARN is over, and returns it.
func (s *Service) Wait(ctx context.Context, arn string) (Snapshot, error) {
	e, err := s.execution(arn)
	if err != nil {
		return Snapshot{}, err
	}
	select {
	case <-e.done():
		return e.snapshot(), nil
	case <-ctx.Done():
		return e.snapshot(), ctx.Err()
	}
}

func (e *execution) done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

// Executions returns all executions, the newest first.
func (s *Service) Executions() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Snapshot, len(s.order))
	for i, e := range s.order {
		list[len(list)-1-i] = e.snapshot()
	}
	return list
}

// Redrive runs an execution that did not succeed again, from where it failed.
func (s *Service) Redrive(arn string) error {
	e, err := s.execution(arn)
	if err != nil {
		return err
	}
	return s.redrive(e)
}

func (s *Service) redrive(e *execution) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status == Running || e.status == Succeeded {
		return awsjson.BadRequest("ExecutionNotRedrivable", "Execution is %s and cannot be redriven", e.status)
	}
	input, err := jsonvalue.Decode([]byte(e.input))
	if err != nil {
		return err
	}
	if err := s.options.Begin(Snapshot{ARN: e.arn, Name: e.name, Machine: e.machine.name, Status: Running, Input: e.input}); err != nil {
		return err
	}
	e.status, e.failure, e.stopped = Running, nil, time.Time{}
	e.redrives++
	e.redriven = s.options.Clock.Now()
	e.ended = make(chan struct{})
	s.launch(e, input, "ExecutionRedriven", map[string]any{"redriveCount": e.redrives})
	return nil
}
