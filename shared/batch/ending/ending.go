// Package ending ends jobs before their time: it cancels all jobs of an object for their owner, whether an execution works
// on them or not, and notes that the execution of a job was stopped. It collects and reports nothing; the workflow does.
package ending

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"golang.org/x/sync/errgroup"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// Options is what an Ender is made from.
type Options struct {
	Store    *bucket.Bucket
	Batches  *azurebatch.Client
	Progress *progress.Tracker
	States   *sfn.Client
	Workflow string // ARN of the state machine that answers a file
	Now      func() time.Time
}

// Ender ends jobs. Its methods may be called concurrently.
type Ender struct{ Options }

// New makes an Ender.
func New(o Options) *Ender { return &Ender{o} }

// suffix is what the key of an object ends in that cancels the jobs of another, and starts none.
const suffix = ".cancel"

// Ends reports whether an input asks for no job, and ends those of another object.
func Ends(in *job.Input) bool { return in.Job == "" && strings.HasSuffix(in.Key, suffix) }

// Answer says which jobs are cancelled.
type Answer struct {
	Status string   `json:"status"` // cancelling, or nothing_to_cancel
	Source string   `json:"source"` // s3://bucket/key
	Jobs   []string `json:"jobs"`
}

// maxCancelling is how many batches are cancelled at once.
const maxCancelling = 16

// CancelAll cancels the unfinished jobs of an object. The input that asks for it has the object's key and a suffix. A job
// whose object was put there after the one that asks goes on. Where no execution works on a job any more, a new one is
// started, so that what has been answered is delivered.
func (e *Ender) CancelAll(ctx context.Context, in *job.Input) (*Answer, error) {
	if in.Bucket != e.Store.Name() {
		return nil, openaierr.Invalid("bucket", "invalid_bucket", "Jobs are of the bucket %s, not of %q.", e.Store.Name(), in.Bucket)
	}
	source, at := strings.TrimSuffix(in.Key, suffix), e.Now()
	answer := &Answer{Status: "nothing_to_cancel", Source: "s3://" + in.Bucket + "/" + source, Jobs: []string{}}
	asked, err := e.Store.Head(ctx, in.Key, in.VersionID)
	if err != nil {
		return nil, err
	}
	if asked != nil {
		at = asked.Modified
	}
	jobs, err := e.unfinished(ctx, source)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		object, err := e.Store.Head(ctx, j.Key, j.VersionID)
		if err == nil && (object == nil || !object.Modified.After(at)) {
			answer.Status, answer.Jobs = "cancelling", append(answer.Jobs, j.ID)
			err = e.cancel(ctx, j)
		}
		if err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// cancel ends a job that has a record.
func (e *Ender) cancel(ctx context.Context, j *job.Job) error {
	if err := e.Store.Put(ctx, job.CancelKey(j.ID), job.Cancellation{At: e.Now().UTC()}); err != nil {
		return err
	}
	e.Progress.Change(ctx, j, func(_ context.Context, st *job.Status) (bool, error) {
		st.Status, st.EndsAt = job.Cancelling, nil
		st.Note = "The job was cancelled by its owner. What was answered by then is delivered, 20 minutes later or so."
		return true, nil
	})
	e.cancelBatches(ctx, j)
	return e.revive(ctx, j)
}

// cancelBatches cancels the batches of a job that are under way in Azure, before a task of its parts does. What cannot be
// cancelled is left to the tasks.
func (e *Ender) cancelBatches(ctx context.Context, j *job.Job) {
	plan := &job.Plan{}
	_, err := e.Store.Get(ctx, job.PlanKey(j.ID), plan)
	var all errgroup.Group
	all.SetLimit(maxCancelling)
	for _, part := range plan.Parts {
		all.Go(func() error {
			st, err := e.Progress.UnderWay(ctx, j.ID, part.Number)
			if err != nil || st == nil || st.BatchID == "" || st.Terminal() {
				return err
			}
			err = e.Batches.At(part.Resource).Cancel(ctx, st.BatchID)
			if err != nil && openaierr.From(err).Status == http.StatusConflict { // it has ended meanwhile
				return nil
			}
			return err
		})
	}
	if err := errors.Join(err, all.Wait()); err != nil {
		slog.WarnContext(ctx, "a batch of a cancelled job is left to the job's tasks", "job", j.ID, "error", openaierr.From(err).Code)
	}
}

// stoppedNote is what the owner of a job reads whose execution was stopped.
func stoppedNote(j *job.Job, status string) string {
	cancel := fmt.Sprintf("start the workflow with the key %s%s", j.Key, suffix)
	if strings.HasPrefix(j.Key, "inbox/") {
		cancel = fmt.Sprintf("put an object %s%s into the bucket (make batch CANCEL=%s)", j.Key, suffix, j.Key)
	}
	return fmt.Sprintf("The execution was stopped (%s), and no task works on the job. Batches that were made go on at Azure, which charges for them. "+
		"To take the job over, redrive the execution, start another with the same input and \"take_over\": true, or put the same file there again. To cancel it, %s.", status, cancel)
}

// Stopped notes in the status of the job of an execution that the execution was stopped, or has failed, without a report.
func (e *Ender) Stopped(ctx context.Context, execution, status string, in *job.Input) error {
	j, err := e.jobOf(ctx, execution, in)
	if err != nil || j == nil {
		return err
	}
	e.Progress.Change(ctx, j, func(_ context.Context, st *job.Status) (bool, error) {
		st.Status, st.Note, st.NextLookBy, st.EndsAt = job.Stopped, stoppedNote(j, status), nil, nil
		return true, nil
	})
	return nil
}
