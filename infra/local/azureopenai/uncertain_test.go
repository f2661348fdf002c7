package azureopenai

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// A slow request is carried out though its client has gone away; and a list that is behind does not show what was made
// since.
func TestSlowAndBehind(t *testing.T) {
	var late atomic.Int64 // seconds that have passed
	arrived, goOn := make(chan struct{}), make(chan time.Time)
	s, url := start(t, func(o *Options) {
		o.Now = func() time.Time { return fixedNow().Add(time.Duration(late.Load()) * time.Second) }
		o.After = func(d time.Duration) <-chan time.Time {
			if d == 9*time.Second {
				close(arrived)
				return goOn
			}
			return time.After(0)
		}
	})
	input := put(t, url, manyLines(2))
	for _, rule := range []FaultRule{{Fault: "slow;delay=9s", Method: "POST", Path: "/batches"}, {Fault: "behind;age=3m", Method: "GET", Path: "/batches", Count: 2}} {
		if err := s.AddFault(rule); err != nil {
			t.Fatal(err)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		resp, err := open(ctx, "POST", url+"/openai/v1/batches", `{"input_file_id":"`+input+`","endpoint":"/chat/completions","completion_window":"24h"}`)
		if err == nil {
			resp.Body.Close()
		}
		answered <- err
	}()
	<-arrived
	leave()
	if err := <-answered; err == nil {
		t.Fatal("the client had its answer")
	}
	goOn <- time.Time{}
	if _, err := s.WaitRequests(t.Context(), func(all []Request) bool { return all[len(all)-1].Done }); err != nil {
		t.Fatal(err)
	}
	listed := func() int {
		resp, body := do(t, "GET", url+"/openai/v1/batches", "")
		if resp.StatusCode != http.StatusOK {
			t.Fatal(body)
		}
		return len(decode[struct{ Data []batchObject }](t, body).Data)
	}
	if n := listed(); n != 0 {
		t.Errorf("a list that is behind has %d batches", n)
	}
	late.Store(181)
	if n := listed(); n != 1 {
		t.Errorf("three minutes later it has %d batches", n)
	}
	late.Store(0)
	if n := listed(); n != 1 {
		t.Errorf("one that is not behind has %d batches", n)
	}
}

// A line that is answered twice is paid for twice, whether or not the first answer could be read.
func TestLedger(t *testing.T) {
	s, url := start(t, nil)
	for _, fault := range []string{"drop-lines", "fail-lines", ""} {
		if fault != "" {
			if err := s.AddFault(FaultRule{Fault: fault, Method: "POST", Path: "/batches"}); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, s, url, create(t, url, put(t, url, manyLines(3))).ID, "completed")
	}
	if e := s.Executions(); e.Executed != 9 || e.Paid != 6 || e.PaidAgain != 3 || e.Succeeded != 3 || e.Again != 0 {
		t.Errorf("%+v", e)
	}
}
