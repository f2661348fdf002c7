package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

// cancel ends the unfinished jobs of an object, and shows their ends.
func (w *watcher) cancel(ctx context.Context, key string) error {
	if !strings.HasPrefix(key, "inbox/") {
		return fmt.Errorf("%s is not below inbox/: start the workflow with the key %[1]s.cancel", key)
	}
	jobs, err := w.unfinished(ctx, key)
	if err != nil {
		return fmt.Errorf("the jobs cannot be listed (is the stack running?): %w", err)
	}
	if len(jobs) == 0 {
		if object, err := w.store.Head(ctx, key, ""); err == nil && object == nil {
			return fmt.Errorf("there is no s3://%s/%s, nor an unfinished job of it", w.store.Name(), key)
		}
	}
	if err := w.store.PutBytes(ctx, key+".cancel", "text/plain", nil); err != nil {
		return err
	}
	if len(jobs) == 0 {
		fmt.Fprintf(w.out, "%s has no unfinished job that has a status yet. One that has just begun is cancelled, too.\n", key)
		return nil
	}
	w.ending = true
	var failed error
	for _, j := range jobs {
		fmt.Fprintf(w.out, "job %s is cancelled; what was answered is delivered\n", j.ID)
		if err := w.follow(ctx, j); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", j.ID, err))
		}
	}
	return failed
}

// unfinished finds the jobs of an object whose status says that they have not ended.
func (w *watcher) unfinished(ctx context.Context, key string) (jobs []*job.Job, err error) {
	var keys []string
	if err := w.store.List(ctx, "results/"+job.ResultName(key)+".", "", func(o bucket.Object) bool {
		if strings.HasSuffix(o.Key, ".status.json") {
			keys = append(keys, o.Key)
		}
		return true
	}); err != nil {
		return nil, err
	}
	for _, at := range keys {
		st := &job.Status{}
		found, err := w.store.Get(ctx, at, st)
		if err != nil {
			return nil, err
		}
		if found && !st.Over() && st.Source == "s3://"+w.store.Name()+"/"+key {
			jobs = append(jobs, &job.Job{ID: st.Job, Bucket: w.store.Name(), Key: key, Origin: job.OriginDrop})
		}
	}
	return jobs, nil
}
