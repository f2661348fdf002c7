package online

import (
	"context"
	"crypto/rand"
	"sync"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
)

// segmentWriter writes the answers of online calls to the bucket, those that came while it wrote together. A caller waits
// until its answer is written: of a run that is killed no more answers are lost than it made calls at once.
type segmentWriter struct {
	ctx    context.Context // does not end with the run: what was paid for is written
	store  *bucket.Bucket
	try    job.Try
	run    string      // distinguishes the segments of runs at the same time
	failed func(error) // is called with why nothing more can be written

	mu      sync.Mutex // guards what follows
	added   int        // answers
	pending *segment   // the next one to be written; nil is none

	writing sync.Mutex // guards what follows, and is held while a segment is written
	number  int        // of the last segment
	err     error
}

type segment struct {
	lines   []byte
	written bool // or failed
}

// newSegmentWriter goes on after a number of segments.
func newSegmentWriter(ctx context.Context, store *bucket.Bucket, try job.Try, segments int, failed func(error)) *segmentWriter {
	return &segmentWriter{ctx: context.WithoutCancel(ctx), store: store, try: try, number: segments, run: rand.Text(), failed: failed}
}

// add returns once the answer is written, or cannot be.
func (w *segmentWriter) add(number int, response []byte) {
	w.mu.Lock()
	if w.pending == nil {
		w.pending = &segment{}
	}
	mine := w.pending
	mine.lines = jsonl.AppendResponse(mine.lines, number, response)
	w.added++
	w.mu.Unlock()

	w.writing.Lock()
	defer w.writing.Unlock()
	if mine.written { // by another caller, with its own
		return
	}
	w.mu.Lock()
	w.pending = nil
	w.mu.Unlock()
	mine.written = true
	if w.err != nil {
		return
	}
	w.number++
	if w.err = w.store.PutBytes(w.ctx, w.try.SegmentKey(w.number, w.run), bucket.JSONL, mine.lines); w.err != nil {
		w.failed(w.err)
	}
}

// ReadSegments reads what runs have written, and returns in how many segments.
func ReadSegments(ctx context.Context, store *bucket.Bucket, try job.Try, into *jsonl.Answers) (n int, err error) {
	keys, err := store.Keys(ctx, try.SegmentsPrefix())
	if err != nil {
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
