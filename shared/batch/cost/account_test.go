package cost

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
)

func newAccount(t *testing.T, ceiling float64) *Account {
	t.Helper()
	return &Account{Store: bucket.New(testaws.New(t, "batches").Config, "batches"), Job: &job.Job{ID: "job_1"}, Ceiling: ceiling}
}

// begin has a try begin and reports whether it may.
func begin(t *testing.T, a *Account, part, try int, most float64) bool {
	t.Helper()
	granted, refused, err := a.Begin(t.Context(), job.Try{Job: a.Job.ID, Part: part, Try: try}, most)
	if err != nil || (refused == nil) != (granted == most) {
		t.Fatalf("granted %g, refused %v, %v", granted, refused, err)
	}
	return refused == nil
}

func settle(t *testing.T, a *Account, part, try int, usd float64) {
	t.Helper()
	if err := a.Settle(t.Context(), job.Try{Job: a.Job.ID, Part: part, Try: try}, usd); err != nil {
		t.Fatal(err)
	}
}

// Of many parts that begin at once as many may as the ceiling has room for, and no more.
func TestAccountAtOnce(t *testing.T) {
	a := newAccount(t, 10)
	var begun atomic.Int32
	var parts sync.WaitGroup
	for part := range 25 {
		parts.Go(func() {
			if _, refused, err := a.Begin(t.Context(), job.Try{Job: "job_1", Part: part + 1}, 1); err != nil {
				t.Error(err)
			} else if refused == nil {
				begun.Add(1)
			}
		})
	}
	parts.Wait()
	if begun.Load() != 10 {
		t.Errorf("%d parts of 1 USD have begun under a ceiling of 10", begun.Load())
	}
}

// What a try was taken for makes room for what it has cost, and tasks that are repeated change nothing.
func TestAccountOfRepeatedTasks(t *testing.T) {
	a := newAccount(t, 10)
	for range 2 { // a submit that is repeated
		if !begin(t, a, 1, 0, 6) {
			t.Fatal("the first part may not begin")
		}
	}
	if begin(t, a, 2, 0, 5) {
		t.Error("a part begins beside one that may take what it needs")
	}
	for range 2 { // a collect that is repeated
		settle(t, a, 1, 0, 1)
	}
	if granted, refused, err := a.Begin(t.Context(), job.Try{Job: "job_1", Part: 1}, 6); granted != 1 || refused != nil || err != nil {
		t.Errorf("a submit after the collect: %g, %v, %v", granted, refused, err)
	}
	if !begin(t, a, 2, 0, 5) || !begin(t, a, 1, 1, 4) || begin(t, a, 3, 0, 0.01) {
		t.Error("1 is spent, 5 and 4 are under way, and that is not all of 10")
	}
	settle(t, a, 2, 0, 20) // answers were longer than expected
	_, refused, _ := a.Begin(t.Context(), job.Try{Job: "job_1", Part: 3}, 0.01)
	if refused == nil || refused.Code != job.CostTooHigh || !strings.Contains(refused.Message, "has cost 21 USD so far, what is under way may cost up to 4 USD") {
		t.Errorf("refused: %+v", refused)
	}
	settle(t, a, 3, 0, 0) // which was not sent
}

// A try that is under way gets more as long as there is some.
func TestAccountRaise(t *testing.T) {
	a, try := newAccount(t, 10), job.Try{Job: "job_1", Part: 1}
	begin(t, a, 1, 0, 2)
	begin(t, a, 2, 0, 3)
	for _, tt := range []struct{ needed, wanted, granted float64 }{{3, 4, 4}, {5, 100, 7}, {7.5, 8, 7}} {
		granted, refused, err := a.Raise(t.Context(), try, tt.needed, tt.wanted)
		if err != nil || math.Abs(granted-tt.granted) > 1e-9 || (refused != nil) != (tt.needed > 7) {
			t.Errorf("needed %g, wanted %g: got %g, %v, %v, want %g", tt.needed, tt.wanted, granted, refused, err, tt.granted)
		}
	}
}
