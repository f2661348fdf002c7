// Bench measures the functions beside a bare aws-lambda-go proxy, and the survey of a file beside a bare
// splitter of lines, on the same machine, in turns: what counts are the ratios, since a shared machine's absolute figures drift.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each pair is measured; the median counts")
	flag.IntVar(&o.requests, "requests", 2000, "requests of a round")
	flag.IntVar(&o.inFlight, "in-flight", 64, "requests at a time")
	flag.BoolVar(&o.filesOnly, "files", false, "only what reads a file in S3")
	flag.BoolVar(&o.startsOnly, "starts", false, "with -against: only starts")
	flag.StringVar(&o.against, "against", "", "measure chat and token-estimate beside those of another version, which `make build` has left in this directory's dist")
	flag.BoolVar(&o.quotas, "quotas", false, "only first tokens with the processor's share that Lambda gives 128, 256 and 512 MB; as root")
	flag.Parse()
	if o.startsOnly && o.against == "" {
		fmt.Fprintln(os.Stderr, "bench: -starts goes with -against")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	measure := run
	if o.quotas {
		measure = measureQuotas
	}
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
