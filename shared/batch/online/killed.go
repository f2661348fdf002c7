package online

import (
	"context"
	"crypto/rand"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

// beginRun records that a run begins, so that one that is killed is known afterwards. end records that it has ended: it
// removes nothing, which the functions that do tasks may not.
func beginRun(ctx context.Context, store *bucket.Bucket, try job.Try, run job.Run) (end func(context.Context) error, err error) {
	key := try.RunKey(rand.Text())
	return func(ctx context.Context) error { return store.Put(ctx, key, job.Run{BegunAt: run.BegunAt}) }, store.Put(ctx, key, run)
}

// Killed returns how many calls may have been under way in runs that were killed: each may have been paid for, and is
// made again.
func Killed(ctx context.Context, store *bucket.Bucket, try job.Try) (calls int, err error) {
	keys, err := store.Keys(ctx, try.RunsPrefix())
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		var run job.Run
		if _, err := store.Get(ctx, key, &run); err != nil {
			return 0, err
		}
		calls += run.AtOnce
	}
	return calls, nil
}
