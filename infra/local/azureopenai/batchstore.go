package azureopenai

import (
	"context"
	"errors"
	"sync"
	"time"
)

// batchStore knows every batch and how many tokens are enqueued.
type batchStore struct {
	mu       sync.Mutex
	closed   bool
	byID     map[string]*job
	jobs     []*job // oldest first
	enqueued map[string]int64
	changed  chan struct{} // made by a waiter, closed by the next change of a status
	running  sync.WaitGroup
}

// errCancelled is why a cancelled batch stops.
var errCancelled = errors.New("cancelled")

// start lets a batch run.
func (s *batchStore) start(j *job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return internalFailure(errClosed)
	}
	if s.byID == nil {
		s.byID = make(map[string]*job)
	}
	s.byID[j.id] = j
	s.jobs = append(s.jobs, j)
	j.number, j.made = len(s.jobs), j.server.options.Now()
	j.ctx, j.stop = context.WithCancelCause(context.Background())
	s.running.Go(j.run)
	return nil
}

// update alters a batch's object under the lock that readers take. Waiters learn of a new status.
func (s *batchStore) update(j *job, alter func(*batchObject)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := j.object.Status
	alter(&j.object)
	if j.object.Status != before {
		s.notify()
	}
}

func (s *batchStore) notify() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *batchStore) find(id string) (batchObject, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.byID[id]
	if !ok {
		return batchObject{}, false
	}
	return j.object, true
}

// watch is find with a channel that is closed when the status of any batch changes.
func (s *batchStore) watch(id string) (batchObject, <-chan struct{}, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.byID[id]
	if !ok {
		return batchObject{}, nil, false
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return j.object, s.changed, true
}

// list returns the batches that had been made by a time.
func (s *batchStore) list(by time.Time) []batchObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := make([]batchObject, 0, len(s.jobs))
	for _, j := range s.jobs {
		if !j.made.After(by) {
			objects = append(objects, j.object)
		}
	}
	return objects
}

// cancel is not ok for a batch that has ended.
func (s *batchStore) cancel(id string, now time.Time) (o batchObject, found, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, found := s.byID[id]
	if !found {
		return o, false, false
	}
	if j.object.ended() {
		return j.object, true, j.object.Status == "cancelled"
	}
	if j.object.Status != "cancelling" {
		j.object.setStatus("cancelling", now)
		j.stop(errCancelled)
		s.notify()
	}
	return j.object, true, true
}

// reserve takes a batch's tokens from its deployment's quota; false where they do not fit.
func (s *batchStore) reserve(j *job, d *deployment, tokens int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enqueued[d.Name]+tokens > int64(d.Capacity)*tokensPerBatchUnit {
		return false
	}
	if s.enqueued == nil {
		s.enqueued = make(map[string]int64)
	}
	s.enqueued[d.Name] += tokens
	j.reserved, j.reservedAt = tokens, d.Name
	return true
}

// release gives the tokens back.
func (s *batchStore) release(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.reserved > 0 {
		s.enqueued[j.reservedAt] -= j.reserved
		j.reserved = 0
	}
}

// close stops all batches where they stand.
func (s *batchStore) close() {
	s.mu.Lock()
	s.closed = true
	for _, j := range s.jobs {
		j.stop(errClosed)
	}
	s.mu.Unlock()
	s.running.Wait()
}
