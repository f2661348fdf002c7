package azureopenai

import (
	"net/http"
	"strings"
)

func (x *exchange) sendJSON(status int, body []byte) error {
	x.w.Header().Set("Content-Type", "application/json")
	return x.send(status, body)
}

// send writes a whole answer, which a fault may cut short.
func (x *exchange) send(status int, body []byte) error {
	x.setServiceTime()
	if x.fault.strikesWhole() {
		return x.breakWhole(status, body)
	}
	x.w.Header().Set("Content-Length", itoa(len(body)))
	x.begin(status)
	if err := x.write(body); err != nil {
		return err
	}
	x.complete = true
	return nil
}

// begin is where an answer would be lost.
func (x *exchange) begin(status int) {
	if x.fault.kind == "lost" {
		panic(http.ErrAbortHandler)
	}
	x.record.Status = status
	x.w.WriteHeader(status)
}

func (x *exchange) write(b []byte) error {
	n, err := x.w.Write(b)
	x.record.Bytes += int64(n)
	return err
}

// openStream begins a stream of server-sent events.
func (x *exchange) openStream(status int) {
	h := x.w.Header()
	if _, given := h["Content-Type"]; !given { // a literal answer brings its own, which may be none
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
	}
	x.setServiceTime()
	x.begin(status)
	x.flush()
}

// event sends one event, its empty line included, unless a fault strikes.
func (x *exchange) event(e []byte) error {
	if err := x.r.Context().Err(); err != nil { // looked at before, since a client may leave after the last one
		return err
	}
	if err := x.breakStream(e); err != nil {
		return err
	}
	if err := x.write(e); err != nil {
		return err
	}
	x.record.Events++
	x.flush()
	return nil
}

// lastEvent sends the event that tells a client that a stream is complete.
func (x *exchange) lastEvent(e []byte) error {
	if x.fault.kind == "no-done" {
		return errBroken
	}
	if err := x.event(e); err != nil {
		return err
	}
	if err := x.breakEnd(); err != nil {
		return err
	}
	x.complete = true
	return nil
}

func (x *exchange) flush() {
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
	}
}

// sendLiteral sends a queued answer, a stream of events one by one.
func (x *exchange) sendLiteral(a Answer) error {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range a.Headers {
		h.Set(name, value)
		if value == "" {
			h[http.CanonicalHeaderKey(name)] = nil // keeps net/http from adding one
		}
	}
	if !a.Stream && !strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		return x.send(a.Status, []byte(a.Body))
	}
	x.openStream(a.Status)
	events := strings.SplitAfter(a.Body, "\n\n")
	if events[len(events)-1] == "" {
		events = events[:len(events)-1]
	}
	for i, e := range events {
		send := x.event
		if i == len(events)-1 {
			send = x.lastEvent
		}
		if err := send([]byte(e)); err != nil {
			return err
		}
	}
	return nil
}
