package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/telemetry"
	"aoai-bridge/shared/usage"
)

const (
	// holdLimit is how much of a JSON answer is held back until its end is known. A broken answer up
	// to this size becomes a clean error; a larger one passes as it comes.
	holdLimit = 1 << 20
	// tailLimit is how much of a larger one is kept to find the usage in, which stands near the end.
	tailLimit = 64 << 10
)

const eventStream = "text/event-stream"

// Answer is Azure's answer to a call, 2xx or 3xx, its header reduced to what callers get.
type Answer struct {
	Status   int
	Header   http.Header
	Resource string // that gave it
	call     *Call
	body     *timedBody
	record   *telemetry.Call
}

func (a *attempts) answer(ctx context.Context, r *http.Response) *Answer {
	body := &timedBody{
		ReadCloser: decoded(r), ctx: ctx, attempts: a, wait: a.client.env.IdleTimeout,
		idle: time.AfterFunc(a.client.env.IdleTimeout, func() { a.cancel(errIdle) }),
	}
	return &Answer{Status: r.StatusCode, Header: answerHeaders(r.Header), call: a.call, body: body, record: a.record}
}

// timedBody ends the call when Azure falls silent, and ends its clocks when it is closed.
type timedBody struct {
	io.ReadCloser
	ctx      context.Context
	attempts *attempts
	idle     *time.Timer
	wait     time.Duration // for the next byte
	started  bool
	held     []byte    // read ahead
	heldErr  error     // that stands after held
	ids      *idFinder // nil where no id is looked for
}

func (b *timedBody) Read(p []byte) (int, error) {
	if len(b.held) > 0 {
		n := copy(p, b.held)
		b.held = b.held[n:]
		return n, nil
	}
	if b.heldErr != nil {
		return 0, b.heldErr
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		if !b.started {
			b.started = true
			b.attempts.record.FirstByte = b.attempts.record.Elapsed()
		}
		b.idle.Reset(b.wait)
		if b.ids != nil && b.ids.read(p[:n]) {
			b.ids = nil
		}
	}
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = b.attempts.contextError(b.ctx, err)
	}
	return n, err
}

// hurry bounds the wait for the next byte.
func (b *timedBody) hurry(wait time.Duration) {
	if wait < b.wait {
		b.wait = wait
		b.idle.Reset(wait)
	}
}

// startsEvents reports whether the body begins as server-sent events do. It reads ahead as far as it must.
func (b *timedBody) startsEvents() bool {
	for {
		events, sure := startsEvents(b.held)
		if sure || b.heldErr != nil || len(b.held) > maxBlank {
			return events
		}
		ahead, buf := b.held, make([]byte, 512)
		b.held = nil
		n, err := b.Read(buf)
		b.held, b.heldErr = append(ahead, buf[:n]...), err
	}
}

// maxBlank is how many bytes are read ahead at most.
const maxBlank = 4 << 10

// startsEvents is not sure until it has the name of the first line's field.
func startsEvents(b []byte) (events, sure bool) {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), "\r\n")
	for _, field := range []string{"data:", "event:", "id:", "retry:", ":"} {
		switch {
		case strings.HasPrefix(string(b), field):
			return true, true
		case strings.HasPrefix(field, string(b)):
			return false, false
		}
	}
	return false, true
}

// Close ends this try; the call may make another.
func (b *timedBody) Close() error {
	b.idle.Stop()
	return b.ReadCloser.Close()
}

// Body reads the answer as it comes. It ends with an error where the answer broke off.
func (a *Answer) Body() io.Reader { return a.body }

// Member returns a member of a JSON answer, nil if the answer has none of that name. What has been read of the answer is
// relayed all the same. The error is one of the connection or the time.
func (a *Answer) Member(name string) (json.RawMessage, error) {
	var ahead bytes.Buffer
	value, err := member(json.NewDecoder(io.TeeReader(a.body, &ahead)), name)
	rest := a.body.ReadCloser
	a.body.ReadCloser = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&ahead, rest), rest}
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax || errors.Is(err, io.EOF) {
		return nil, nil // it is not JSON
	}
	if err != nil {
		return nil, asBroken(err)
	}
	return value, nil
}

func member(d *json.Decoder, name string) (json.RawMessage, error) {
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil || key == name {
			return value, err
		}
	}
	return nil, nil
}

// Close ends the call and gives its connection back, or breaks it if the answer was not read to its end.
func (a *Answer) Close() {
	_ = a.body.Close() // nothing is left to do about it
	a.body.attempts.end()
}

