package plan

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// maxKey is the longest key of a source, in bytes: S3 takes 1,024, and results have names made of it.
const maxKey = 900

// Admit claims the job that an object makes. ours is false if another execution has it. head is nil if there is no such
// object.
func (p *Planner) Admit(ctx context.Context, in job.Input, execution string) (j *job.Job, head *bucket.Object, ours bool, err error) {
	switch {
	case in.Bucket != p.store.Name():
		err = openaierr.Invalid("bucket", "invalid_bucket", "Jobs come from the bucket %s, not from %q. Copy the file there.", p.store.Name(), in.Bucket)
	case in.Key == "":
		err = openaierr.Invalid("key", "missing_required_parameter", "The input names no object: it needs 'bucket' and 'key'.")
	case len(in.Key) > maxKey:
		err = openaierr.Invalid("key", "invalid_key", "The object's key is longer than %d bytes, which leaves no room for names made of it.", maxKey)
	case below(in.Key, "results/", "jobs/"):
		err = openaierr.Invalid("key", "invalid_key", "What is below results/ and jobs/ is the bridge's own. Put the file elsewhere.")
	default:
		err = in.Options.Check()
	}
	if err != nil {
		return nil, nil, false, err
	}
	if head, err = p.store.Head(ctx, in.Key, in.VersionID); err != nil {
		return nil, nil, false, err
	}
	j, ours, err = p.claim(ctx, &in, head, execution)
	return j, head, ours, err
}

// claim makes the job's record, or finds that it has been made. ours is false where another
// execution works on the job.
func (p *Planner) claim(ctx context.Context, in *job.Input, head *bucket.Object, execution string) (j *job.Job, ours bool, err error) {
	j = &job.Job{
		Execution: execution, Origin: in.Origin, Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionID, CreatedAt: p.now().UTC(),
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
	if err := p.name(ctx, j); err != nil {
		return nil, false, err
	}
	won, err := p.store.Claim(ctx, job.Key(j.ID), j)
	if err != nil || won {
		return j, won, err
	}
	claimed := &job.Job{}
	found, err := p.store.Get(ctx, job.Key(j.ID), claimed)
	switch {
	case err != nil:
		return nil, false, err
	case !found:
		return nil, false, errors.New("the job's record was claimed and is not there")
	case claimed.Execution == execution:
		return claimed, true, nil
	case !in.TakeOver:
		return claimed, false, nil
	}
	claimed.Execution = execution
	return claimed, true, p.store.Put(ctx, job.Key(j.ID), claimed)
}

// name decides where the results will be, unless the input says so: the plain name is the
// first job's that asks for it.
func (p *Planner) name(ctx context.Context, j *job.Job) error {
	if j.Results != "" {
		return nil
	}
	name := job.ResultName(j.Key)
	type owner struct {
		Job string `json:"job"`
	}
	won, err := p.store.Claim(ctx, job.NameKey(name), owner{j.ID})
	if err != nil {
		return err
	}
	var first owner
	if !won {
		if _, err := p.store.Get(ctx, job.NameKey(name), &first); err != nil {
			return err
		}
	}
	ours := won || first.Job == j.ID
	if won { // the claim may be newer than the results of a job whose records are gone
		results, err := p.store.Head(ctx, job.ResultsKey(name), "")
		if err != nil {
			return err
		}
		ours = results == nil
	}
	if !ours {
		name += "." + j.ID
	}
	j.NameOutputs(name)
	return nil
}

// below reports whether a key lies below one of these folders, or would if its dots and double slashes were resolved
// as a path's are. S3 takes keys as they stand, but something on the way to it may not.
func below(key string, folders ...string) bool {
	clean := path.Clean("/" + key)[1:]
	if strings.HasSuffix(key, "/") {
		clean += "/"
	}
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(clean, folder) })
}
