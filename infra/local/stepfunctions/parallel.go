package stepfunctions

import (
	"cmp"
	"context"

	"golang.org/x/sync/errgroup"
)

// parallel runs the branches side by side and returns their outputs. The first failure ends the
// others and is the state's own.
func (v *visit) parallel(ctx context.Context, input any) (any, error) {
	if err := v.event("ParallelStateStarted", nil); err != nil {
		return nil, err
	}
	outputs := make([]any, len(v.Branches))
	err := runConcurrently(ctx, len(v.Branches), len(v.Branches), func(ctx context.Context, i int) (err error) {
		outputs[i], err = v.child(v.name, i, v.Branches[i]).run(ctx, input)
		return err
	})
	kind := "ParallelStateSucceeded"
	if err != nil {
		kind = "ParallelStateFailed"
	}
	if full := v.event(kind, nil); full != nil {
		return nil, full
	}
	return outputs, err
}

// runConcurrently calls do for 0 to n-1, at most width at a time. It returns the first error, which also
// ends the context of the other calls, after all have returned.
func runConcurrently(parent context.Context, n, width int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(parent)
	group.SetLimit(max(width, 1))
	for i := 0; i < n && ctx.Err() == nil; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	err := group.Wait()
	return cmp.Or(context.Cause(parent), err)
}
