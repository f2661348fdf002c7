package main

import (
	"fmt"
	"io"

	"aoai-bridge/shared/batch/job"
)

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
