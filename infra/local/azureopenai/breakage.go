package azureopenai

import (
	"bytes"
	"cmp"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// errBroken ends an answer that a fault broke off; there is nothing more to send.
var errBroken = errors.New("broken off by a fault")

// defaultAfter is how many events of a stream are sent before a fault strikes.
const defaultAfter = 3

// beginFault does what a fault does before the answer; its error ends the exchange.
func (x *exchange) beginFault() error {
	f := &x.fault
	if f.kind == "slow" {
		return x.waitAlone(f.delay)
	}
	if err := x.wait(f.delay); err != nil {
		return err
	}
	switch f.kind {
	case "status":
		return x.faultStatus()
	case "close":
		panic(http.ErrAbortHandler)
	case "hang":
		if f.after < 0 {
			x.hang()
		}
	case "garbage":
		if err := x.sendGarbage(); err != nil {
			return err
		}
		return errBroken
	case "gzip", "deflate":
		x.compress(f.kind)
	case "no-stream-options":
		if bytes.Contains(x.body, []byte(`"stream_options"`)) {
			return streamOptionsRefused(cmp.Or(f.status, http.StatusBadRequest))
		}
	}
	return nil
}

func (x *exchange) sendGarbage() error {
	status := x.fault.status
	if status == 0 {
		status = http.StatusOK
	}
	if status < 500 {
		x.w.Header().Set("Content-Type", "application/json")
		return x.send(status, []byte("\x00\x01not json{{{"))
	}
	title := itoa(status) + " " + http.StatusText(status)
	x.w.Header().Set("Content-Type", "text/html")
	return x.send(status, []byte("<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+"</h1></center>\r\n</body>\r\n</html>\r\n"))
}

// faultStatus returns Azure's body for a status. Those of 502 and 504, and any not seen, are unverified.
func (x *exchange) faultStatus() error {
	f := &x.fault
	if f.status == http.StatusTooManyRequests && f.retryAfter == "" && f.retryAfterMS == "" {
		f.retryAfter, f.retryAfterMS = "1", "1000"
	}
	if f.retryAfter != "none" {
		x.setRetryAfter(f.retryAfter, f.retryAfterMS)
	}
	switch f.status {
	case http.StatusUnauthorized:
		return errBadKey
	case http.StatusNotFound:
		if x.route.family == familyV1 {
			return errDeploymentNotFoundV1
		}
		return errDeploymentNotFound
	case http.StatusRequestTimeout:
		return errTimeout
	case http.StatusTooManyRequests:
		return x.faultRateLimit()
	case http.StatusInternalServerError:
		return serverError(x.w.Header().Get("X-Request-Id"))
	case http.StatusServiceUnavailable:
		return errUnavailable
	default:
		return literal(f.status, `{"error":{"code":"`+itoa(f.status)+`","message":`+quote(http.StatusText(f.status))+`}}`)
	}
}

// faultRateLimit words a 429 for the seconds that its headers name.
func (x *exchange) faultRateLimit() error {
	f := &x.fault
	if x.deployment != nil {
		if r, ok := x.deployment.count(x.start, 0); ok {
			if f.limit == "tokens" {
				r.remainingTokens = 0
			} else {
				r.remainingRequests = 0
			}
			x.setRateHeaders(r)
		}
	}
	seconds, err := strconv.ParseInt(f.retryAfter, 10, 64)
	if err != nil {
		ms, _ := strconv.ParseInt(f.retryAfterMS, 10, 64)
		seconds = (ms + 999) / 1000
	}
	return rateLimited(x.route, f.limit, seconds)
}

// strikesWhole reports whether the fault breaks an answer that is not a stream.
func (f *fault) strikesWhole() bool {
	switch f.kind {
	case "cut", "reset", "partial", "hang":
		return true
	}
	return false
}

// breakWhole sends a part of a body and then fails as the fault says.
func (x *exchange) breakWhole(status int, body []byte) error {
	part := len(body) / 2
	if x.fault.after >= 0 {
		part = min(x.fault.after, len(body))
	}
	length := len(body)
	if x.fault.kind == "partial" {
		length = part
	}
	x.w.Header().Set("Content-Length", itoa(length))
	x.begin(status)
	if err := x.write(body[:part]); err != nil {
		return err
	}
	x.flush()
	return x.breakOff()
}

// breakStream is called before each event, and strikes once enough of them were sent.
func (x *exchange) breakStream(next []byte) error {
	f := &x.fault
	if x.record.Events > 0 {
		if err := x.wait(f.interval); err != nil {
			return err
		}
	}
	after := f.after
	if after < 0 {
		after = defaultAfter
	}
	switch f.kind {
	case "cut", "reset", "partial", "hang", "error-event", "end":
	default:
		return nil
	}
	if x.record.Events < after {
		return nil
	}
	switch f.kind {
	case "partial":
		if err := x.write(next[:len(next)/2]); err != nil {
			return err
		}
	case "error-event":
		if err := x.write(x.failureEvent()); err != nil {
			return err
		}
	}
	return x.breakOff()
}

// breakEnd is called after the last event.
func (x *exchange) breakEnd() error {
	switch f := &x.fault; f.kind {
	case "cut", "reset", "hang":
		if x.record.Events == f.after {
			return x.breakOff()
		}
	}
	return nil
}

func (x *exchange) failureEvent() []byte {
	if x.errorEvent != nil {
		return x.errorEvent()
	}
	return []byte("data: " + string(serverError(x.w.Header().Get("X-Request-Id")).body) + "\n\n")
}

// breakOff ends an answer that has begun. Aborting a handler makes net/http close the connection.
func (x *exchange) breakOff() error {
	switch x.fault.kind {
	case "cut":
		panic(http.ErrAbortHandler)
	case "reset":
		x.reset()
	case "hang":
		x.hang()
	}
	return errBroken
}

// hang waits until the client goes away.
func (x *exchange) hang() {
	<-x.r.Context().Done()
	panic(http.ErrAbortHandler)
}

// reset closes the connection so that the client gets a TCP RST, and where that cannot be done, cuts it.
func (x *exchange) reset() {
	if hijacker, ok := x.w.(http.Hijacker); ok {
		if conn, buffered, err := hijacker.Hijack(); err == nil {
			_ = buffered.Flush()
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// waitAlone waits whether or not the client does. It returns early, with an error, when the server is closed.
func (x *exchange) waitAlone(d time.Duration) error {
	select {
	case <-x.server.options.After(d):
		return nil
	case <-x.server.done:
		return errClosed
	}
}

// wait returns early, with an error, when the client goes away.
func (x *exchange) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-x.r.Context().Done():
		return x.r.Context().Err()
	}
}
