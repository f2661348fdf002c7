package ending

import (
	"context"
	"path"
	"slices"
	"strings"

	"aoai-bridge/shared/batch/job"
)

// unfinished finds the jobs of an object that have not ended.
func (e *Ender) unfinished(ctx context.Context, source string) (jobs []*job.Job, err error) {
	ids, err := e.jobsOf(ctx, source)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		j, err := e.running(ctx, id)
		if err != nil {
			return nil, err
		}
		if j != nil && j.Key == source {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// jobsOf returns the ids of jobs that may be an object's: those that it is the source of and, for jobs of earlier versions,
// that of its newest version and the owner of its name.
func (e *Ender) jobsOf(ctx context.Context, source string) (ids []string, err error) {
	keys, err := e.Store.Keys(ctx, job.SourcePrefix(source))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		ids = append(ids, strings.TrimSuffix(path.Base(key), ".json"))
	}
	object, err := e.Store.Head(ctx, source, "")
	if err != nil {
		return nil, err
	}
	if object != nil {
		in := job.Input{Bucket: e.Store.Name(), Key: source, VersionID: object.Version, ETag: object.ETag}
		ids = append(ids, in.ID())
	}
	var owner job.Source
	if _, err := e.Store.Get(ctx, job.NameKey(job.ResultName(source)), &owner); err != nil {
		return nil, err
	}
	if owner.Job != "" {
		ids = append(ids, owner.Job)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// running returns a job that has not ended, nil if it has, or if there is none.
func (e *Ender) running(ctx context.Context, id string) (*job.Job, error) {
	j, ended := &job.Job{}, &job.Summary{}
	found, err := e.Store.Get(ctx, job.Key(id), j)
	if err != nil || !found || j.Origin == job.OriginAPI {
		return nil, err
	}
	found, err = e.Store.Get(ctx, j.Summary, ended)
	if err != nil || found && ended.Ends(j) {
		return nil, err
	}
	return j, nil
}

// jobOf finds the job that an execution works on, by its input, nil if there is none or if it has ended, or if the input
// is missing.
func (e *Ender) jobOf(ctx context.Context, execution string, in *job.Input) (*job.Job, error) {
	if in.Key == "" {
		return nil, nil
	}
	j, err := e.running(ctx, in.ID())
	if err != nil || j != nil && j.Execution == execution {
		return j, err
	}
	ids, err := e.jobsOf(ctx, in.Key) // the input may name no version
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if j, err = e.running(ctx, id); err != nil || j != nil && j.Execution == execution {
			return j, err
		}
	}
	return nil, nil
}
