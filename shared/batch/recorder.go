package batch

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"

	"aoai-bridge/shared/bucket"
)

// recorder writes answers to the bucket, those that came while it wrote together.
type recorder struct {
	*work
	recorded int
	mu       sync.Mutex
	pending  []byte
	wake     chan struct{}
	stopped  chan struct{}
	run      string // tells the segments of runs at the same time apart
	segment  int
	failed   func(error) // is told why nothing more can be recorded
	err      error
}

func newRecorder(ctx context.Context, w *work, segments int, failed func(error)) *recorder {
	r := &recorder{work: w, segment: segments, run: rand.Text(), failed: failed, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go r.write(context.WithoutCancel(ctx))
	return r
}

func (r *recorder) add(number int, response []byte) {
	r.mu.Lock()
	r.pending = append(r.pending, requestHead...)
	r.pending = strconv.AppendInt(r.pending, int64(number), 10)
	r.pending = append(append(append(r.pending, `","response":`...), response...), ",\"error\":null}\n"...)
	r.recorded++
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// write runs until close. The end of a run's context does not end it: what was paid for is recorded.
func (r *recorder) write(ctx context.Context) {
	defer close(r.stopped)
	for range r.wake {
		r.mu.Lock()
		segment := r.pending
		r.pending = nil
		r.mu.Unlock()
		if len(segment) == 0 || r.err != nil {
			continue
		}
		r.segment++
		key := r.key(fmt.Sprintf("%s%06d-%s.jsonl", runPrefix, r.segment, r.run))
		if r.err = r.store.PutBytes(ctx, key, bucket.JSONL, segment); r.err != nil {
			r.failed(r.err)
		}
	}
}

// close returns once everything is recorded, or cannot be.
func (r *recorder) close() error {
	select {
	case r.wake <- struct{}{}:
	default:
	}
	close(r.wake)
	<-r.stopped
	return r.err
}
