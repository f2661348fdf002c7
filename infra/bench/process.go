package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cpuTime is the processor time that processes have used, user and system. Linux keeps it for each
// thread to the nanosecond, for a process only in ticks of 10 ms.
func cpuTime(pids []int) (spent time.Duration) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is well-formed
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			if err != nil {
				continue // it has ended
			}
			running, _, _ := strings.Cut(string(stat), " ")
			ns, _ := strconv.ParseInt(running, 10, 64)
			spent += time.Duration(ns)
		}
	}
	return spent
}

// residentMB is the largest resident set among processes, in MB.
func residentMB(pids []int) float64 { return largestProcess(pids, "VmRSS:") }

// peakMB is the largest resident set that one of the processes ever had, in MB.
func peakMB(pids []int) float64 { return largestProcess(pids, "VmHWM:") }

func largestProcess(pids []int, figure string) float64 {
	most := 0
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(status), figure)
		if fields := strings.Fields(after); len(fields) > 0 {
			kb, _ := strconv.Atoi(fields[0])
			most = max(most, kb)
		}
	}
	return float64(most) / 1024
}

// printSize prints how large a bootstrap is, and the shares of the modules linked into it.
func printSize(ctx context.Context, bootstrap string) error {
	info, err := os.Stat(bootstrap)
	if err != nil {
		return err
	}
	fmt.Printf("size of the chat bootstrap  %.1f MB (target <= 16 MB), of which code and data of\n", float64(info.Size())/1e6)
	withSymbols := filepath.Join(filepath.Dir(bootstrap), "symbols")
	if err := goBuild(ctx, withSymbols, "./functions/chat", ""); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "nm", "-size", withSymbols).Output()
	if err != nil {
		return err
	}
	shares := map[string]int{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // address, size, kind, name
		if len(fields) < 4 || strings.EqualFold(fields[2], "b") || strings.EqualFold(fields[2], "u") {
			continue
		}
		n, _ := strconv.Atoi(fields[1])
		if int64(n) > info.Size() {
			continue // nm takes this for data: zeros, which are not in the file
		}
		shares[moduleOf(fields[3])] += n
	}
	order := slices.SortedFunc(maps.Keys(shares), func(a, b string) int { return cmp.Compare(shares[b], shares[a]) })
	for _, module := range order[:min(10, len(order))] {
		fmt.Printf("  %-55s %6.2f MB\n", module, float64(shares[module])/1e6)
	}
	return nil
}

// moduleOf is the module, near enough, that a symbol belongs to.
func moduleOf(symbol string) string {
	symbol = strings.TrimLeft(strings.TrimPrefix(symbol, "type:"), ".*[]")
	path, _, _ := strings.Cut(symbol, "(")
	parts := strings.Split(path, "/")
	switch {
	case strings.HasPrefix(path, "aoai-bridge/"):
		return "aoai-bridge"
	case strings.Contains(parts[0], ".") && len(parts) >= 3 && !strings.HasPrefix(path, "go."):
		return strings.Join(parts[:3], "/")
	}
	return "Go's runtime and standard library"
}
