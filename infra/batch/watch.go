package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/batch/job"
)

const (
	startTimeout = 2 * time.Minute // until the workflow has made the job's record
	minPause     = 300 * time.Millisecond
	maxPause     = 15 * time.Second // between two requests; a batch takes minutes to hours
)

// watch shows the lines that are answered until the job has ended.
func watch(ctx context.Context, jobs *batch.Service, id string) (*job.Summary, error) {
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(), progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription("planning"), progressbar.OptionSetVisibility(isTerminal(os.Stderr)),
		progressbar.OptionClearOnFinish())
	defer bar.Finish()
	lastLine := ""
	begun := time.Now()
	for pause := minPause; ; pause = min(pause*5/4, maxPause) {
		p, found, err := jobs.Progress(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case !found && time.Since(begun) > startTimeout:
			return nil, errors.New("no workflow has taken the file up: does the stack's event rule stand, and is the file below inbox/?")
		case found && p.Summary != nil:
			return p.Summary, nil
		case found:
			if p.Counts.Total > 0 {
				bar.ChangeMax(p.Counts.Total)
				_ = bar.Set(p.Counts.Completed + p.Counts.Failed) // it can only fail to draw
			}
			bar.Describe(p.Status)
			if line := fmt.Sprintf("%s: %d of %d lines", p.Status, p.Counts.Completed+p.Counts.Failed, p.Counts.Total); line != lastLine && !isTerminal(os.Stderr) {
				fmt.Fprintln(os.Stderr, line)
				lastLine = line
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// report writes how the job ended. It returns an error if the job failed as a whole.
func report(w io.Writer, s *job.Summary) error {
	if s.Failure != nil {
		return fmt.Errorf("the job is %s: %s", s.Status, s.Failure.Message)
	}
	fmt.Fprintf(w, "%s: %d lines, %d succeeded, %d failed (%d of them invalid), %d answered online\n",
		s.Status, s.Lines.Total, s.Lines.Succeeded, s.Lines.Failed, s.Lines.Invalid, s.Lines.Online)
	fmt.Fprintf(w, "tokens   %d in, %d out\n", s.Usage.Input, s.Usage.Output)
	if s.Cost.USD != nil {
		fmt.Fprintf(w, "cost     %s USD", formatUSD(*s.Cost.USD))
		if s.Cost.Saving != nil {
			fmt.Fprintf(w, ", %s less than Global Standard", formatUSD(*s.Cost.Saving))
		}
		fmt.Fprintln(w)
	}
	if s.TriedAgain.Lines > 0 {
		fmt.Fprintf(w, "again    %d lines, %v\n", s.TriedAgain.Lines, s.TriedAgain.Reasons)
	}
	for _, location := range []string{s.Results, s.Errors} {
		if location != "" {
			fmt.Fprintf(w, "results  %s\n", location)
		}
	}
	return nil
}

// formatUSD shows small sums with more digits.
func formatUSD(usd float64) string {
	if usd < 0.01 {
		return fmt.Sprintf("%.6f", usd)
	}
	return fmt.Sprintf("%.2f", usd)
}
