package online

import (
	"context"
	"crypto/rand"
	"sync"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
)

// segmentWriter writes the answers of online calls to the bucket, those that came while it wrote together.
type segmentWriter struct {
	store   *bucket.Bucket
	try     job.Try
	added   int // answers
	mu      sync.Mutex
	pending []byte
	wake    chan struct{}
	stopped chan struct{}
	run     string      // distinguishes the segments of runs at the same time
	segment int         // the number of the last one
	failed  func(error) // is called with why nothing more can be written
	err     error
}

// newSegmentWriter goes on after a number of segments.
func newSegmentWriter(ctx context.Context, store *bucket.Bucket, try job.Try, segments int, failed func(error)) *segmentWriter {
	w := &segmentWriter{
		store: store, try: try, segment: segments, run: rand.Text(), failed: failed, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	go w.write(context.WithoutCancel(ctx))
	return w
}

func (w *segmentWriter) add(number int, response []byte) {
	w.mu.Lock()
	w.pending = jsonl.AppendResponse(w.pending, number, response)
	w.added++
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// write runs until close. The end of a run's context does not end it: what was paid for is written.
func (w *segmentWriter) write(ctx context.Context) {
	defer close(w.stopped)
	for range w.wake {
		w.mu.Lock()
		segment := w.pending
		w.pending = nil
		w.mu.Unlock()
		if len(segment) == 0 || w.err != nil {
			continue
		}
		w.segment++
		if w.err = w.store.PutBytes(ctx, w.try.SegmentKey(w.segment, w.run), bucket.JSONL, segment); w.err != nil {
			w.failed(w.err)
		}
	}
}

// close returns once everything is written, or cannot be.
func (w *segmentWriter) close() error {
	select {
	case w.wake <- struct{}{}:
	default:
	}
	close(w.wake)
	<-w.stopped
	return w.err
}

// ReadSegments reads what runs have written, and returns in how many segments.
func ReadSegments(ctx context.Context, store *bucket.Bucket, try job.Try, into *jsonl.Answers) (n int, err error) {
	var keys []string
	if err := store.List(ctx, try.SegmentsPrefix(), "", func(o bucket.Object) bool {
		keys = append(keys, o.Key)
		return true
	}); err != nil {
		return 0, err
	}
	for _, key := range keys {
		source := store.Open(ctx, key)
		err := into.Read(source)
		source.Close()
		if err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
