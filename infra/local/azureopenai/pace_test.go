package azureopenai

import (
	"strings"
	"testing"
	"time"
)

// fakeClock is a clock that stands still until it is told to go on.

type fakeClock struct {
	now   chan time.Time // holds the time
	asked chan time.Duration
	timer chan time.Time
}

func newFakeClock() *fakeClock {
	c := &fakeClock{make(chan time.Time, 1), make(chan time.Duration), make(chan time.Time)}
	c.now <- fixedNow()
	return c
}

func (c *fakeClock) Now() time.Time {
	t := <-c.now
	c.now <- t
	return t
}

func (c *fakeClock) add(d time.Duration) { c.now <- (<-c.now).Add(d) }

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.asked <- d
	return c.timer
}

func (c *fakeClock) pass(t *testing.T, want time.Duration) {
	t.Helper()
	if d := <-c.asked; d != want {
		t.Errorf("waits for %v, want %v", d, want)
	}
	c.add(want)
	c.timer <- c.Now()
}

func TestPace(t *testing.T) {
	clock := newFakeClock()
	s, url := start(t, func(o *Options) {
		o.Now, o.After = clock.Now, clock.After
		o.Pace = Pace{Processing: 10 * time.Second, Validating: 20 * time.Second, PerLine: 30 * time.Second, Finalizing: 40 * time.Second, Cancelling: 50 * time.Second}
	})
	file := put(t, url, manyLines(2))
	const body = `","endpoint":"/chat/completions","completion_window":"24h"}`
	if _, answer := do(t, "GET", url+"/openai/v1/files/"+file, ""); decode[fileObject](t, answer).Status != "pending" {
		t.Errorf("at first %s", answer)
	}
	if resp, answer := do(t, "POST", url+"/openai/v1/batches", `{"input_file_id":"`+file+body); resp.StatusCode != 400 {
		t.Errorf("a pending file: %s", answer)
	}
	clock.add(10 * time.Second)
	b := create(t, url, file)
	status := func(want string) batchObject {
		t.Helper()
		_, answer := do(t, "GET", url+"/openai/v1/batches/"+b.ID, "")
		o := decode[batchObject](t, answer)
		if o.Status != want {
			t.Errorf("%s, want %s", o.Status, want)
		}
		return o
	}
	status("validating")
	clock.pass(t, 20*time.Second)
	clock.pass(t, 30*time.Second)
	if o := status("in_progress"); o.RequestCounts.Total != 2 || o.RequestCounts.Completed < 1 || o.OutputFileID != "" {
		t.Errorf("%+v", o)
	}
	clock.pass(t, 30*time.Second)
	clock.pass(t, 40*time.Second)
	o, _, _ := finish(t, s, url, b.ID, "completed")
	at := o.CreatedAt
	for _, got := range []*int64{o.InProgressAt, o.FinalizingAt, o.CompletedAt} {
		if got == nil || *got <= at {
			t.Fatalf("times %s", encode(o))
		}
		at = *got
	}
	if *o.CompletedAt-o.CreatedAt != 120 {
		t.Errorf("took %d s", *o.CompletedAt-o.CreatedAt)
	}

	b = create(t, url, file)
	clock.pass(t, 20*time.Second)
	<-clock.asked // the first line is done
	do(t, "POST", url+"/openai/v1/batches/"+b.ID+"/cancel", "")
	status("cancelling")
	clock.pass(t, 50*time.Second)
	o, output, failed := finish(t, s, url, b.ID, "cancelled")
	if len(output) != 1 || len(failed) != 1 || failed[0].Error.Code != "batch_cancelled" || o.RequestCounts != (requestCounts{2, 1, 1}) {
		t.Errorf("%+v %+v %+v", o, output, failed)
	}
	if resp, _ := do(t, "POST", url+"/openai/v1/batches/"+b.ID+"/cancel", ""); resp.StatusCode != 200 {
		t.Errorf("cancelled twice: %d", resp.StatusCode)
	}
}

func TestPaceIsSet(t *testing.T) {
	s, url := start(t, nil)
	tests := []struct {
		body   string
		status int
		want   Pace
	}{
		{`{}`, 204, DefaultPace},
		{`{"scale":0.5,"validating":"4s"}`, 204, Pace{500 * time.Millisecond, 2 * time.Second, 500 * time.Microsecond, 500 * time.Millisecond, 500 * time.Millisecond}},
		{`{"scale":0}`, 204, Pace{}},
		{`{"validating":4}`, 400, Pace{}},
		{`{"validating":"soon"}`, 400, Pace{}},
		{`{"speed":4}`, 400, Pace{}},
	}
	for _, tt := range tests {
		if resp, answer := do(t, "POST", url+"/_emulator/pace", tt.body); resp.StatusCode != tt.status || *s.pace.Load() != tt.want {
			t.Errorf("%s: %d %s %+v", tt.body, resp.StatusCode, answer, *s.pace.Load())
		}
	}
	if _, answer := do(t, "GET", url+"/_emulator/pace", ""); !strings.Contains(answer, `"per_line":"0s"`) {
		t.Error(answer)
	}
}
