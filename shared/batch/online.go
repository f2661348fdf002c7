package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/telemetry"
)

// maxStalls is how many waits in a row may pass without an answer, about a day, until 429 is the answer.
const maxStalls = 90

// run has a part answered by online calls, some at once. Each answer is recorded as soon as it can be,
// so that a run that is killed or out of time is gone on with by the next.
func (w *work) run(ctx context.Context) (*Step, error) {
	done := map[int]bool{}
	got, err := newAnswers(w.temp)
	if err != nil {
		return nil, err
	}
	defer got.close()
	segments, err := w.fetchSegments(ctx, got)
	if err != nil {
		return nil, err
	}
	for number := range got.at {
		done[number] = true
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &runner{
		work: w, ctx: ctx, cancel: cancel, done: done, requests: make(chan request),
		patient: w.step.Waits < maxStalls, end: w.lastCall(ctx), record: telemetry.From(ctx),
		recorder: newRecorder(ctx, w, segments, cancel), // what cannot be recorded would be paid for again: no more calls then
	}
	complete, err := r.run()
	w.state.Counts = azurebatch.Counts{Total: w.state.Lines, Completed: len(done) + r.recorder.recorded} // with those that failed
	if complete && err == nil {
		w.state.Status = stateEnded
	}
	if err := errors.Join(err, w.save(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	switch {
	case complete:
		return w.step.now(stepEnded), nil
	case r.recorder.recorded > 0 && r.pause == 0:
		return w.step.now(stepWorking), nil
	}
	step := w.step
	if r.recorder.recorded > 0 {
		step.Waits = 0
	}
	next := step.wait(stepWorking)
	if r.pause > 0 {
		next.Wait = int(r.pause/time.Second) + 1
	}
	return next, nil
}

// lastCall is when the last call may begin: one that Lambda's end would cut off may be paid for in vain.
func (w *work) lastCall(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return w.now().Add(24 * time.Hour)
	}
	left := deadline.Sub(w.now())
	return deadline.Add(-min(w.call+closingTime/2, left*3/4))
}

// fetchSegments reads what the runs have recorded, and says in how many objects.
func (w *work) fetchSegments(ctx context.Context, got *answers) (n int, err error) {
	var keys []string
	if err := w.store.List(ctx, w.key(runPrefix), "", func(o bucket.Object) bool {
		keys = append(keys, o.Key)
		return true
	}); err != nil {
		return 0, err
	}
	for _, key := range keys {
		source := w.store.Open(ctx, key)
		err := got.read(source)
		source.Close()
		if err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// request is a line on its way to Azure.
type request struct {
	number int
	body   *rawjson.Object
}

type runner struct {
	*work
	ctx      context.Context
	cancel   context.CancelCauseFunc
	done     map[int]bool
	requests chan request
	patient  bool      // 429 is waited for
	end      time.Time // no call begins later
	recorder *recorder
	record   *telemetry.Call // of the task; calls at the same time have their own

	mu    sync.Mutex    // guards what follows, and the record
	until time.Time     // Azure wants to be left alone so long
	pause time.Duration // what was left of that when the time was over
	left  bool          // lines are left for the next run
}

// run is true where every line has been answered.
func (r *runner) run() (complete bool, err error) {
	var callers sync.WaitGroup
	for range r.env.OnlineConcurrency {
		callers.Go(func() {
			for q := range r.requests {
				r.answer(q)
			}
		})
	}
	fed := r.feed()
	close(r.requests)
	callers.Wait()
	recorded := r.recorder.close()
	if cause := context.Cause(r.ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, context.Canceled) {
		return false, cause
	}
	return !r.left, errors.Join(fed, recorded)
}

// feed reads the part's requests.
func (r *runner) feed() error {
	source := r.store.Open(r.ctx, r.key(requestsName))
	defer source.Close()
	lines := newAnswerScanner(source)
	for lines.next() {
		o, err := rawjson.Parse(bytes.Clone(lines.text))
		if err == nil {
			o, err = rawjson.Parse(o.Get("body"))
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", r.key(requestsName), lines.number, err)
		}
		q := request{number: requestNumber(lines.text), body: o}
		if r.done[q.number] {
			continue
		}
		if r.now().After(r.end) {
			r.leave(0)
			return nil
		}
		select {
		case r.requests <- q:
		case <-r.ctx.Done():
			r.leave(0)
			return nil
		}
	}
	return lines.err
}

// leave leaves lines to the next run, which begins after a pause.
func (r *runner) leave(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.pause = true, max(r.pause, pause)
}

// answer calls until there is an answer to record, or no time left.
func (r *runner) answer(q request) {
	for {
		r.mu.Lock()
		until := r.until
		r.mu.Unlock()
		now := r.now()
		switch {
		case r.ctx.Err() != nil || now.After(r.end):
			r.leave(0)
			return
		case until.After(r.end):
			r.leave(until.Sub(now))
			return
		case until.After(now):
			if r.sleep(r.ctx, until.Sub(now)) != nil {
				r.leave(0)
				return
			}
			continue
		}
		response, after, err := r.ask(q)
		switch {
		case err != nil:
			r.leave(0)
			r.cancel(err)
			return
		case response == nil:
			r.leave(0)
			return
		case after > 0 && r.patient:
			r.mu.Lock()
			if until := r.now().Add(after); until.After(r.until) {
				r.until = until
			}
			r.mu.Unlock()
			continue
		}
		r.recorder.add(q.number, response)
		return
	}
}

// ask makes one call. It returns the response as a batch's output file has it, nil where the run was
// over before it came; after is set where Azure wants to be asked later. An error is one of
// configuration, that no line deserves.
func (r *runner) ask(q request) (response []byte, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.call)
	defer cancel()
	body, header, status, failed := r.exchange(ctx, q)
	if failed != nil {
		e := openaierr.From(failed)
		switch {
		case r.ctx.Err() != nil:
			return nil, 0, nil
		case e.Type == openaierr.TypeUpstreamAuth, e.Code == "configuration_error":
			return nil, 0, failed
		case e.Status == http.StatusTooManyRequests:
			after = max(time.Second, azure.RetryAfter(e.Header, r.now()))
		}
		body, header, status = e.JSON(), e.Header, e.Status
	}
	id := header.Get("Apim-Request-Id")
	if id == "" {
		id = header.Get("X-Request-Id")
	}
	return responseJSON(status, id, body), after, nil
}

func (r *runner) exchange(ctx context.Context, q request) (body []byte, header http.Header, status int, err error) {
	call := &azure.Call{
		Method: http.MethodPost, Path: r.part.Endpoint, Name: r.part.Model, Permit: r.job.Limits.permits().Target,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Begins: true, // what may have been charged is a try of the line, of which it has some
		Tier:   tierOf(q.body),
		Body: func(deployment string) rawjson.Pieces {
			if deployment == r.part.Model {
				return q.body.With()
			}
			name, _ := json.Marshal(deployment) // a string always marshals
			return q.body.With(rawjson.Edit{Key: "model", Value: name})
		},
	}
	if version := r.env.APIVersion; version != "" {
		call.Dated, call.InPath = true, r.part.Endpoint != responses
		call.Query = url.Values{"api-version": {version}}.Encode()
	}
	ctx, branch := telemetry.Branch(ctx)
	defer r.join(branch)
	answer, err := r.azure.Do(ctx, call)
	if err != nil {
		return nil, nil, 0, err
	}
	defer answer.Close()
	body, err = io.ReadAll(answer.Body())
	if err == nil && !json.Valid(body) {
		err = &openaierr.Error{
			Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_invalid_response",
			Message: fmt.Sprintf("Azure OpenAI answered with %d bytes that are not JSON.", len(body)),
		}
	}
	answer.Meter(body)
	return body, answer.Header, answer.Status, err
}

// tierOf returns the service tier that a line asks for.
func tierOf(body *rawjson.Object) routing.Tier {
	var name string
	if json.Unmarshal(body.Get("service_tier"), &name) != nil {
		return ""
	}
	return routing.TierOf(name)
}

// join adds what a call upstream learned to the task's record.
func (r *runner) join(branch *telemetry.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Join(branch)
}

// responseJSON is a response as a batch's output file has it, on one line.
func responseJSON(status int, id string, body []byte) []byte {
	var b bytes.Buffer
	requestID, _ := json.Marshal(id) // a string always marshals
	fmt.Fprintf(&b, `{"status_code":%d,"request_id":%s,"body":`, status, requestID)
	_ = json.Compact(&b, body) // it is valid
	b.WriteByte('}')
	return b.Bytes()
}
