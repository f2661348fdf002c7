package claims

import (
	"context"
	"fmt"
	"time"

	"aoai-bridge/shared/batch/job"
)

// owner is the record of what one job at a time can have: a name of results, or a content. It passes on, by a conditional
// write, so that of jobs which ask for it at once one gets it.
type owner struct {
	Job  string    `json:"job"`
	At   time.Time `json:"at,omitzero"`    // when the job began to have it, or was taken over
	From string    `json:"from,omitempty"` // the job that had it before
}

// maxOwners bounds how often others may be faster.
const maxOwners = 20

// own makes a job the owner of a record, unless another job keeps it, and returns who owns it then. A job that is taken
// over owns it from now on, since it has ended before perhaps.
func (c *Claims) own(ctx context.Context, key, jobID string, takenOver bool, keeps func(owner) (bool, error)) (owner, error) {
	for range maxOwners {
		var o owner
		etag, err := c.store.GetTagged(ctx, key, &o)
		if err != nil || o.Job == jobID && !takenOver {
			return o, err
		}
		mine := owner{Job: jobID, At: c.now().UTC(), From: o.From}
		if etag != "" && o.Job != jobID {
			if kept, err := keeps(o); err != nil || kept {
				return o, err
			}
			mine.From = o.Job
		}
		won, err := c.store.Replace(ctx, key, mine, etag)
		if err != nil || won {
			return mine, err
		}
	}
	return owner{}, fmt.Errorf("%s: other jobs were faster %d times", key, maxOwners)
}

// beginning is how long a job may take from its first claim to its record. After that it has come to nothing.
const beginning = time.Hour

// look reads how far the job is that owns a record. Without a summary it runs, or has been taken over since; without a
// record as well, it is about to begin, or has come to nothing.
func (c *Claims) look(ctx context.Context, o owner) (j *job.Job, ended *job.Summary, err error) {
	j = &job.Job{}
	if found, err := c.store.Get(ctx, job.Key(o.Job), j); err != nil || !found {
		return nil, nil, err
	}
	ended = &job.Summary{}
	if found, err := c.store.Get(ctx, j.Summary, ended); err != nil || !found || !ended.Ends(j) || ended.CompletedAt.Before(o.At) {
		return j, nil, err
	}
	return j, ended, nil
}

// about reports whether an owner without a record may still be about to begin.
func (c *Claims) about(o owner) bool { return c.now().Sub(o.At) < beginning }
