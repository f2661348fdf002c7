package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"aoai-bridge/infra/local/stack"
)

// A load is one kind of request.
type load struct{ name, body string }

var prompt = "[[words: 200]] " + strings.Repeat("Tell me of the sea. ", 50)

var loads = []load{
	{"JSON", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` + prompt + `"}]}`},
	{"SSE", `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"` + prompt + `"}]}`},
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

// post sends one request, reads the answer to its end and returns the time to the first byte of its
// body. A failed call would make every figure worthless, so it is an error.
func post(ctx context.Context, url, body string) (first time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+stack.CallerKey)
	if strings.Contains(url, "/openai/v1/") {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	start := time.Now()
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := response.Body.Read(make([]byte, 1)); err != nil {
		return 0, err
	}
	first = time.Since(start)
	rest, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, rest)
	}
	return first, err
}

func (r *rival) url() string { return r.stack.URL + "/v1/chat/completions" }

// hammer sends n requests, some at a time.
func hammer(ctx context.Context, url, body string, n, inFlight int) error {
	var workers sync.WaitGroup
	var left atomic.Int64
	var failed atomic.Pointer[error]
	left.Store(int64(n))
	for range inFlight {
		workers.Go(func() {
			for left.Add(-1) >= 0 && failed.Load() == nil {
				if _, err := post(ctx, url, body); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// processorTime compares what one request costs the functions' processes, and shows their memory.
func processorTime(ctx context.Context, o options, l load, bridge, proxy *rival) error {
	cost := func(r *rival) (time.Duration, error) {
		before := processor(r.pids())
		err := hammer(ctx, r.url(), l.body, o.requests, o.inFlight)
		return (processor(r.pids()) - before) / time.Duration(o.requests), err
	}
	for _, r := range []*rival{bridge, proxy} { // start the instances and warm up
		if err := hammer(ctx, r.url(), l.body, 1000, o.inFlight); err != nil {
			return err
		}
	}
	var ratios []float64
	var ours, theirs []time.Duration
	for range o.rounds {
		a, err := cost(bridge)
		if err != nil {
			return err
		}
		b, err := cost(proxy)
		if err != nil {
			return err
		}
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, float64(a)/float64(b))
	}
	fmt.Printf("  CPU per request, %-4s      chat %8v   proxy %8v   ratio %.2f (%.2f to %.2f)\n", l.name,
		median(ours).Round(time.Microsecond), median(theirs).Round(time.Microsecond), median(ratios), slices.Min(ratios), slices.Max(ratios))
	fmt.Printf("  memory after %d calls     chat %5.1f MB   proxy %5.1f MB, the largest of %d and %d processes\n", 1000+o.rounds*o.requests,
		memory(bridge.pids()), memory(proxy.pids()), len(bridge.pids()), len(proxy.pids()))
	return nil
}

// firstToken compares the time to the first byte of a stream, one stream at a time.
func firstToken(ctx context.Context, o options, azure string, bridge, proxy *rival) error {
	urls := []string{azure + "/openai/v1/chat/completions", bridge.url(), proxy.url()}
	times := make([][]time.Duration, len(urls))
	for range o.rounds * 100 {
		for i, url := range urls {
			first, err := post(ctx, url, loads[1].body)
			if err != nil {
				return err
			}
			times[i] = append(times[i], first)
		}
	}
	direct, ours, theirs := median(times[0]), median(times[1]), median(times[2])
	fmt.Printf("  first token, p50          Azure itself %v   chat +%v   proxy +%v   chat over proxy %+v\n",
		direct.Round(time.Microsecond), (ours - direct).Round(time.Microsecond), (theirs - direct).Round(time.Microsecond), (ours - theirs).Round(time.Microsecond))
	return nil
}

// coldStart compares the time from the start of the process to the end of its first answer.
func coldStart(ctx context.Context, o options, bridge, proxy *rival) error {
	times := map[*rival][]time.Duration{}
	var ratios []float64
	for range o.rounds * 4 {
		var pair []float64
		for _, r := range []*rival{bridge, proxy} {
			if err := r.stop(ctx); err != nil {
				return err
			}
			start := time.Now()
			if _, err := post(ctx, r.url(), loads[0].body); err != nil {
				return err
			}
			took := time.Since(start)
			times[r] = append(times[r], took)
			pair = append(pair, float64(took))
		}
		ratios = append(ratios, pair[0]/pair[1])
	}
	fmt.Printf("  exec to first answer      chat %v   proxy %v   ratio %.2f\n",
		median(times[bridge]).Round(10*time.Microsecond), median(times[proxy]).Round(10*time.Microsecond), median(ratios))
	return nil
}

func (r *rival) pids() []int { return r.stack.Host.Instances("ChatFunction") }

// stop ends the rival's instances.
func (r *rival) stop(ctx context.Context) error {
	for _, pid := range r.pids() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	for len(r.pids()) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
