package part

import (
	"context"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/openaierr"
)

// work is a part as a task finds it.
type work struct {
	service *Service
	job     *job.Job
	part    *job.Part
	step    job.Step
	try     job.Try // of the step
	state   *job.State
	givenUp bool // the create that the state has is one whose batch does not become the try's
	short   bool // lines are missing from Azure's files
	twice   job.PaidTwice
	began   time.Time // the task
}

// load finds the part that a step is about.
func (s *Service) load(ctx context.Context, step job.Step) (*work, error) {
	w := &work{service: s, job: &job.Job{}, part: &job.Part{}, step: step, try: step.ThisTry(), state: &job.State{}, began: s.now()}
	for _, record := range []struct {
		key  string
		into any
	}{{job.Key(step.Job), w.job}, {job.PartKey(step.Job, step.Part), w.part}} {
		found, err := s.store.Get(ctx, record.key, record.into)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, openaierr.Invalid("job", "job_not_found", "There is no record %s. Jobs' records are removed some weeks after their end.", record.key)
		}
	}
	found, err := s.store.Get(ctx, w.try.StateKey(), w.state)
	if err == nil && !found {
		w.state.Mode, w.state.Lines, w.state.Bytes = w.part.Mode, w.part.Lines, w.part.Bytes
	}
	if err == nil && w.state.Mode == jsonl.Batch && w.state.BatchID == "" {
		var c job.Creation // by a run that got no further, or one at the same time, which writes the same state
		if found, err = s.store.Get(ctx, w.creationKey(), &c); found {
			if w.givenUp = c.BatchID == ""; !w.givenUp {
				w.state.Adopt(c)
			}
		}
	}
	return w, err
}

// resource has the part's batch and its files.
func (w *work) resource() azurebatch.Resource { return w.service.batches.At(w.part.Resource) }

func (w *work) creationKey() string { return w.try.CreationKey(w.state.Create) }

func (w *work) save(ctx context.Context) error {
	return w.service.store.Put(ctx, w.try.StateKey(), w.state)
}

// longestBatch is when a batch that does not end is cancelled. Azure's FAQ says that batches are not
// ended after 24 hours by themselves.
const longestBatch = 72 * time.Hour

// skew is how far Azure's clock and ours may be apart. A search ends at entries that are older than what it looks for by
// more than that.
const skew = 5 * time.Minute

// since is how far a search goes back for what was begun at a time; zero is without end.
func since(begun time.Time) time.Time {
	if begun.IsZero() {
		return begun
	}
	return begun.Add(-skew)
}

// note brings the job's status up to date after a task.
func (w *work) note(ctx context.Context, next *job.Step, err error) {
	w.service.progress.Note(ctx, &progress.Look{Job: w.job, Part: w.part, Try: w.try, State: w.state, Began: w.began, Next: next, Err: err})
}