// Relay sends the answer to w. An error means that w has got nothing yet; ErrBroken that it has got
// an incomplete answer, whose end must be broken too. keepUsage passes the usage chunk of a chat stream.
func (a *Answer) Relay(w http.ResponseWriter, keepUsage bool) error {
	stream := strings.HasPrefix(strings.ToLower(a.Header.Get("Content-Type")), eventStream)
	if !stream && a.call.Stream && a.Status == http.StatusOK && a.body.startsEvents() {
		stream = true // behind a proxy that says something else of it, or nothing
		a.Header.Set("Content-Type", eventStream)
	}
	if stream {
		a.body.attempts.limit.Stop()
		return a.relayStream(w, keepUsage)
	}
	return a.relayWhole(w)
}

// ReadObject reads the whole answer, of limit bytes at most, which must be a JSON object.
func (a *Answer) ReadObject(limit int64) (rawjson.Node, error) {
	body, err := io.ReadAll(io.LimitReader(a.body, limit+1))
	switch {
	case err != nil:
		return rawjson.Node{}, asBroken(err)
	case int64(len(body)) > limit:
		return rawjson.Node{}, tooLarge(limit)
	}
	object, err := rawjson.ParseTree(body)
	if err != nil || object.Kind() != '{' {
		return rawjson.Node{}, notJSON(len(body))
	}
	return object, nil
}

// ErrBroken is returned once a part of an answer is out and the rest will not come.
var ErrBroken = errors.New("the answer broke off")

func (a *Answer) relayWhole(w http.ResponseWriter) error {
	var held bytes.Buffer
	n, err := held.ReadFrom(io.LimitReader(a.body, holdLimit))
	switch {
	case err != nil:
		return asBroken(err)
	case n < holdLimit:
		if held.Len() > 0 || a.Status == http.StatusOK {
			o, err := rawjson.Parse(held.Bytes())
			if err != nil {
				return notJSON(held.Len())
			}
			a.recordUsage(o.Get("usage"))
			a.judge(o)
		}
		a.copyHeader(w).Set("Content-Length", strconv.Itoa(held.Len()))
		w.WriteHeader(a.Status)
		_, err := w.Write(held.Bytes())
		return sent(err)
	}
	a.body.attempts.limit.Stop()
	a.copyHeader(w)
	w.WriteHeader(a.Status)
	tail := &tail{}
	if _, err := w.Write(held.Bytes()); err != nil {
		return ErrBroken
	}
	if _, err := io.Copy(io.MultiWriter(w, tail), a.body); err != nil {
		a.record.Err, a.record.Code = err, asBroken(err).Code
		return ErrBroken
	}
	a.recordUsage(tail.lastMember("usage"))
	return nil
}

// Meter notes the usage that an answer reports which was read to its end, and not relayed.
func (a *Answer) Meter(body []byte) {
	if o, err := rawjson.Parse(body); err == nil {
		a.recordUsage(o.Get("usage"))
	}
}

// judge notes a failure that Azure reports in a 200. What is looked up may have failed, without the look-up failing.
func (a *Answer) judge(o *rawjson.Object) {
	if a.call.Method == http.MethodPost && hasError(o) {
		a.record.Err, a.record.Code = errFailed, codeIn(o.Bytes())
	}
}

// copyHeader copies the header to w's.
func (a *Answer) copyHeader(w http.ResponseWriter) http.Header {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	return h
}

func sent(err error) error {
	if err != nil {
		return ErrBroken
	}
	return nil
}

// recordUsage notes the tokens that an answer reports.
func (a *Answer) recordUsage(reported json.RawMessage) {
	n, err := rawjson.ParseTree(reported)
	if err != nil {
		return // there is none
	}
	if u, ok := usage.Of(n); ok {
		a.record.Usage = telemetry.Usage{Known: true, Input: u.Input, CachedInput: u.CachedInput, Output: u.Output}
	}
}

// tail keeps the last bytes written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailLimit {
		t.b = append(t.b[:0], t.b[len(t.b)-tailLimit:]...)
	}
	return len(p), nil
}

// lastMember returns the value of the last member of that name.
func (t *tail) lastMember(name string) json.RawMessage {
	name = `"` + name + `"`
	i := bytes.LastIndex(t.b, []byte(name))
	if i < 0 {
		return nil
	}
	_, value, found := bytes.Cut(t.b[i+len(name):], []byte(":"))
	var raw json.RawMessage
	if !found || json.NewDecoder(bytes.NewReader(value)).Decode(&raw) != nil {
		return nil
	}
	return raw
}
