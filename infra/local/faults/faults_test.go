package faults

import (
	"context"
	"testing"
	"time"
)

func TestFailNext(t *testing.T) {
	tests := []struct {
		name string
		n    int
		want [3]bool
	}{
		{"none", 0, [3]bool{false, false, false}},
		{"two", 2, [3]bool{true, true, false}},
		{"all", -1, [3]bool{true, true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Switch
			s.FailNext(tt.n)
			var got [3]bool
			for i := range got {
				got[i] = s.Enter(context.Background(), "Op")
			}
			if got != tt.want {
				t.Errorf("failed: %v, want %v", got, tt.want)
			}
			s.FailNext(0)
			if s.Enter(context.Background(), "Op") {
				t.Error("fails after FailNext(0)")
			}
			if got := s.Calls("Op"); got != 4 {
				t.Errorf("%d calls counted, want 4", got)
			}
			if got := s.Calls("Other"); got != 0 {
				t.Errorf("%d calls of an operation that nobody called", got)
			}
		})
	}
}

func TestDelayEndsWithTheClient(t *testing.T) {
	var s Switch
	s.Delay(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Enter(ctx, "Op") // would outlast the test's time limit
}
