package lambdahttp

import (
	"runtime"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// FitProcessors has Go use as many processors as the function has paid for. It belongs first in a
// program: a start that spreads over more of them takes longer.
func FitProcessors() { runtime.GOMAXPROCS(processors(lambdacontext.MemoryLimitInMB)) }

// processors is how many processors a function's memory buys: one for each 1,769 MB, as Lambda's
// documentation has it ("Configure Lambda function memory"). The machine shows more than that, and a
// goroutine woken on another of them costs more than the little work it has to do there.
func processors(megabytes int) int {
	shown := runtime.GOMAXPROCS(0)
	if megabytes <= 0 { // not on Lambda
		return shown
	}
	return min((megabytes+1768)/1769, shown)
}
