package lambda

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// An invocation is one event on its way through a function. Its instance and what follows are
// guarded by the fleet's mutex.
type invocation struct {
	id      string
	payload []byte

	ctx    context.Context // ends when the caller has gone away or has read everything
	cancel context.CancelFunc

	outcome chan outcome // capacity 1, sent to once

	deadline time.Time
	timer    *time.Timer
	settled  bool           // an outcome has been sent
	failure  *FunctionError // why it ended, if it failed
}

// An outcome is how a function began to answer: with a body, or with an error.
type outcome struct {
	answer *answer
	err    error
}

// settle sends the outcome unless there was one. The fleet's mutex must be held.
func (inv *invocation) settle(o outcome) bool {
	if inv.settled {
		return false
	}
	inv.settled = true
	inv.outcome <- o
	return true
}

// fail ends the invocation with failure, also if its answer is under way: then the reader of the
// answer gets the failure at its broken end. The fleet's mutex must be held.
func (inv *invocation) fail(failure *FunctionError) {
	if inv.failure == nil {
		inv.failure = failure
		inv.settle(outcome{err: failure})
	}
}

// exitGrace bounds the wait for a bootstrap's end once its answer broke off: an exit is the better
// explanation, and nearly always the right one.
const exitGrace = time.Second

// An answer reads the body of a POST .../response straight from the bootstrap's connection, in the
// caller's goroutine, so that a chunk costs one read. Close may be called at any time, Read by one
// goroutine.
type answer struct {
	inv         *invocation
	instance    *instance
	request     *http.Request
	reader      *bufio.Reader
	contentType string

	err  error         // sticky
	done chan struct{} // closed when everything was read
}

func newAnswer(i *instance, inv *invocation, r *http.Request) *answer {
	return &answer{
		inv:         inv,
		instance:    i,
		request:     r,
		reader:      bufio.NewReaderSize(r.Body, 4<<10), // passed by when Read's buffer is larger
		contentType: r.Header.Get("Content-Type"),
		done:        make(chan struct{}),
	}
}

// begin waits for the first byte. An answer that fails before it has one is no answer.
func (a *answer) begin() error {
	if _, err := a.reader.Peek(1); err != nil {
		if err := a.end(err); !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

func (a *answer) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.reader.Read(p)
	if err != nil {
		err = a.end(err)
	}
	return n, err
}

// end turns the error at the end of the body into the one that the caller gets.
func (a *answer) end(err error) error {
	fleet := a.instance.fleet
	if errors.Is(err, io.EOF) {
		// Before the caller knows: its next invocation must find the instance about to be free.
		fleet.finish(a.instance, a.inv)
		a.err = io.EOF
		if failure := trailerError(a.request.Trailer); failure != nil {
			a.err = failure
			if gone := a.inv.ctx.Err(); gone != nil { // the reason why the function failed
				a.err = gone
			}
		}
		close(a.done)
		return a.err
	}
	patience := time.NewTimer(exitGrace)
	defer patience.Stop()
	select {
	case <-a.inv.ctx.Done():
		a.err = a.inv.ctx.Err()
	case <-a.instance.exited:
		a.err = fleet.failureOf(a.inv)
	case <-patience.C:
		a.err = fleet.failureOf(a.inv)
	}
	close(a.done)
	return a.err
}

// Close says that the answer is no longer read. The instance's side does the rest.
func (a *answer) Close() error {
	a.inv.cancel()
	return nil
}
