package claims

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/batch/job"
)

// memory is how long after its end a job's content is not answered again.
const memory = 6 * time.Hour

// repeated returns the job whose content an object repeats, nil if it is to have a job of its own: one of the same key,
// size, ETag and metadata that runs, or that has succeeded in every line within the last hours. A job that was refused,
// or that has failed lines, is no reason to leave the lines unanswered.
func (c *Claims) repeated(ctx context.Context, a *Admission, in *job.Input) (earlier *job.Job, err error) {
	if a.Object == nil {
		return nil, nil
	}
	metadata := map[string]string{} // and not null
	for name, value := range a.Object.Metadata {
		if !strings.EqualFold(name, "again") {
			metadata[name] = value
		}
	}
	own, _ := job.OptionsOf(a.Object.Metadata) // what is wrong there fails the job later
	again := own.Again || in.Options.Again
	options := in.Options
	options.Again = false
	described, _ := json.Marshal([]any{metadata, options, in.Outputs, in.Limits}) // strings and numbers always marshal
	a.Job.Content = job.ContentKey(in.Key, strconv.FormatInt(a.Object.Size, 10), a.Object.ETag, string(described))
	_, err = c.own(ctx, a.Job.Content, a.Job.ID, false, func(o owner) (bool, error) {
		if again {
			return false, nil
		}
		other, ended, err := c.look(ctx, o)
		switch {
		case err != nil:
			return false, err
		case other == nil && c.about(o):
			other = &job.Job{ID: o.Job} // and what it writes has no names yet
		case other == nil, ended != nil && !(ended.Complete() && c.now().Sub(ended.CompletedAt) < memory):
			return false, nil
		}
		earlier = other
		return true, nil
	})
	return earlier, err
}

// renewContent has a job that is taken over own its content again, unless another job has it by now.
func (c *Claims) renewContent(ctx context.Context, j *job.Job) error {
	if j.Content == "" {
		return nil
	}
	_, err := c.own(ctx, j.Content, j.ID, true, func(owner) (bool, error) { return true, nil })
	return err
}

// stopped reports whether no execution works on a job, as far as its status says.
func (c *Claims) stopped(ctx context.Context, j *job.Job) (bool, error) {
	var st job.Status
	if j.StatusKey() == "" {
		return false, nil
	}
	found, err := c.store.Get(ctx, j.StatusKey(), &st)
	return found && st.Job == j.ID && st.Status == job.Stopped, err
}
