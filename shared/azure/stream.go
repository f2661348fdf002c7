package azure

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// eventLimit is how much of an unfinished event is held back. A larger one passes as it comes, and only its
// outline is looked into.
const eventLimit = 4 << 20

// lastWait is how long a stream whose last event has come may take to end.
const lastWait = time.Second

var errNoEnd = errors.New("the stream ended without its last event")

// relayStream passes server-sent events on as they come, whole events at a time. It takes out the
// usage chunk that only we asked for, and where the stream breaks off it says so in an event that
// OpenAI's SDKs raise as an error. What Azure itself reports as a failure is one for the log too.
func (a *Answer) relayStream(w http.ResponseWriter, keepUsage bool) error {
	a.copyHeader(w)
	w.WriteHeader(a.Status)
	s := &stream{w: w, body: a.body, events: events{
		answer: a, keepUsage: keepUsage, responses: strings.HasPrefix(a.call.Path, "responses"), sequence: -1,
	}}
	s.flusher, _ = w.(http.Flusher)
	s.startHeartbeat(a.body.attempts.client.heartbeat)
	defer s.stopHeartbeat()
	err := s.copy()
	switch {
	case s.gone:
		return sent(err)
	case s.failed:
		a.record.Err, a.record.Code = errFailed, s.code
	case err != nil:
		a.record.Err, a.record.Code = err, asBroken(err).Code
		s.sendError(asBroken(err))
	}
	if err != nil {
		return ErrBroken
	}
	return nil
}

func asBroken(err error) *openaierr.Error {
	var e *openaierr.Error
	if errors.As(err, &e) {
		return e
	}
	return brokenOff(err)
}

type stream struct {
	events
	body  *timedBody
	large *large // the event under way, if it is too large to be held
	seen  int    // how much of what is held back is known to have no event's end
	gone  bool   // the caller has gone

	mu      sync.Mutex // around w, between the copy and the heart
	w       http.ResponseWriter
	flusher http.Flusher // nil if w needs no flushing
	heart   *time.Timer
	every   time.Duration // between two beats of a silent stream
	stopped bool
	inEvent bool // part of an event is out: no comment may stand here
}

// readBuffers are large enough for nearly every event. A stream that outgrows one makes its own.
var readBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 16<<10)) }}

// copy reads until the end of Azure's answer. Its error is nil if the stream was complete: nothing that comes
// after the last event matters, nor how the connection ends.
func (s *stream) copy() error {
	pooled := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(pooled)
	buf := (*pooled)[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := s.body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if n > 0 {
			rest, werr := s.forward(buf)
			if werr != nil {
				return werr
			}
			buf = buf[:copy(buf, rest)]
			if s.done {
				s.body.hurry(lastWait)
			}
		}
		if err == io.EOF {
			return s.sendRest(buf, nil)
		}
		if err != nil {
			return s.sendRest(buf, err)
		}
	}
}

// sendRest sends what stands after the last blank line, if that is whole except for its own blank line. cause is why the
// answer ended, nil for a proper end.
func (s *stream) sendRest(rest []byte, cause error) error {
	whole, drop := false, false
	switch {
	case s.large != nil:
		if whole = s.large.data.ended; whole {
			s.inspectLarge()
		}
	case len(rest) > 0:
		if whole = isWhole(rest); whole {
			drop = s.inspect(rest)
		}
	}
	complete := s.done || cause == nil && !s.failed && s.finished()
	if (complete || s.failed) && !drop && (whole || cause == nil) {
		if cause != nil && whole {
			rest = append(rest, "\n\n"...)
		}
		if err := s.write(rest, false); err != nil {
			return err
		}
	}
	switch {
	case complete:
		return nil
	case cause != nil:
		return cause
	}
	return errNoEnd
}

// forward sends the whole events of b except those to be dropped, in as few writes as it can, and
// returns what is left of b.
func (s *stream) forward(b []byte) (rest []byte, err error) {
	keep, at := 0, 0 // starts of what is not sent yet, and of what is not looked into
	if s.large != nil {
		if at = eventEnd(b, 0); at < 0 {
			return s.pass(b, 0, 0)
		}
		s.large.data.add(b[:at])
		s.inspectLarge()
	}
	for {
		end := eventEnd(b[at:], s.seen)
		s.seen = 0
		if end < 0 {
			break
		}
		if s.inspect(b[at : at+end]) {
			if err := s.write(b[keep:at], false); err != nil {
				return nil, err
			}
			keep = at + end
		}
		at += end
	}
	if len(b)-at > eventLimit {
		s.large = newLarge()
		return s.pass(b, keep, at)
	}
	s.seen = len(b) - at
	return b[at:], s.write(b[keep:at], false)
}

// pass sends b from keep on, in which an event that is too large begins, or goes on, at at. Line breaks at its end stay,
// since a blank line may begin with them.
func (s *stream) pass(b []byte, keep, at int) (rest []byte, err error) {
	end := max(at, len(bytes.TrimRight(b, "\r\n")), len(b)-len("\r\n\r"))
	s.large.add(b[at:end])
	return b[end:], s.write(b[keep:end], true)
}

// eventEnd returns the length of the first event with the blank line that ends it, -1 if it is not
// whole yet. It is known not to end within the first seen bytes.
func eventEnd(b []byte, seen int) int {
	for at := max(0, seen-len("\n\r")); ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
		switch {
		case at < len(b) && b[at] == '\n':
			return at + 1
		case at+1 < len(b) && b[at] == '\r' && b[at+1] == '\n':
			return at + 2
		}
	}
}

// sendError sends the event that says why the stream ends here. Chat's SDKs raise on a data line with
// an "error" member; the responses API's own error event has its members at the top as well, and a number.
func (s *stream) sendError(e *openaierr.Error) {
	object := e.ErrorObject()
	event := append([]byte("data: "), e.JSON()...)
	if s.responses {
		number := strconv.AppendInt(nil, s.sequence+1, 10)
		top := mustParse(object).With(rawjson.Edit{Key: "error", Value: object}, rawjson.Edit{Key: "type", Value: []byte(`"error"`)},
			rawjson.Edit{Key: "sequence_number", Value: number}).Bytes()
		event = append([]byte("event: error\ndata: "), top...)
	}
	prefix := []byte(nil)
	if s.inEvent {
		prefix = []byte("\n\n")
	}
	_ = s.write(append(append(prefix, event...), "\n\n"...), false) // the end is broken either way
}

// write sends b. within says that b ends within an event.
func (s *stream) write(b []byte, within bool) error {
	if len(b) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heart.Reset(s.every)
	s.inEvent = within
	err := s.send(b)
	s.gone = err != nil
	return err
}

func (s *stream) send(b []byte) error {
	_, err := s.w.Write(b)
	if s.flusher != nil {
		s.flusher.Flush()
	}
	return err
}

func (s *stream) startHeartbeat(every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every = every
	s.heart = time.AfterFunc(every, s.sendHeartbeat)
	if s.flusher != nil {
		s.flusher.Flush() // the header
	}
}

// sendHeartbeat sends a comment, which every reader of server-sent events skips.
func (s *stream) sendHeartbeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.heart.Reset(s.every)
	if !s.inEvent {
		_ = s.send([]byte(": keep-alive\n\n")) // the next write meets the same error
	}
}

func (s *stream) stopHeartbeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.heart.Stop()
}
