package stepfunctions

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The names of errors that the interpreter itself raises.
const (
	errAll             = "States.ALL"
	errTaskFailed      = "States.TaskFailed"
	errTimeout         = "States.Timeout"
	errRuntime         = "States.Runtime"
	errDataLimit       = "States.DataLimitExceeded"
	errNoChoice        = "States.NoChoiceMatched"
	errResultPath      = "States.ResultPathMatchFailure"
	errIntrinsic       = "States.IntrinsicFailure"
	errTooManyFailures = "States.ExceedToleratedFailureThreshold"
	errItemReader      = "States.ItemReaderFailed"
	errResultWriter    = "States.ResultWriterFailed"
)

// A Failure is why a state failed.
type Failure struct {
	Name  string // of the error: States.Timeout, or a function's errorType
	Cause string // for people; a function's whole error as JSON
}

func (f *Failure) Error() string { return f.Name + ": " + f.Cause }

func failf(name, format string, args ...any) *Failure {
	return &Failure{name, fmt.Sprintf(format, args...)}
}

// asFailure names an error that has no name.
func asFailure(err error) *Failure {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	return &Failure{errRuntime, err.Error()}
}

// matches reports whether a list of error names has f's. What the runtime itself finds wrong is never
// caught, and what is too large only by its name.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
func (f *Failure) matches(names []string) bool {
	return f.Name != errRuntime && slices.ContainsFunc(names, func(name string) bool {
		switch name {
		case errAll:
			return f.Name != errDataLimit
		case errTaskFailed:
			return f.Name != errTimeout && f.Name != errDataLimit
		}
		return f.Name == name
	})
}

// A retrier says when a failed state is tried again.
type retrier struct {
	ErrorEquals     []string
	IntervalSeconds *int
	MaxAttempts     *int
	BackoffRate     *float64
	MaxDelaySeconds *int
	JitterStrategy  string
	Comment         string
}

// attempts is how often the state is tried again.
func (r *retrier) attempts() int {
	if r.MaxAttempts == nil {
		return 3
	}
	return *r.MaxAttempts
}

// delay is how long to wait before trying again when that has been done n times.
func (r *retrier) delay(n int) time.Duration {
	interval, rate := 1.0, 2.0
	if r.IntervalSeconds != nil {
		interval = float64(*r.IntervalSeconds)
	}
	if r.BackoffRate != nil {
		rate = *r.BackoffRate
	}
	seconds := interval * math.Pow(rate, float64(n))
	if r.MaxDelaySeconds != nil {
		seconds = min(seconds, float64(*r.MaxDelaySeconds))
	}
	if r.JitterStrategy == "FULL" {
		seconds *= rand.Float64()
	}
	return time.Duration(seconds * float64(time.Second))
}

// A catcher says where a failed state leads.
type catcher struct {
	ErrorEquals []string
	Next        string
	ResultPath  pathField
	Comment     string
}
