package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"aoai-bridge/infra/local/stack"
)

// A load is one kind of request.
type load struct {
	name, body string
	weight     int // how many requests of the first load one of these counts for
}

var prompt = "[[words: 200]] " + strings.Repeat("Tell me of the sea. ", 50)

// document has about 1 MB of prose in several alphabets, with the escapes that a JSON text of prose has.
var document = strings.Repeat(`The sea said: \"come\".\nLa mer, d'été. 海は広い。 He wrote it down in C:\\notes.\n`, 10_000)

var loads = []load{
	{"JSON", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` + prompt + `"}]}`, 1},
	{"SSE", `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"` + prompt + `"}]}`, 1},
	{"SSE to a body of 1 MB", `{"model":"gpt-5.6","stream":true,"messages":[{"role":"system","content":"` + document + `"},{"role":"user","content":"` + prompt + `"}]}`, 20},
}

// shortStream is a stream of few events: a model's tokens come one by one, but the emulator's all at once, and
// a long stream's would keep the processors from the first.
var shortStream = strings.Replace(loads[1].body, "words: 200", "words: 5", 1)

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
		r.Header.Set("Authorization", "Bearer "+azureKey)
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

func (r *rival) url() string { return r.stack.URL + r.path }

// sendAll sends n requests, some at a time.
func sendAll(ctx context.Context, url, body string, n, inFlight int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for range n {
		group.Go(func() error {
			_, err := post(ctx, url, body)
			return err
		})
	}
	return group.Wait()
}

// inTurns measures two rivals n times, each as often before the other as after it, and returns both
// series and the ratios of the pairs.
func inTurns(n int, a, b *rival, measure func(*rival) (time.Duration, error)) (ofA, ofB []time.Duration, ratios []float64, err error) {
	for i := range n {
		pair := []*rival{a, b}
		if i%2 == 1 {
			pair = []*rival{b, a}
		}
		took := map[*rival]time.Duration{}
		for _, r := range pair {
			if took[r], err = measure(r); err != nil {
				return nil, nil, nil, err
			}
		}
		ofA, ofB = append(ofA, took[a]), append(ofB, took[b])
	}
	return ofA, ofB, ratiosOf(ofA, ofB), nil
}

// ratiosOf returns the ratios of pairs.
func ratiosOf(a, b []time.Duration) []float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = float64(a[i]) / float64(b[i])
	}
	return ratios
}

// processorTime compares what one request costs the functions' processes, and shows their memory.
func processorTime(ctx context.Context, o options, l load, bridge, proxy *rival) ([]row, error) {
	requests := max(o.requests/l.weight, 1)
	for _, r := range []*rival{bridge, proxy} { // start the instances and warm up
		if err := sendAll(ctx, r.url(), l.body, (requests+1)/2, o.inFlight); err != nil {
			return nil, err
		}
	}
	ours, theirs, ratios, err := inTurns(o.rounds, bridge, proxy, func(r *rival) (time.Duration, error) {
		before := cpuTime(r.pids())
		err := sendAll(ctx, r.url(), l.body, requests, o.inFlight)
		return (cpuTime(r.pids()) - before) / time.Duration(requests), err
	})
	if err != nil {
		return nil, err
	}
	return []row{
		{"CPU per request, " + l.name, formatDuration(median(ours)), formatDuration(median(theirs)), spread(ratios), "<= 1.3"},
		{"memory after these calls, largest process", formatMemory(bridge.pids()), formatMemory(proxy.pids()), "", "<= 30 MB"},
	}, nil
}

// firstToken compares the time to the first byte of a stream, one stream at a time, with a call of the
// emulator itself.
func firstToken(ctx context.Context, o options, azure string, bridge, proxy *rival) ([]row, error) {
	urls := []string{azure + "/openai/v1/chat/completions", bridge.url(), proxy.url()}
	times := make([][]time.Duration, len(urls))
	for range o.rounds * 100 {
		for i, url := range urls {
			first, err := post(ctx, url, shortStream)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], first)
		}
	}
	direct, ours, theirs := median(times[0]), median(times[1]), median(times[2])
	return []row{
		{"first token over Azure itself (" + formatDuration(direct) + ")", "+" + formatDuration(ours-direct), "+" + formatDuration(theirs-direct), "", "<= +500µs"},
		{"first token, chat over proxy", "", "", fmt.Sprintf("%+v", (ours - theirs).Round(time.Microsecond)), "<= +500µs"},
	}, nil
}

// coldStart compares the time from the start of the process to the end of its first answer.
func coldStart(ctx context.Context, o options, ours, proxy *rival) ([]row, error) {
	took, theirs, ratios, err := inTurns(o.rounds*8, ours, proxy, func(r *rival) (time.Duration, error) {
		if err := r.stop(ctx); err != nil {
			return 0, err
		}
		start := time.Now()
		_, err := post(ctx, r.url(), loads[0].body)
		return time.Since(start), err
	})
	if err != nil {
		return nil, err
	}
	return []row{
		{ours.name + ", exec to first answer", formatDuration(median(took)), formatDuration(median(theirs)), spread(ratios), "<= 1.5"},
		{"memory after it", formatMemory(ours.pids()), formatMemory(proxy.pids()), "", "<= 30 MB"},
	}, nil
}

func formatDuration(d time.Duration) string { return d.Round(time.Microsecond).String() }

func formatMemory(pids []int) string {
	return fmt.Sprintf("%.1f MB of %d", residentMB(pids), len(pids))
}

// spread is the median of ratios and the middle half of them.
func spread(ratios []float64) string {
	sorted := slices.Sorted(slices.Values(ratios))
	n := len(sorted)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", sorted[n/2], sorted[n/4], sorted[n-1-n/4])
}

func (r *rival) pids() []int { return r.stack.Host.Instances(r.function) }

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
