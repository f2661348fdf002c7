package batch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
)

// Options is what a Service is made from.
type Options struct {
	AWS   aws.Config
	Azure *azure.Client
	Env   config.Batch
	Call  time.Duration // the longest that one online call may take
	Temp  string        // a directory for what is too large for memory; "" is the system's

	Now   func() time.Time                           // nil is clock.Wall
	Sleep func(context.Context, time.Duration) error // nil waits
}

// Service does the tasks of the batch workflow. Its methods may be called concurrently.
type Service struct {
	store   *bucket.Bucket // has the files and the jobs' records
	temp    string
	azure   *azure.Client
	batches *azurebatch.Client
	env     config.Batch
	call    time.Duration
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{
		store: bucket.New(o.AWS, o.Env.Bucket), temp: o.Temp,
		azure: o.Azure, batches: azurebatch.New(o.Azure, o.Env.APIVersion), env: o.Env, call: o.Call, now: clock.Or(o.Now), sleep: o.Sleep,
	}
	if s.sleep == nil {
		s.sleep = sleep
	}
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// closingTime is kept of a task's time to bring what it has into the bucket.
const closingTime = time.Minute

// closing returns a function that tells whether the task's time is nearly over.
func (s *Service) closing(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return false }
	}
	left := deadline.Sub(s.now())
	end := deadline.Add(-min(closingTime, left/4))
	return func() bool { return s.now().After(end) }
}
