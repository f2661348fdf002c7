package clock_test

import (
	"testing"
	"time"

	"aoai-bridge/shared/clock"
)

func TestWall(t *testing.T) {
	before := time.Now()
	at := clock.Or(nil)()
	if at != at.Round(0) {
		t.Errorf("%v has a monotonic reading", at)
	}
	if at.Before(before.Round(0)) || at.After(time.Now().Round(0)) {
		t.Errorf("got %v, want the time of day", at)
	}
	if now := clock.Or(func() time.Time { return before }); now() != before {
		t.Error("a clock that is given is not used")
	}
}
