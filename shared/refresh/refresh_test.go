package refresh_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aoai-bridge/shared/refresh"
)

const ttl = time.Minute

// counter loads 1, 2, 3 ..., each good for ttl, after half a second's work; while fail is set it fails.
type counter struct {
	loads  atomic.Int64
	fail   atomic.Bool
	slow   atomic.Int64 // nanoseconds that the work takes longer
	expire time.Duration
}

var errSource = errors.New("source is down")

func (c *counter) load(ctx context.Context) (refresh.Loaded[int64], error) {
	n := c.loads.Add(1)
	time.Sleep(time.Second/2 + time.Duration(c.slow.Load()))
	if c.fail.Load() {
		return refresh.Loaded[int64]{}, errSource
	}
	l := refresh.Loaded[int64]{Value: n, Due: time.Now().Add(ttl)}
	if c.expire > 0 {
		l.Expire = time.Now().Add(c.expire)
	}
	return l, nil
}

func TestOneLoadServesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		v := refresh.New(c.load, nil)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got, err := v.Get(t.Context()); got != 1 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(ttl)
		start := time.Now()
		wg.Go(func() { _, _ = v.Get(t.Context()) }) // the one that loads
		synctest.Wait()
		if got, _ := v.Get(t.Context()); got != 1 || time.Since(start) > 0 {
			t.Errorf("while another call loads: got %d after %v, want the old value at once", got, time.Since(start))
		}
		wg.Wait()
		if got, _ := v.Get(t.Context()); got != 2 || c.loads.Load() != 2 {
			t.Errorf("got %d after %d loads, want 2 after 2", got, c.loads.Load())
		}
	})
}

func TestLastGoodValueServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		v := refresh.New(c.load, nil)
		if _, err := v.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.fail.Store(true)
		time.Sleep(ttl)
		for range 10 {
			if got, err := v.Get(t.Context()); got != 1 || err != nil {
				t.Fatalf("got %d, %v, want the last good value", got, err)
			}
		}
		if n := c.loads.Load(); n != 2 {
			t.Errorf("%d loads, want 2: a failing source is left alone for a while", n)
		}
	})
}

func TestSlowSource(t *testing.T) {
	get := (*refresh.Value[int64]).Get
	reload := func(v *refresh.Value[int64], ctx context.Context) (int64, error) { return v.Reload(ctx, 0) }
	tests := []struct {
		name   string
		ask    func(*refresh.Value[int64], context.Context) (int64, error)
		after  time.Duration // since the first load; the value expires after two minutes
		slow   time.Duration
		want   int64
		waited time.Duration
	}{
		{"due, and the source answers in time", get, ttl, 400 * time.Millisecond, 2, 900 * time.Millisecond},
		{"due, and the source hangs", get, ttl, 9 * time.Second, 1, time.Second},
		{"refused where it is used", reload, 0, 2 * time.Second, 2, 2500 * time.Millisecond},
		{"refused where it is used, and the source hangs", reload, 0, 9 * time.Second, 1, 3 * time.Second},
		{"refused and due, and the source hangs", reload, ttl, 9 * time.Second, 1, 3 * time.Second},
		{"expired: there is nothing else to serve", get, 2 * ttl, 9 * time.Second, 2, 9500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{expire: 2 * ttl}
				v := refresh.New(c.load, nil)
				if _, err := v.Get(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.after)
				c.slow.Store(int64(tt.slow))
				start := time.Now()
				if got, err := tt.ask(v, t.Context()); got != tt.want || err != nil || time.Since(start) != tt.waited {
					t.Errorf("got %d, %v after %v, want %d after %v", got, err, time.Since(start), tt.want, tt.waited)
				}
				asked := time.Now()
				if got, err := v.Get(t.Context()); got != tt.want || err != nil || time.Since(asked) > 0 {
					t.Errorf("the next call got %d, %v after %v, want %d at once", got, err, time.Since(asked), tt.want)
				}
				time.Sleep(10*time.Second - time.Since(start))
				if got, err := v.Get(t.Context()); got != 2 || err != nil || c.loads.Load() != 2 {
					t.Errorf("after the load: got %d, %v and %d loads, want the value of the one load", got, err, c.loads.Load())
				}
			})
		})
	}
}

func TestExpiredValueIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{expire: 2 * ttl}
		v := refresh.New(c.load, nil)
		if _, err := v.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.fail.Store(true)
		time.Sleep(3 * ttl)
		if _, err := v.Get(t.Context()); !errors.Is(err, errSource) {
			t.Errorf("got %v, want the source's error", err)
		}
		c.fail.Store(false)
		time.Sleep(2 * time.Second)
		if _, err := v.Get(t.Context()); err != nil {
			t.Errorf("after the source came back: %v", err)
		}
	})
}

func TestACallThatEndsLeavesTheLoadToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		v := refresh.New(c.load, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := v.Get(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if got, err := v.Get(t.Context()); got != 1 || err != nil {
			t.Errorf("got %d, %v, want the load the first call began", got, err)
		}
	})
}

func TestReloadKeepsItsGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		v := refresh.New(c.load, nil)
		const gap = 10 * time.Second
		steps := []struct {
			after time.Duration
			want  int64
		}{{0, 1}, {time.Second, 1}, {gap, 2}, {gap / 2, 2}, {gap, 3}}
		for i, step := range steps {
			time.Sleep(step.after)
			if got, err := v.Reload(t.Context(), gap); got != step.want || err != nil {
				t.Errorf("step %d: got %d, %v, want %d", i, got, err, step.want)
			}
		}
	})
}
