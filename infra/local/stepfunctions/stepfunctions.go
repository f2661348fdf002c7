// Package stepfunctions is AWS Step Functions on this machine: an interpreter of the Amazon States
// Language with JSONPath, https://states-language.net/spec.html, served by the service's JSON 1.0
// protocol. It does not know how a function runs, and what a definition asks for that is not here
// is an error when the definition is read, never skipped: JSONata, variables, activities, task
// tokens, express workflows, and AWS services other than Lambda, EventBridge and Step Functions.
//
// Not as AWS has it: HeartbeatSeconds is read and ignored, since no task here can send a heartbeat;
// at most 40 iterations of any Map run at a time; the executions of a Distributed Map's items are not
// listed, and their history is not kept.
package stepfunctions

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"aoai-bridge/infra/local/awsjson"
	"aoai-bridge/infra/local/faults"
)

const (
	arnPrefix = "arn:aws:states:us-east-1:000000000000:"

	// maxData is the most that a state may be given or return, in bytes.
	maxData = 256 << 10
	// maxHistory is the most events an execution may have.
	maxHistory = 25_000
	// maxConcurrency is how many iterations of a Map run at a time, unless it asks for fewer.
	maxConcurrency = 40
)

// Options are what the machines of a Service work with.
type Options struct {
	// Invoke calls a function, named or by ARN, and returns its answer. A *Failure is the function's
	// own error, or Lambda's; any other error is Lambda.ServiceException.
	Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)
	// PutEvents is EventBridge's operation of that name: JSON in, JSON out.
	PutEvents func(ctx context.Context, request []byte) ([]byte, error)
	// Objects is where a Distributed Map reads items and writes results.
	Objects Objects
	// Observe is called for each event of each execution, in the execution's order. It must not block.
	Observe func(Event)
	// Begin is called before an execution starts or is redriven, which it is not where Begin fails. End is called after one has ended,
	// except where Close aborted it. Neither is called for a distributed Map's items.
	Begin func(Snapshot) error
	End   func(Snapshot)
	// WaitScale multiplies every wait, be it a Wait or what a Retry waits; 1 when 0.
	WaitScale float64
	// Clock is the time; the machine's when nil.
	Clock Clock
}

// Objects is as much of S3 as a Distributed Map needs.
type Objects interface {
	Open(bucket, key string) (io.ReadCloser, error)
	Write(bucket, key string, body []byte) error
	List(bucket, prefix string, each func(key, etag string, size int64, modified time.Time)) error
}

// A Service holds the machines and executions of one account and region. It is an http.Handler, which
// leaves checking the request's signature to its caller, and it is safe for concurrent use.
type Service struct {
	faults.Switch // operations are named as in the API: StartExecution, ...

	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	machines   map[string]*machine   // by name
	executions map[string]*execution // by ARN
	order      []*execution          // as they were started
}

// A machine is a state machine.
type machine struct {
	name, arn string
	source    string // the definition, with its substitutions
	created   time.Time
	*states
}

// New returns a service without machines.
func New(options Options) *Service {
	if options.Clock == nil {
		options.Clock = systemClock{}
	}
	if options.WaitScale == 0 {
		options.WaitScale = 1
	}
	if options.Observe == nil {
		options.Observe = func(Event) {}
	}
	if options.Begin == nil {
		options.Begin = func(Snapshot) error { return nil }
	}
	if options.End == nil {
		options.End = func(Snapshot) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{options: options, ctx: ctx, cancel: cancel,
		machines: make(map[string]*machine), executions: make(map[string]*execution)}
}

// Close aborts the executions that run, and waits until they are over.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
}

// Add makes a state machine of a definition in the Amazon States Language, in which ${NAME} stands
// for a substitution, and returns its ARN.
func (s *Service) Add(name string, definition []byte, substitutions map[string]string) (arn string, err error) {
	source := string(definition)
	for from, to := range substitutions {
		source = strings.ReplaceAll(source, "${"+from+"}", to)
	}
	parsed, err := parse(source)
	if err != nil {
		return "", fmt.Errorf("state machine %s: %w", name, err)
	}
	m := &machine{name: name, arn: MachineARN(name), source: source, created: s.options.Clock.Now(), states: parsed}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines[name] = m
	return m.arn, nil
}

// MachineARN returns the ARN of a machine with a name.
func MachineARN(name string) string { return arnPrefix + "stateMachine:" + name }

// machine finds a machine by ARN, with a version or an alias, or by name.
func (s *Service) machine(arn string) (*machine, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(arn, arnPrefix+"stateMachine:"), ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[name]; m != nil {
		return m, nil
	}
	return nil, awsjson.BadRequest("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

// sorted returns the machines by name.
func (s *Service) sorted() []*machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*machine, 0, len(s.machines))
	for _, name := range slices.Sorted(maps.Keys(s.machines)) {
		list = append(list, s.machines[name])
	}
	return list
}

// History returns the events of the execution with an ARN so far.
func (s *Service) History(arn string) ([]Event, error) {
	e, err := s.execution(arn)
	if err != nil {
		return nil, err
	}
	return e.events(), nil
}
