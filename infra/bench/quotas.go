package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// fullProcessor is the memory for which Lambda gives one processor; less memory is less in proportion
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const fullProcessor = 1769

// A quota is a group of processes that together have a share of one processor: version 1 of Linux's control groups.
type quota struct {
	memoryMB int
	folder   string
}

func newQuota(memoryMB int) (*quota, error) {
	q := &quota{memoryMB, filepath.Join("/sys/fs/cgroup/cpu", fmt.Sprintf("aoai-bridge-bench-%d-%d", os.Getpid(), memoryMB))}
	if err := os.Mkdir(q.folder, 0o755); err != nil {
		return nil, fmt.Errorf("%w: a share of a processor takes root, and version 1 of control groups", err)
	}
	const period = 100_000 // microseconds; Linux's default
	if err := q.write("cpu.cfs_period_us", period); err != nil {
		return nil, err
	}
	return q, q.write("cpu.cfs_quota_us", period*memoryMB/fullProcessor)
}

func (q *quota) write(file string, value int) error {
	return os.WriteFile(filepath.Join(q.folder, file), []byte(strconv.Itoa(value)), 0o644)
}

// close gives the share up. Its processes have to be gone, which takes the kernel a moment.
func (q *quota) close() {
	for range 100 {
		if os.Remove(q.folder) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// throttled is how often, and for how long in all, the group had used its share up.
func (q *quota) throttled() (times int, in time.Duration) {
	stat, _ := os.ReadFile(filepath.Join(q.folder, "cpu.stat"))
	var periods int
	_, _ = fmt.Sscanf(string(stat), "nr_periods %d\nnr_throttled %d\nthrottled_time %d", &periods, &times, &in)
	return times, in
}

// wrap has the bootstrap trust the certificates of a file besides.
func (r *rival) wrap(trust string) error {
	real := r.bootstrap + "-itself"
	if err := os.Rename(r.bootstrap, real); err != nil {
		return err
	}
	return os.WriteFile(r.bootstrap, []byte("#!/bin/sh\nexport SSL_CERT_FILE="+trust+"\nexec "+real+"\n"), 0o755)
}

func writeCertificate(name string, server *httptest.Server) error {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return os.WriteFile(name, text, 0o644)
}

// measureQuotas shows how much later than Azure's the first token comes from a chat function with the processor's share
// that Lambda gives so much memory. It speaks TLS with Azure, has one call a second, and has its share from the end of its
// first call on, so that its start is not measured.
func measureQuotas(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "aoai-bridge-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	emulator := httptest.NewTLSServer(newEmulator())
	defer emulator.Close()
	trust := filepath.Join(dir, "trust.pem")
	if err := writeCertificate(trust, emulator); err != nil {
		return err
	}
	client.Transport.(*http.Transport).TLSClientConfig = emulator.Client().Transport.(*http.Transport).TLSClientConfig

	urls := []string{emulator.URL + "/openai/v1/chat/completions"}
	names := []string{"Azure itself"}
	var quotas []*quota
	for _, memory := range []int{128, 256, 512} {
		r := &rival{name: fmt.Sprintf("%d-MB", memory), folder: "chat", function: "ChatFunction", path: "/v1/chat/completions",
			parameters: map[string]string{"MemorySize": strconv.Itoa(memory)}}
		if err := r.build(ctx, dir, "./functions/chat", ""); err != nil {
			return err
		}
		if err := r.wrap(trust); err != nil {
			return err
		}
		if err := r.start(emulator.URL, 1); err != nil {
			return err
		}
		q, err := newQuota(memory)
		if err != nil {
			return errors.Join(err, r.stack.Close())
		}
		defer q.close()
		defer r.stack.Close()
		if _, err := post(ctx, r.url(), shortStream); err != nil {
			return err
		}
		for _, pid := range r.pids() {
			if err := q.write("cgroup.procs", pid); err != nil {
				return err
			}
		}
		quotas = append(quotas, q)
		urls, names = append(urls, r.url()), append(names, r.name)
	}

	for _, l := range []struct {
		name, body string
		calls      int
	}{{"a short prompt", shortStream, 200}, {"a prompt of 1 MB", loads[2].body, 20}} {
		fmt.Printf("%s: %d rounds of %d calls, one a second\n", l.name, o.rounds, l.calls)
		if err := compareQuotas(ctx, o.rounds, l.calls, l.body, urls, names, quotas); err != nil {
			return err
		}
	}
	return nil
}

// compareQuotas prints how much later than Azure's own the first token comes by each of the other URLs.
func compareQuotas(ctx context.Context, rounds, calls int, body string, urls, names []string, quotas []*quota) error {
	over := make([][2][]time.Duration, len(urls)) // p50 and p99 of each round
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range rounds {
		times := make([][]time.Duration, len(urls))
		for call := range calls {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
			for turn := range urls { // each is the first as often as the last
				i := (call + turn) % len(urls)
				first, err := post(ctx, urls[i], body)
				if err != nil {
					return err
				}
				times[i] = append(times[i], first)
			}
		}
		direct := median(times[0])
		for i, t := range times {
			slices.Sort(t)
			over[i][0] = append(over[i][0], median(t)-direct)
			over[i][1] = append(over[i][1], t[len(t)*99/100]-direct)
		}
	}
	for i, name := range names {
		fmt.Printf("%-12s p50 +%s, p99 +%s over Azure's own p50; of the rounds %v, %v", name,
			formatDuration(median(over[i][0])), formatDuration(median(over[i][1])), over[i][0], over[i][1])
		if i > 0 {
			times, in := quotas[i-1].throttled()
			fmt.Printf("; had used its share up %d times, and waited %v in all", times, in)
		}
		fmt.Println()
	}
	return nil
}
