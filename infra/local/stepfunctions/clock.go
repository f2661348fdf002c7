package stepfunctions

import (
	"context"
	"time"
)

// A Clock tells the time and lets it pass.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with ctx's error.
	Sleep(ctx context.Context, d time.Duration) error
	// Limit returns a context that ends after d with cause.
	Limit(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (systemClock) Limit(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, cause)
}

// sleepScaled lets d pass, scaled.
func (s *Service) sleepScaled(ctx context.Context, d time.Duration) error {
	return s.options.Clock.Sleep(ctx, time.Duration(float64(max(d, 0))*s.options.WaitScale))
}
