package job_test

import (
	"encoding/json"
	"testing"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
)

// A line has been tried as often as tries have sent it: a try that is cut sends the first of the lines that are left.
func TestTriesOfALine(t *testing.T) {
	tries := []struct {
		last  int // the last line that the try sends; 0: all
		first int // the first line of the next try
	}{{50, 3}, {40, 3}, {0, 7}, {90, 51}}
	st := &job.State{Sending: job.Sending{}}
	want := []map[int]int{
		{3: 1, 50: 1, 51: 0, 100: 0},
		{3: 2, 40: 2, 41: 1, 50: 1, 51: 0},
		{7: 3, 40: 3, 41: 2, 50: 2, 51: 1, 100: 1},
		{51: 2, 90: 2, 91: 1, 100: 1},
	}
	for try, sent := range tries {
		st.Last = sent.last
		st = &job.State{Sending: st.Sending.Next(sent.first, 1000)}
		raw, err := json.Marshal(st) // as it is remembered
		if err == nil {
			st = &job.State{}
			err = json.Unmarshal(raw, st)
		}
		if err != nil {
			t.Fatal(err)
		}
		for number, n := range want[try] {
			if got := st.Tries(try+1, number); got != n {
				t.Errorf("after try %d line %d has been sent %d times, want %d: %s", try, number, got, n, raw)
			}
		}
	}
	if old := (&job.State{}).Tries(3, 17); old != 3 {
		t.Errorf("a record without that says %d tries, want 3", old)
	}
}

// Room is what a try that was cut has found, unless its only line was too large.
func TestRoomOfTheNextTry(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    job.Sending
		want int64
	}{
		{"not cut", job.Sending{Room: 500}, 500},
		{"cut", job.Sending{Room: 500, Last: 4}, 400},
		{"the line was too large", job.Sending{Room: 500, Last: 4, TooLarge: &job.Failure{}}, 500},
	} {
		if next := tt.s.Next(5, 400); next.Room != tt.want || next.Last != 0 || next.TooLarge != nil {
			t.Errorf("%s: %+v, want room for %d", tt.name, next, tt.want)
		}
	}
}

func TestPaidTwice(t *testing.T) {
	sum := &job.PaidTwice{}
	sum.Add(nil)
	if sum.OrNil() != nil {
		t.Errorf("nothing is %+v", sum)
	}
	sum.AddBatch(azurebatch.Counts{Total: 10, Completed: 4, Failed: 1}, 4)
	sum.Add(&job.PaidTwice{AtMost: 8})
	sum.Add(sum.OrNil())
	if raw, err := json.Marshal(sum); err != nil || string(raw) != `{"batches":2,"request_counts":{"total":20,"completed":8,"failed":2},"at_most":24}` {
		t.Errorf("got %s, %v", raw, err)
	}
}
