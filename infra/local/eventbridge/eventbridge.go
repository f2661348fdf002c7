// Package eventbridge is Amazon EventBridge's default bus on this machine: events of S3, of Step Functions and of callers
// of PutEvents, matched against rules and passed on to their targets. It does not know what a
// target is, and has no other buses, archives, schedules or dead-letter queues.
package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"aoai-bridge/infra/local/faults"
)

const (
	account = "000000000000"
	region  = "us-east-1"

	// maxEvents is how many events are remembered.
	maxEvents = 1000
)

// An Event is what a rule is matched against and a target gets, in JSON.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"` // RFC 3339, in whole seconds
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// A Rule passes events on.
type Rule struct {
	Name    string
	Pattern *Pattern
	// Transform makes the target's input of an event; nil leaves it as it is.
	Transform *Transform
	// Target is called for each event that matches. It should hand work over and return.
	Target func(ctx context.Context, input []byte) error
}

// Options are what a Bus may be given.
type Options struct {
	Observe func(Event)                           // called for each event that comes in
	Failed  func(rule Rule, event Event, _ error) // called when a target fails; the event is lost then
	Now     func() time.Time                      // time.Now when nil
}

// A Bus is the default event bus of one account and region. It is an http.Handler, which leaves the
// check of the request's signature to its caller, and it is safe for concurrent use.
type Bus struct {
	faults.Switch // operations are named as in the API: PutEvents

	options Options

	mu     sync.Mutex
	rules  []Rule
	times  int
	events []Event // the newest last
}

// New returns a bus without rules.
func New(options Options) *Bus {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Observe == nil {
		options.Observe = func(Event) {}
	}
	if options.Failed == nil {
		options.Failed = func(Rule, Event, error) {}
	}
	return &Bus{options: options, times: 1}
}

// Add adds a rule.
func (b *Bus) Add(rule Rule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = append(b.rules, rule)
}

// Deliver sets how often each event is delivered: EventBridge promises once or more.
func (b *Bus) Deliver(times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times = times
}

// Events returns the latest events, the newest last.
func (b *Bus) Events() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

// publish gives an event its id, and passes it on.
func (b *Bus) publish(ctx context.Context, event Event) (id string) {
	event.Version, event.ID, event.Account, event.Region = "0", uuid.NewString(), account, region
	if event.Time == "" {
		event.Time = b.options.Now().UTC().Format(time.RFC3339)
	}
	if event.Resources == nil {
		event.Resources = []string{}
	}
	b.mu.Lock()
	rules, times := slices.Clone(b.rules), b.times
	b.events = append(b.events, event)
	if extra := len(b.events) - maxEvents; extra > 0 {
		b.events = slices.Delete(b.events, 0, extra)
	}
	b.mu.Unlock()
	b.options.Observe(event)
	text, err := json.Marshal(event)
	if err != nil {
		panic(err) // Detail is valid JSON: put's callers see to it
	}
	for _, rule := range rules {
		if !rule.Pattern.Matches(text) {
			continue
		}
		for range times {
			if err := rule.deliver(ctx, text); err != nil {
				b.options.Failed(rule, event, err)
			}
		}
	}
	return event.ID
}

func (r Rule) deliver(ctx context.Context, event []byte) error {
	if r.Transform != nil {
		var err error
		if event, err = r.Transform.apply(event); err != nil {
			return err
		}
	}
	return r.Target(ctx, event)
}

// An Object is one that was created in S3.
type Object struct {
	Bucket, Key string
	Size        int64
	ETag        string // without quotes
	VersionID   string // "" in a bucket without versions
	Sequencer   string
	Reason      string // PutObject, CopyObject, CompleteMultipartUpload
}

// ObjectCreated puts S3's event of an object, as
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html has it. The key is as it is,
// not escaped as in S3's own notifications.
func (b *Bus) ObjectCreated(ctx context.Context, o Object) {
	type object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"etag"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	detail, err := json.Marshal(struct {
		Version   string            `json:"version"`
		Bucket    map[string]string `json:"bucket"`
		Object    object            `json:"object"`
		RequestID string            `json:"request-id"`
		Requester string            `json:"requester"`
		Source    string            `json:"source-ip-address"`
		Reason    string            `json:"reason"`
	}{"0", map[string]string{"name": o.Bucket}, object{o.Key, o.Size, o.ETag, o.VersionID, o.Sequencer},
		fmt.Sprintf("%016X", b.options.Now().UnixNano()), account, "127.0.0.1", o.Reason})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	b.publish(ctx, Event{DetailType: "Object Created", Source: "aws.s3", Resources: []string{"arn:aws:s3:::" + o.Bucket}, Detail: detail})
}

// An Execution is one of Step Functions whose status has changed.
type Execution struct {
	ARN, MachineARN, Name string
	Status                string // RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED
	Started, Stopped      time.Time
	Input, Output         string // JSON; "" is none
	Error, Cause          string
}

// ExecutionChanged puts Step Functions' event of an execution, as
// https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html has it.
func (b *Bus) ExecutionChanged(ctx context.Context, e Execution) {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	detail := map[string]any{
		"executionArn": e.ARN, "stateMachineArn": e.MachineARN, "name": e.Name, "status": e.Status, "startDate": e.Started.UnixMilli(), "stopDate": nil,
		"input": e.Input, "inputDetails": map[string]bool{"included": true}, "output": text(e.Output), "outputDetails": nil,
		"error": text(e.Error), "cause": text(e.Cause),
	}
	if !e.Stopped.IsZero() {
		detail["stopDate"] = e.Stopped.UnixMilli()
	}
	if e.Output != "" {
		detail["outputDetails"] = map[string]bool{"included": true}
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	b.publish(ctx, Event{DetailType: "Step Functions Execution Status Change", Source: "aws.states", Resources: []string{e.ARN}, Detail: raw})
}
