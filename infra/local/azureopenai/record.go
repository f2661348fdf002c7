package azureopenai

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"
)

// Request is one request as the emulator saw it, and how its answer went.
type Request struct {
	ID         int64       `json:"id"` // counts from 1
	Time       time.Time   `json:"time"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Query      string      `json:"query,omitempty"`
	Deployment string      `json:"deployment,omitempty"` // as the caller named it
	Header     http.Header `json:"headers"`              // without credentials
	Auth       string      `json:"auth"`                 // "api-key", "bearer key", "bearer token" or "none"
	Credential string      `json:"credential,omitempty"` // the first 8 hex digits of its SHA-256
	Body       []byte      `json:"-"`                    // as sent; in JSON "body", or "body_base64" if it is no text
	Fault      string      `json:"fault,omitempty"`      // the fault that struck
	Status     int         `json:"status"`               // 0 until, or unless, an answer began
	Bytes      int64       `json:"bytes"`                // of the answer's body
	Events     int         `json:"events,omitempty"`     // of a stream
	Done       bool        `json:"done"`                 // the handler has returned
	Cancelled  bool        `json:"cancelled"`            // the client went away before the answer's end
}

// MarshalJSON writes the body as text where it is text.
func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	v := struct {
		plain
		Body   string `json:"body,omitempty"`
		Base64 []byte `json:"body_base64,omitempty"`
	}{plain: plain(r)}
	if utf8.Valid(r.Body) {
		v.Body = string(r.Body)
	} else {
		v.Base64 = r.Body
	}
	return json.Marshal(v)
}

// Counts says how many requests there were since the start or the last Reset; unlike the list of
// requests it forgets none.
type Counts struct {
	Total     int64         `json:"total"`
	InFlight  int64         `json:"in_flight"`
	Cancelled int64         `json:"cancelled"`
	ByStatus  map[int]int64 `json:"by_status"` // of finished ones; 0: no answer began
}

// maxKeptBytes bounds the memory that recorded bodies take.
const maxKeptBytes = 64 << 20

// requestLog keeps the latest requests, whose ids are consecutive.
type requestLog struct {
	keep int

	mu      sync.Mutex
	next    int64
	kept    []Request
	bytes   int
	counts  Counts
	epoch   int64         // the last id before the last reset
	changed chan struct{} // made by a waiter, closed by the next change
}

func (l *requestLog) begin(r Request) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	l.counts.Total++
	l.counts.InFlight++
	if l.keep > 0 {
		r.ID = l.next
		l.kept = append(l.kept, r)
		l.bytes += len(r.Body)
		for len(l.kept) > l.keep || l.bytes > maxKeptBytes && len(l.kept) > 1 {
			l.bytes -= len(l.kept[0].Body)
			l.kept[0] = Request{}
			l.kept = l.kept[1:]
		}
	}
	l.notify()
	return l.next
}

func (l *requestLog) finish(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ID <= l.epoch {
		return
	}
	l.counts.InFlight--
	if l.counts.ByStatus == nil {
		l.counts.ByStatus = make(map[int]int64)
	}
	l.counts.ByStatus[r.Status]++
	if r.Cancelled {
		l.counts.Cancelled++
	}
	if len(l.kept) > 0 && r.ID >= l.kept[0].ID {
		l.kept[r.ID-l.kept[0].ID] = r
	}
	l.notify()
}

func (l *requestLog) notify() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept, l.bytes, l.counts, l.epoch = nil, 0, Counts{}, l.next
	l.notify()
}

// snapshot also returns a channel that is closed at the next change.
func (l *requestLog) snapshot() ([]Request, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return append([]Request(nil), l.kept...), l.changed
}

// Requests returns the requests kept, oldest first, those under way included. Bodies and headers are
// shared: do not change them.
func (s *Server) Requests() []Request {
	kept, _ := s.log.snapshot()
	return kept
}

// Counts returns how many requests there were.
func (s *Server) Counts() Counts {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	c := s.log.counts
	c.ByStatus = maps.Clone(c.ByStatus)
	return c
}

// WaitRequests returns the requests kept as soon as they satisfy ok, or ctx's error.
func (s *Server) WaitRequests(ctx context.Context, ok func([]Request) bool) ([]Request, error) {
	for {
		kept, changed := s.log.snapshot()
		if ok(kept) {
			return kept, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return kept, ctx.Err()
		}
	}
}
