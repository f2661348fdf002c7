package lambdahttp

import (
	"runtime"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Fit has Go use as many processors as the function has paid for, and collect garbage before it uses more
// memory than that. It belongs first in a program: a start that spreads over more processors takes longer.
// A GOMEMLIMIT in the environment that getenv reads is left as it is.
func Fit(getenv func(string) string) {
	runtime.GOMAXPROCS(processors(lambdacontext.MemoryLimitInMB))
	if limit := memoryLimit(lambdacontext.MemoryLimitInMB); limit > 0 && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

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

// memoryLimit is how many bytes Go may use of a function's memory, 0 where that is not known. Lambda
// kills a function that exceeds its memory, and Go by itself lets garbage grow to the size of what is in
// use. A fifth is left for what Go does not count, which is above all the program's own pages: 10 MB to
// 20 MB, and a fifth of the smallest function's 128 MB is 25 MB. Go may also exceed the limit for a moment
// in a burst.
func memoryLimit(megabytes int) int64 { return int64(megabytes) << 20 * 4 / 5 }
