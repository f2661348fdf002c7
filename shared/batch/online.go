package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/telemetry"
)

// maxStalls is how many waits in a row may pass without an answer, about a day, until 429 is the answer.
const maxStalls = 90

// callOnline has a part answered by online calls, some at once. Each answer is recorded as soon as it can be,
// so that the next run goes on where one ends that is killed or out of time.
func (w *work) callOnline(ctx context.Context) (*job.Step, error) {
	got, err := jsonl.NewAnswers(w.service.temp)
	if err != nil {
		return nil, err
	}
	defer got.Close()
	segments, err := readSegments(ctx, w.service.store, w.try, got)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &runner{
		work: w, cancel: cancel, answered: got, requests: make(chan jsonl.Request), room: semaphore.NewWeighted(maxUnderWay),
		patient: w.step.Waits < maxStalls, end: w.lastCall(ctx), record: telemetry.From(ctx),
		segments: newSegmentWriter(ctx, w.service.store, w.try, segments, cancel), // what cannot be recorded would be paid for again: no more calls then
	}
	complete, err := r.run(ctx)
	w.state.Counts = azurebatch.Counts{Total: w.state.Lines, Completed: got.Len() + r.segments.added} // with those that failed
	if complete && err == nil {
		w.state.Status = job.StateEnded
	}
	if err := errors.Join(err, w.save(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	switch {
	case complete:
		return w.step.Next(job.StepEnded), nil
	case r.segments.added > 0 && r.pause == 0:
		return w.step.Next(job.StepWorking), nil
	}
	step := w.step
	if r.segments.added > 0 {
		step.Waits = 0
	}
	next := step.Later(job.StepWorking)
	if r.pause > 0 {
		next.Wait = int(r.pause/time.Second) + 1
	}
	return next, nil
}

// recordingTime is kept of a task's time to record the last answers.
const recordingTime = 30 * time.Second

// lastCall is when the last call may begin: one that Lambda's end would cut off may be paid for in vain.
func (w *work) lastCall(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return w.service.now().Add(24 * time.Hour)
	}
	left := deadline.Sub(w.service.now())
	return deadline.Add(-min(w.service.call+recordingTime, left*3/4))
}

// maxUnderWay bounds the requests that are held at once, in bytes: one may have 64 MiB.
const maxUnderWay = 256 << 20

// runner answers the lines of a part, several at once.
type runner struct {
	work     *work
	cancel   context.CancelCauseFunc
	answered *jsonl.Answers // by earlier runs
	requests chan jsonl.Request
	room     *semaphore.Weighted // of maxUnderWay
	patient  bool                // 429 is waited for
	end      time.Time           // no call begins later
	segments *segmentWriter
	record   *telemetry.Call // of the task; calls at the same time have their own

	mu    sync.Mutex    // guards what follows, and the record
	until time.Time     // Azure wants to be left alone so long
	pause time.Duration // what was left of that when the time was over
	left  bool          // lines are left for the next run
}

// run reports whether every line has been answered.
func (r *runner) run(ctx context.Context) (complete bool, err error) {
	var callers sync.WaitGroup
	for range r.work.service.env.OnlineConcurrency {
		callers.Go(func() {
			for q := range r.requests {
				r.answer(ctx, q)
				r.room.Release(int64(len(q.Body.Bytes())))
			}
		})
	}
	fed := r.feed(ctx)
	close(r.requests)
	callers.Wait()
	recorded := r.segments.close()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, context.Canceled) {
		return false, cause
	}
	return !r.left, errors.Join(fed, recorded)
}

// feed reads the part's requests.
func (r *runner) feed(ctx context.Context) error {
	key := r.work.try.RequestsKey()
	source := r.work.service.store.Open(ctx, key)
	defer source.Close()
	lines := jsonl.NewAnswerScanner(source)
	for lines.Next() {
		q, err := jsonl.ReadRequest(lines.Text)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", key, lines.Number, err)
		}
		if _, answered := r.answered.Find(q.Number); answered {
			continue
		}
		if r.work.service.now().After(r.end) {
			r.leaveRest(0)
			return nil
		}
		if r.room.Acquire(ctx, int64(len(q.Body.Bytes()))) != nil {
			r.leaveRest(0)
			return nil
		}
		r.requests <- q
	}
	return lines.Err
}

// leaveRest leaves lines to the next run, which begins after a pause.
func (r *runner) leaveRest(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.pause = true, max(r.pause, pause)
}

// answer calls until there is an answer to record, or no time left.
func (r *runner) answer(ctx context.Context, q jsonl.Request) {
	for {
		r.mu.Lock()
		until := r.until
		r.mu.Unlock()
		now := r.work.service.now()
		switch {
		case ctx.Err() != nil || now.After(r.end):
			r.leaveRest(0)
			return
		case until.After(r.end):
			r.leaveRest(until.Sub(now))
			return
		case until.After(now):
			if r.work.service.sleep(ctx, until.Sub(now)) != nil {
				r.leaveRest(0)
				return
			}
			continue
		}
		response, after, err := r.ask(ctx, q)
		switch {
		case err != nil:
			r.leaveRest(0)
			r.cancel(err)
			return
		case response == nil:
			r.leaveRest(0)
			return
		case after > 0 && r.patient:
			r.mu.Lock()
			if until := r.work.service.now().Add(after); until.After(r.until) {
				r.until = until
			}
			r.mu.Unlock()
			continue
		}
		r.segments.add(q.Number, response)
		return
	}
}

// ask makes one call. It returns the response as a batch's output file has it, nil where the run was
// over before it came; after is set where Azure wants to be asked later. An error is one of
// configuration, that no line deserves.
func (r *runner) ask(ctx context.Context, q jsonl.Request) (response []byte, after time.Duration, err error) {
	call, cancel := context.WithTimeout(ctx, r.work.service.call)
	defer cancel()
	body, header, status, failed := r.exchange(call, q)
	if failed != nil {
		e := openaierr.From(failed)
		switch {
		case ctx.Err() != nil:
			return nil, 0, nil
		case e.Type == openaierr.TypeUpstreamAuth, e.Code == "configuration_error":
			return nil, 0, failed
		case e.Status == http.StatusTooManyRequests:
			after = max(time.Second, azure.RetryAfter(e.Header, r.work.service.now()))
		}
		body, header, status = e.JSON(), e.Header, e.Status
	}
	return jsonl.Response(status, cmp.Or(header.Get("Apim-Request-Id"), header.Get("X-Request-Id")), body), after, nil
}

func (r *runner) exchange(ctx context.Context, q jsonl.Request) (body []byte, header http.Header, status int, err error) {
	part := r.work.part
	tree, _ := rawjson.ParseTree(q.Body.Bytes()) // which was JSON before
	call := &azure.Call{
		Method: http.MethodPost, Path: part.Endpoint, Name: part.Model, Permit: r.work.job.Limits.Permits().Target,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Begins: true, // what may have been charged is a try of the line, of which it has some
		Tier:   routing.TierOf(tree.Get("service_tier").Text()), State: azure.StateIn(tree), Body: q.BodyFor,
	}
	if version := r.work.service.env.APIVersion; version != "" {
		call.Dated, call.InPath = true, part.Endpoint != jsonl.Responses
		call.Query = url.Values{"api-version": {version}}.Encode()
	}
	ctx, branch := telemetry.Branch(ctx)
	defer r.join(branch)
	answer, err := r.work.service.azure.Do(ctx, call)
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

// join adds what a call upstream learned to the task's record.
func (r *runner) join(branch *telemetry.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Join(branch)
}
