package stepfunctions

import (
	"context"
	"sync"
)

// parallel runs the branches side by side and returns their outputs. The first failure ends the
// others and is the state's own.
func (v *visit) parallel(ctx context.Context, input any) (any, error) {
	if err := v.event("ParallelStateStarted", nil); err != nil {
		return nil, err
	}
	outputs := make([]any, len(v.Branches))
	err := together(ctx, len(v.Branches), len(v.Branches), func(ctx context.Context, i int) (err error) {
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

// together calls do for 0 to n-1, at most width at a time. It returns the first error, which also
// ends the context of the other calls, after all have returned.
func together(ctx context.Context, n, width int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	room := make(chan struct{}, max(width, 1))
	for i := range n {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-room }()
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}
