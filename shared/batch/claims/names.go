package claims

import (
	"context"

	"aoai-bridge/shared/batch/job"
)

// name decides where the results will be, unless the input says so. The plain name is the first job's that asks for it,
// and passes on from a job that has ended without having delivered anything.
func (c *Claims) name(ctx context.Context, j *job.Job, takenOver bool) error {
	if j.Results != "" && !(takenOver && j.HasPlainName()) {
		return nil
	}
	plain, err := c.ownName(ctx, j, takenOver)
	if err != nil {
		return err
	}
	j.NameOutputs(job.ResultName(j.Key))
	if !plain {
		j.NameApart()
	}
	return nil
}

// ownName makes a job the owner of its object's plain name, if it can be. plain is false if the name is another job's.
func (c *Claims) ownName(ctx context.Context, j *job.Job, takenOver bool) (plain bool, err error) {
	name := job.ResultName(j.Key)
	o, err := c.own(ctx, job.NameKey(name), j.ID, takenOver, func(o owner) (bool, error) {
		other, ended, err := c.look(ctx, o)
		switch {
		case err != nil:
			return false, err
		case other == nil:
			return c.about(o), nil
		}
		return ended == nil || ended.Delivered(), nil
	})
	if err != nil || o.Job != j.ID {
		return false, err
	}
	// The claim may be newer than the results of a job whose records are gone.
	results, err := c.store.Head(ctx, job.ResultsKey(name), "")
	return results == nil || o.mayReplace(results.Metadata["job"]), err
}

// mayReplace reports whether the owner may write over results of a job: its own, or those of the one before it, which
// has delivered nothing but errors.
func (o *owner) mayReplace(results string) bool {
	return results != "" && (results == o.Job || results == o.From)
}

// KeepClear gives a job's outputs another name if the one that they have is not the job's any more, or if there are
// another job's results under it.
func (c *Claims) KeepClear(ctx context.Context, j *job.Job) error {
	o := owner{Job: j.ID}
	if j.HasPlainName() {
		if _, err := c.store.Get(ctx, job.NameKey(job.ResultName(j.Key)), &o); err != nil {
			return err
		}
	}
	there, err := c.store.Head(ctx, j.Results, "")
	if err != nil || o.Job == j.ID && (there == nil || o.mayReplace(there.Metadata["job"])) {
		return err
	}
	j.NameApart()
	return c.store.Put(ctx, job.Key(j.ID), j)
}
