package batch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/claims"
	"aoai-bridge/shared/batch/ending"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/part"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
)

// Options is what a Service is made from.
type Options struct {
	AWS      aws.Config
	Azure    *azure.Client
	Env      config.Batch
	Call     time.Duration // the longest that one online call may take
	Workflow string        // ARN of the state machine, for who cancels jobs; the tools have none
	Temp     string        // a directory for what is too large for memory; "" is the system's

	Now   func() time.Time                           // nil is clock.Wall
	Sleep func(context.Context, time.Duration) error // nil waits
}

// Service does the tasks of the batch workflow. Its methods may be called concurrently.
type Service struct {
	store    *bucket.Bucket // has the files and the jobs' records
	claims   *claims.Claims
	progress *progress.Tracker
	ender    *ending.Ender
	planner  *plan.Planner
	parts    *part.Service
	azure    *azure.Client
	env      config.Batch
	temp     string
	now      func() time.Time
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{
		store: bucket.New(o.AWS, o.Env.Bucket), azure: o.Azure, env: o.Env, temp: o.Temp, now: clock.Or(o.Now),
	}
	s.claims, s.progress = claims.New(s.store, s.now), progress.New(s.store, s.now)
	s.ender = ending.New(ending.Options{
		Store: s.store, Batches: azurebatch.New(o.Azure, o.Env.APIVersion), Progress: s.progress, States: sfn.NewFromConfig(o.AWS), Workflow: o.Workflow, Now: s.now,
	})
	s.planner = plan.New(plan.Options{Store: s.store, Azure: o.Azure, Env: o.Env, Temp: o.Temp, Now: o.Now})
	s.parts = part.New(part.Options{Store: s.store, Progress: s.progress, Azure: o.Azure, Env: o.Env, Call: o.Call, Temp: o.Temp, Now: o.Now, Sleep: o.Sleep})
	return s
}

// Progress reads how far a job is. found is false where there is no such job, or not yet: the workflow makes its record.
func (s *Service) Progress(ctx context.Context, jobID string) (p *progress.Progress, found bool, err error) {
	return s.progress.Of(ctx, jobID)
}

// Settings are the stack's, for a job that names none.
func (s *Service) Settings() job.Settings { return job.SettingsOf(s.env) }
