// Package clock is the time by which times to live and rests are compared. It measures nothing:
// durations within a call and timers take time.Now.
package clock

import (
	"context"
	"time"
)

// Wall is the current time without Go's monotonic reading. A Lambda function is frozen between
// invocations, and the monotonic clock may stand still meanwhile. Go compares two times by that
// clock if both have a reading of it, so that an hour of freezing would not count. net/http compares
// the age of idle connections in the same way.
func Wall() time.Time { return time.Now().Round(0) }

// Or returns now, or Wall if now is nil.
func Or(now func() time.Time) func() time.Time {
	if now == nil {
		return Wall
	}
	return now
}

// Sleep waits, and returns why ctx has ended if that comes first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
