// Package lambda is AWS Lambda on one machine: it starts bootstraps, speaks the Runtime API with
// them and offers the Invoke API. It does not know what events mean and who may invoke; it does
// not enforce memory, retry asynchronous invocations, keep logs, or serve extensions.
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Where the functions seem to live.
const (
	Region    = "us-east-1"
	AccountID = "000000000000"
)

// Limits of a payload in bytes. What Lambda calls 6 MB is not the same both ways: each figure is
// the one that its error message names.
const (
	maxRequest  = 6291456
	maxResponse = 6291556 // of a buffered response; streams have no limit here
)

// Errors of Invoke that are no failure of the function.
var (
	ErrNotFound  = errors.New("lambda: ResourceNotFoundException: function not found")
	ErrThrottled = errors.New("lambda: TooManyRequestsException: Rate Exceeded")
	ErrTooLarge  = fmt.Errorf("lambda: RequestTooLargeException: Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest)
	ErrClosed    = errors.New("lambda: host closed")
)

// A Function is one bootstrap and how to run it.
type Function struct {
	Name         string
	Bootstrap    string            // path of the executable
	Env          map[string]string // on top of what Lambda itself sets
	Timeout      time.Duration     // of one invocation; 3 s when zero
	MemoryMB     int               // given to the bootstrap, not enforced; 128 when zero
	MaxInstances int               // 10 when zero
	Concurrency  int               // invocations at a time on one instance; 1 when zero
}

// arn is the function's unqualified name in full.
func (f Function) arn() string {
	return "arn:aws:lambda:" + Region + ":" + AccountID + ":function:" + f.Name
}

// A Response is a function's answer from its first byte on.
type Response struct {
	RequestID   string
	ContentType string // as the function gave it

	// Body ends with a *FunctionError where the function broke off. It must be closed; closing it
	// early tells the function's runtime that it is no longer read.
	Body io.ReadCloser
}

// A Host runs functions. Its methods may be called at the same time.
type Host struct {
	logs   *lockedWriter
	fleets map[string]*fleet

	ctx   context.Context // ends with Close
	close context.CancelFunc
	work  sync.WaitGroup // instances and asynchronous invocations
}

// NewHost returns a host of functions. logs gets what the bootstraps print, and a line for every
// failure that is the platform's to report. Nothing is started before the first Invoke.
func NewHost(logs io.Writer, functions ...Function) *Host {
	h := &Host{logs: &lockedWriter{w: logs}, fleets: make(map[string]*fleet, len(functions))}
	h.ctx, h.close = context.WithCancel(context.Background())
	for _, f := range functions {
		f.Timeout = cmp.Or(f.Timeout, 3*time.Second)
		f.MemoryMB = cmp.Or(f.MemoryMB, 128)
		f.MaxInstances = cmp.Or(f.MaxInstances, 10)
		f.Concurrency = cmp.Or(f.Concurrency, 1)
		h.fleets[f.Name] = &fleet{host: h, function: f}
	}
	return h
}

// Invoke hands payload to a function and returns as soon as it begins to answer. The error is a
// *FunctionError if the function failed before, ErrNotFound, ErrThrottled, ErrTooLarge, ErrClosed,
// or ctx's. ctx governs the response's body too: when it ends, the caller has gone away, and the
// function's runtime learns of it as soon as it answers.
func (h *Host) Invoke(ctx context.Context, function string, payload []byte) (*Response, error) {
	f, ok := h.fleets[function]
	if !ok {
		return nil, ErrNotFound
	}
	if len(payload) > maxRequest {
		return nil, ErrTooLarge
	}
	inv := &invocation{id: uuid.NewString(), payload: payload, outcome: make(chan outcome, 1)}
	inv.ctx, inv.cancel = context.WithCancel(ctx)
	response, err := f.run(inv)
	if err != nil {
		inv.cancel()
		return nil, err
	}
	return response, nil
}

// Instances returns the process ids of a function's running instances, oldest first.
func (h *Host) Instances(function string) []int {
	f, ok := h.fleets[function]
	if !ok {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var pids []int
	for _, i := range f.instances {
		if i.pid != 0 {
			pids = append(pids, i.pid)
		}
	}
	return pids
}

// Close kills every bootstrap, fails what waits for one, and returns when all have ended.
func (h *Host) Close() error {
	h.close()
	for _, f := range h.fleets {
		f.close()
	}
	h.work.Wait()
	return nil
}

// A lockedWriter lets many bootstraps write to one writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
