package azure

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// eventLimit is how much of an unfinished event is held back. A larger one passes as it comes and is
// not looked into.
const eventLimit = 4 << 20

var errNoEnd = errors.New("the stream ended without its last event")

// relayStream passes server-sent events on as they come, whole events at a time. It takes out the
// usage chunk that only we asked for, and where the stream breaks off it says so in an event that
// OpenAI's SDKs raise as an error.
func (a *Answer) relayStream(w http.ResponseWriter, keepUsage bool) error {
	a.begin(w)
	w.WriteHeader(a.Status)
	s := &stream{answer: a, w: w, keepUsage: keepUsage, responses: strings.HasPrefix(a.call.Path, "responses")}
	s.flusher, _ = w.(http.Flusher)
	s.start(a.body.attempts.client.heartbeat)
	defer s.stop()
	err := s.copy()
	if err == nil || s.gone {
		return sent(err)
	}
	a.record.Err, a.record.Code = err, asBroken(err).Code
	if !s.failed {
		s.signal(asBroken(err))
	}
	return ErrBroken
}

func asBroken(err error) *openaierr.Error {
	var e *openaierr.Error
	if errors.As(err, &e) {
		return e
	}
	return brokenOff(err)
}

type stream struct {
	answer    *Answer
	keepUsage bool
	responses bool // the responses API's events, not chat's chunks
	done      bool // the last event has come
	failed    bool // Azure has sent an error event
	gone      bool // the caller has gone

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

// copy reads until the end of Azure's answer. Its error is nil if the stream was complete.
func (s *stream) copy() error {
	pooled := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(pooled)
	buf := (*pooled)[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := s.answer.body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if n > 0 {
			rest, werr := s.forward(buf)
			if werr != nil {
				return werr
			}
			buf = buf[:copy(buf, rest)]
		}
		if err == io.EOF {
			return s.end(buf)
		}
		if err != nil {
			return err
		}
	}
}

// end sends what stands behind the last blank line, if that is whole but for its own blank line.
func (s *stream) end(rest []byte) error {
	if len(rest) > 0 {
		s.inspect(rest)
	}
	if s.done || s.failed {
		if err := s.write(rest); err != nil {
			return err
		}
	}
	if !s.done {
		return errNoEnd
	}
	return nil
}

// forward sends the whole events of b but those to be dropped, in as few writes as it can, and
// returns what is left of b.
func (s *stream) forward(b []byte) (rest []byte, err error) {
	keep := 0 // start of what is not sent yet
	for at := 0; ; {
		end := eventEnd(b[at:])
		if end < 0 {
			break
		}
		if s.inspect(b[at : at+end]) {
			if err := s.write(b[keep:at]); err != nil {
				return nil, err
			}
			keep = at + end
		}
		at += end
		rest = b[at:]
	}
	if rest == nil {
		rest = b
	}
	if len(rest) > eventLimit {
		s.inEvent = true
		return nil, s.write(b[keep:])
	}
	if sent := b[keep : len(b)-len(rest)]; len(sent) > 0 {
		s.inEvent = false
		return rest, s.write(sent)
	}
	return rest, nil
}

// eventEnd returns the length of the first event with the blank line that ends it, -1 if it is not
// whole yet.
func eventEnd(b []byte) int {
	for at := 0; ; {
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

var (
	usageKey  = []byte(`"usage"`)
	errorKey  = []byte(`"error"`)
	doneValue = []byte("[DONE]")
	// An ordinary chunk as Azure writes it has nothing to look for, and nearly every chunk is one.
	chunkStart = []byte(`{"choices":[{`)
	chunkEnd   = []byte(`"usage":null}`)
)

// inspect looks into one event, as far as it is told apart by a few bytes, and tells whether it is to
// be dropped.
func (s *stream) inspect(event []byte) (drop bool) {
	data := dataOf(event)
	if bytes.Equal(data, doneValue) {
		s.done = true
		return false
	}
	if s.responses {
		s.inspectResponse(event, data)
		return false
	}
	if bytes.HasPrefix(data, chunkStart) && bytes.HasSuffix(data, chunkEnd) {
		return false
	}
	if i := bytes.Index(data, usageKey); i >= 0 && !isNull(data[i+len(usageKey):]) {
		var chunk struct {
			Choices []json.RawMessage `json:"choices"`
			Usage   json.RawMessage   `json:"usage"`
		}
		if json.Unmarshal(data, &chunk) == nil && len(chunk.Usage) > 0 && chunk.Usage[0] == '{' {
			s.answer.meter(chunk.Usage)
			return !s.keepUsage && len(chunk.Choices) == 0
		}
	}
	if bytes.Contains(data, errorKey) {
		s.inspectError(data)
	}
	return false
}

// inspectResponse knows the events that end a stream of the responses API.
func (s *stream) inspectResponse(event, data []byte) {
	name := fieldOf(event, "event:")
	switch string(name) {
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		s.done = true
		var end struct {
			Response struct {
				Usage json.RawMessage `json:"usage"`
			} `json:"response"`
		}
		if json.Unmarshal(data, &end) == nil {
			s.answer.meter(end.Response.Usage)
		}
	case "error":
		s.failed = true
	}
}

func (s *stream) inspectError(data []byte) {
	var event struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(data, &event) == nil && len(event.Error) > 0 && event.Error[0] == '{' {
		s.failed = true
	}
}

// isNull tells whether what follows a key is a null.
func isNull(b []byte) bool {
	b = bytes.TrimLeft(b, " \t")
	if len(b) == 0 || b[0] != ':' {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(b[1:], " \t"), []byte("null"))
}

func dataOf(event []byte) []byte { return fieldOf(event, "data:") }

// fieldOf returns the value of the first line of that name. Azure sends one data line an event.
func fieldOf(event []byte, name string) []byte {
	for len(event) > 0 {
		line := event
		if i := bytes.IndexByte(event, '\n'); i >= 0 {
			line, event = event[:i], event[i+1:]
		} else {
			event = nil
		}
		if len(line) >= len(name) && string(line[:len(name)]) == name {
			return bytes.TrimSpace(line[len(name):])
		}
	}
	return nil
}

// signal sends the event that says why the stream ends here. Chat's SDKs raise on a data line with
// an "error" member; the responses API's own error event has its members at the top as well.
func (s *stream) signal(e *openaierr.Error) {
	object := e.ErrorObject()
	event := append([]byte("data: "), e.JSON()...)
	if s.responses {
		top := mustParse(object).With(rawjson.Edit{Key: "error", Value: object}, rawjson.Edit{Key: "type", Value: []byte(`"error"`)}).Bytes()
		event = append([]byte("event: error\ndata: "), top...)
	}
	prefix := []byte(nil)
	if s.inEvent {
		prefix = []byte("\n\n")
	}
	_ = s.write(append(append(prefix, event...), "\n\n"...)) // the end is broken either way
}

func (s *stream) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heart.Reset(s.every)
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

func (s *stream) start(every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every = every
	s.heart = time.AfterFunc(every, s.beat)
	if s.flusher != nil {
		s.flusher.Flush() // the header
	}
}

// beat sends a comment, which every reader of server-sent events skips.
func (s *stream) beat() {
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

func (s *stream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.heart.Stop()
}
