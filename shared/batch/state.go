package batch

import (
	"context"
	"fmt"
	"math"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/openaierr"
)

// Step is what the workflow carries from task to task of a part.
type Step struct {
	Job    string `json:"job"`
	Part   int    `json:"part"`
	Try    int    `json:"try"`
	Status string `json:"status,omitempty"`
	// Wait is how many seconds the workflow lets pass before the next task; it grows with Waits.
	Wait  int `json:"wait_seconds"`
	Waits int `json:"waits"`
}

// What a step's task tells the workflow.
const (
	stepSubmitted = "submitted" // to Azure: wait, then poll
	stepNoRoom    = "no_room"   // the quota is full, or the file is not ready: wait, then submit
	stepWorking   = "working"   // online calls, and the time was over: submit
	stepRunning   = "running"   // wait, then poll
	stepEnded     = "ended"     // collect
	stepNotReady  = "not_ready" // the output is not there yet: wait, then collect
	stepAgain     = "again"     // there are lines for another try: submit
	stepDone      = "done"
)

// Waits grow from one minute, the least Azure's documentation allows (how-to-batch-content.md,
// 03/19/2026), to twenty, so that a batch of 24 hours takes about 90 of them.
const (
	firstWait = 60
	lastWait  = 1200
	growth    = 1.125
)

func (st Step) wait(status string) *Step {
	st.Status = status
	st.Wait = int(min(lastWait, firstWait*math.Pow(growth, float64(st.Waits))))
	st.Waits++
	return &st
}

func (st Step) now(status string) *Step {
	st.Status, st.Wait, st.Waits = status, 0, 0
	return &st
}

// state is how far a try of a part is. It is written before and after whatever must not happen twice.
type state struct {
	Mode        Mode               `json:"mode"`
	Lines       int                `json:"lines"`
	Bytes       int64              `json:"bytes"`
	Uploading   bool               `json:"uploading"` // an upload has been begun
	FileID      string             `json:"file_id,omitempty"`
	Creating    bool               `json:"creating"` // a create has been sent
	Create      int                `json:"create"`   // how many batches there have been before
	BatchID     string             `json:"batch_id,omitempty"`
	CreatedAt   time.Time          `json:"created_at,omitzero"` // of the batch
	Status      string             `json:"status,omitempty"`    // of the batch, or ended
	Counts      azurebatch.Counts  `json:"request_counts"`
	OutputID    string             `json:"output_file_id,omitempty"`
	ErrorID     string             `json:"error_file_id,omitempty"`
	Errors      []azurebatch.Error `json:"errors,omitempty"`
	Cancelled   bool               `json:"cancelled,omitempty"`   // by the job's owner
	Unavailable int                `json:"unavailable,omitempty"` // polls in a row that found no batch
}

// work is a part as a task finds it.
type work struct {
	*Service
	job   *Job
	part  *Part
	step  Step
	state *state
}

// load finds the part that a step is about.
func (s *Service) load(ctx context.Context, step Step) (*work, error) {
	w := &work{Service: s, job: &Job{}, part: &Part{}, step: step, state: &state{}}
	for _, record := range []struct {
		key  string
		into any
	}{{jobKey(step.Job), w.job}, {partKey(step.Job, step.Part, partName), w.part}} {
		found, err := s.store.Get(ctx, record.key, record.into)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, openaierr.Invalid("job", "job_not_found", "There is no record %s. Jobs' records are removed some weeks after their end.", record.key)
		}
	}
	found, err := s.store.Get(ctx, w.key(stateName), w.state)
	if err == nil && !found {
		w.state.Mode, w.state.Lines, w.state.Bytes = w.part.Mode, w.part.Lines, w.part.Bytes
	}
	if err == nil && w.state.Mode == Batch && w.state.BatchID == "" {
		var m made // by a run that got no further, or one at the same time, which writes the same state
		if found, err = s.store.Get(ctx, w.madeKey(), &m); found {
			w.state.use(m)
		}
	}
	return w, err
}

func (st *state) use(m made) { st.BatchID, st.FileID, st.CreatedAt = m.BatchID, m.FileID, m.CreatedAt }

// resource has the part's batch and its files.
func (w *work) resource() azurebatch.Resource { return w.batches.At(w.part.Resource) }

func (w *work) key(name string) string { return tryKey(w.step.Job, w.step.Part, w.step.Try, name) }

func (w *work) madeKey() string { return w.key(fmt.Sprintf(madeName, w.state.Create)) }

func (w *work) save(ctx context.Context) error { return w.store.Put(ctx, w.key(stateName), w.state) }

// name identifies the try among Azure's files.
func (w *work) name() string {
	return fmt.Sprintf("%s-%05d-%02d.jsonl", w.step.Job, w.step.Part, w.step.Try)
}

// cancelled tells whether the job's owner has cancelled it.
func (s *Service) cancelled(ctx context.Context, job string) (bool, error) {
	at, err := s.CancelledAt(ctx, job)
	return !at.IsZero(), err
}
