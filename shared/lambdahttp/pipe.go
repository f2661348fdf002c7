package lambdahttp

import (
	"io"
	"sync"
)

// pipeLimit bounds what a pipe holds: a Write waits while as much is unread, in bytes.
const pipeLimit = 16 << 10

// pipe carries an answer from its handler to the runtime client. Unlike io.Pipe's, a Write does not wait
// for its Read: the handler gets the next event while this one is sent, and what is ready together goes
// out in one piece.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	err     error // what Read returns behind the last byte
	closed  bool  // nobody reads any more
}

// spare has the pending slices of pipes that were read to their end.
var spare = sync.Pool{New: func() any { return new(make([]byte, 0, 8<<10)) }}

func newPipe() *pipe {
	p := &pipe{pending: (*spare.Get().(*[]byte))[:0]}
	p.changed.L = &p.mu
	return p
}

// Write returns io.ErrClosedPipe once nobody reads any more.
func (p *pipe) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		for len(p.pending) >= pipeLimit && !p.closed {
			p.changed.Wait()
		}
		if p.closed {
			return n, io.ErrClosedPipe
		}
		part := b[:min(len(b), pipeLimit-len(p.pending))]
		p.pending = append(p.pending, part...)
		b = b[len(part):]
		n += len(part)
		p.changed.Signal()
	}
	return n, nil
}

// Read never returns bytes together with an error, which aws-lambda-go would drop.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.pending) == 0 && p.err == nil && !p.closed {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, io.ErrClosedPipe
	case len(p.pending) == 0:
		return 0, p.err
	}
	n := copy(b, p.pending)
	p.pending = p.pending[:copy(p.pending, p.pending[n:])]
	p.changed.Signal()
	return n, nil
}

// finish ends the answer: Read returns err, or io.EOF for nil, once all has been read.
func (p *pipe) finish(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err = err; err == nil {
		p.err = io.EOF
	}
	p.changed.Signal()
}

// close says that nobody reads any more.
func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		pending := p.pending // a copy: the pipe that gets it from the pool must not look into this one
		p.pending = nil
		spare.Put(&pending)
	}
	p.changed.Broadcast()
}
