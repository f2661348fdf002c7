package part

import (
	"context"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/online"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
)

// Options is what a Service is made from.
type Options struct {
	Store    *bucket.Bucket
	Progress *progress.Tracker
	Azure    *azure.Client
	Env      config.Batch
	Call     time.Duration // the longest that one online call may take
	Temp     string        // a directory for what is too large for memory; "" is the system's

	Now   func() time.Time                           // nil is clock.Wall
	Sleep func(context.Context, time.Duration) error // nil waits
}

// Service does the tasks of parts. Its methods may be called concurrently.
type Service struct {
	store    *bucket.Bucket // has the jobs' records
	progress *progress.Tracker
	azure    *azure.Client
	batches  *azurebatch.Client
	online   *online.Caller
	output   int // tokens that an answer is expected to have where its line sets no limit
	temp     string
	now      func() time.Time
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{store: o.Store, progress: o.Progress, azure: o.Azure, batches: azurebatch.New(o.Azure, o.Env.APIVersion), output: o.Env.OutputTokens, temp: o.Temp, now: clock.Or(o.Now)}
	s.online = &online.Caller{Store: o.Store, Azure: o.Azure, Env: o.Env, Call: o.Call, Temp: o.Temp, Now: s.now, Sleep: o.Sleep}
	if s.online.Sleep == nil {
		s.online.Sleep = clock.Sleep
	}
	return s
}
