package batch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
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
	planner *plan.Planner
	azure   *azure.Client
	batches *azurebatch.Client
	env     config.Batch
	call    time.Duration
	temp    string
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{
		store: bucket.New(o.AWS, o.Env.Bucket), azure: o.Azure, batches: azurebatch.New(o.Azure, o.Env.APIVersion),
		env: o.Env, call: o.Call, temp: o.Temp, now: clock.Or(o.Now), sleep: o.Sleep,
	}
	s.planner = plan.New(plan.Options{Store: s.store, Azure: o.Azure, Env: o.Env, Temp: o.Temp, Now: o.Now})
	if s.sleep == nil {
		s.sleep = clock.Sleep
	}
	return s
}

// Settings are the stack's, for a job that names none.
func (s *Service) Settings() job.Settings { return job.SettingsOf(s.env) }
