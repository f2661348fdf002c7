package claims

import (
	"context"
	"errors"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// maxKey is the longest key of an object, in bytes (S3 User Guide, "Naming Amazon S3 objects").
const maxKey = 1024

// Admission is what becomes of an object that is to have a job.
type Admission struct {
	Job    *job.Job
	Object *bucket.Object // nil if there is none
	Ours   bool           // this execution works on the job
	Begun  bool           // and has begun to just now

	TakenOver bool // from another execution

	// Earlier is the job whose content the object repeats, nil if it repeats none. Then Job has no record and is nobody's.
	Earlier *job.Job
}

// Admit claims the job that an object makes.
func (c *Claims) Admit(ctx context.Context, in job.Input, execution string) (*Admission, error) {
	var err error
	switch {
	case in.Bucket != c.store.Name():
		err = openaierr.Invalid("bucket", "invalid_bucket", "Jobs come from the bucket %s, not from %q. Copy the file there.", c.store.Name(), in.Bucket)
	case in.Key == "":
		err = openaierr.Invalid("key", "missing_required_parameter", "The input names no object: it needs 'bucket' and 'key'.")
	case len(in.Key) > maxKey:
		err = openaierr.Invalid("key", "invalid_key", "The object's key is longer than %d bytes, which S3 does not take.", maxKey)
	case job.Below(in.Key, "results/", "jobs/"):
		err = openaierr.Invalid("key", "invalid_key", "What is below results/ and jobs/ is the bridge's own. Put the file elsewhere.")
	default:
		err = in.Options.Check()
	}
	if err != nil {
		return nil, err
	}
	a := &Admission{}
	if a.Object, err = c.store.Head(ctx, in.Key, in.VersionID); err != nil {
		return nil, err
	}
	return a, c.claim(ctx, a, &in, execution)
}

// claim makes the job's record, or finds that it has been made.
func (c *Claims) claim(ctx context.Context, a *Admission, in *job.Input, execution string) error {
	a.Job = c.newJob(in, a.Object, execution)
	claimed := &job.Job{}
	found, err := c.store.Get(ctx, job.Key(a.Job.ID), claimed)
	if err == nil && !found {
		claimed, err = c.begin(ctx, a, in, execution)
	}
	if err != nil || claimed == nil {
		return err
	}
	if a.Job, a.Ours = claimed, claimed.Execution == execution; a.Ours || !in.TakeOver {
		return nil
	}
	a.Ours, a.Begun, a.TakenOver, claimed.Execution, claimed.TakenOver = true, true, true, execution, c.now().UTC()
	if err := c.name(ctx, claimed, true); err != nil {
		return err
	}
	if err := c.renewContent(ctx, claimed); err != nil {
		return err
	}
	return c.store.Put(ctx, job.Key(claimed.ID), claimed)
}

// begin makes the record of a job that has none, unless its object repeats an earlier one. It returns the record of a
// job that has been begun meanwhile, or that is to be taken over, and nil if there is none.
func (c *Claims) begin(ctx context.Context, a *Admission, in *job.Input, execution string) (claimed *job.Job, err error) {
	if in.Job == "" { // the API has an id for each of its creates
		if a.Earlier, err = c.repeated(ctx, a, in); err != nil {
			return nil, err
		}
	}
	if earlier := a.Earlier; earlier != nil && earlier.Key != "" {
		stopped, err := c.stopped(ctx, earlier)
		if err != nil {
			return nil, err
		}
		in.TakeOver = in.TakeOver || stopped
		if in.TakeOver || earlier.Execution == execution { // which has taken it over before
			a.Earlier = nil
			return earlier, nil
		}
	}
	if a.Earlier != nil {
		a.Job.NameApart()
		return nil, nil
	}
	if err := c.name(ctx, a.Job, false); err != nil {
		return nil, err
	}
	if a.Job.Origin != job.OriginAPI {
		if err := c.store.Put(ctx, job.SourceKey(a.Job.Key, a.Job.ID), job.Source{Job: a.Job.ID, Key: a.Job.Key}); err != nil {
			return nil, err
		}
	}
	if a.Ours, err = c.store.Claim(ctx, job.Key(a.Job.ID), a.Job); err != nil || a.Ours {
		a.Begun = a.Ours
		return nil, err
	}
	claimed = &job.Job{}
	found, err := c.store.Get(ctx, job.Key(a.Job.ID), claimed)
	if err == nil && !found {
		err = errors.New("the job's record was claimed and is not there")
	}
	return claimed, err
}

// newJob is the record of the job that an object makes.
func (c *Claims) newJob(in *job.Input, head *bucket.Object, execution string) *job.Job {
	j := &job.Job{
		Execution: execution, Origin: in.Origin, Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionID, CreatedAt: c.now().UTC(),
		Limits: in.Limits, Results: in.Outputs.Results, Errors: in.Outputs.Errors, Summary: in.Outputs.Summary,
	}
	if j.Origin == "" {
		j.Origin = job.OriginDrop
	}
	if head != nil {
		j.Size, j.ETag = head.Size, head.ETag
		if in.VersionID == "" {
			in.VersionID = head.Version
			j.VersionID = in.VersionID
		}
		if in.ETag == "" {
			in.ETag, in.Sequencer = head.ETag, head.Modified.UTC().Format(time.RFC3339)
		}
	}
	if j.VersionID == "null" {
		j.VersionID = "" // the newest, in a bucket without versions
	}
	j.ID = in.ID()
	return j
}
