package online

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
	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/telemetry"
)

// Caller answers requests by online calls. Its fields are not changed once it is used; Run may be called concurrently.
type Caller struct {
	Store *bucket.Bucket
	Azure *azure.Client
	Env   config.Batch
	Call  time.Duration // the longest that a call may take
	Temp  string        // a directory for answers; "" is the system's
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// Requests are those of a try.
type Requests struct {
	Try     job.Try
	Part    *job.Part
	Limits  *job.Limits
	Lines   int
	Patient bool        // a 429 is waited for; otherwise it is an answer
	Purse   *cost.Purse // what the calls may spend; nil is any
}

// Outcome is what a run has come to.
type Outcome struct {
	Complete bool          // every request has been answered
	Answered int           // requests, those of earlier runs included
	Added    int           // of them, by this run
	Pause    time.Duration // how long Azure wants to be left alone before the next run
	Withheld *job.Failure  // why requests without an answer are not to be sent
}

// Run calls until every request has been answered, or the time is over. Each answer is recorded as soon as it can be, so
// that the next run goes on where one ends that is killed or out of time. The outcome holds beside an error, too.
func (c *Caller) Run(ctx context.Context, q Requests) (Outcome, error) {
	got, err := jsonl.NewAnswers(c.Temp)
	if err != nil {
		return Outcome{}, err
	}
	defer got.Close()
	segments, err := ReadSegments(ctx, c.Store, q.Try, got)
	if err != nil {
		return Outcome{}, err
	}
	end, err := beginRun(ctx, c.Store, q.Try, job.Run{AtOnce: min(c.Env.OnlineConcurrency, q.Lines-got.Len()), BegunAt: c.Now().UTC()})
	if err != nil {
		return Outcome{}, err
	}
	if q.Purse != nil {
		q.Purse.Resume(got.All())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &runner{
		Caller: c, Requests: q, cancel: cancel, answered: got, requests: make(chan jsonl.Request), room: semaphore.NewWeighted(maxUnderWay),
		end: c.lastCall(ctx), record: telemetry.From(ctx),
		segments: newSegmentWriter(ctx, c.Store, q.Try, segments, cancel), // what cannot be recorded would be paid for again: no more calls then
	}
	complete, err := r.run(ctx)
	if !r.cut && r.segments.err == nil { // otherwise calls may have been answered that are made again
		err = errors.Join(err, end(context.WithoutCancel(ctx)))
	}
	return Outcome{Complete: complete, Answered: got.Len() + r.segments.added, Added: r.segments.added, Pause: r.pause, Withheld: r.withheld}, err
}

// recordingTime is kept of a task's time to record the last answers.
const recordingTime = 30 * time.Second

// lastCall is when the last call may begin: one that Lambda's end would cut off may be paid for in vain.
func (c *Caller) lastCall(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return c.Now().Add(24 * time.Hour)
	}
	left := deadline.Sub(c.Now())
	return deadline.Add(-min(c.Call+recordingTime, left*3/4))
}

// maxUnderWay bounds the requests that are held at once, in bytes: one may have 64 MiB.
const maxUnderWay = 256 << 20

// runner answers the lines of a part, several at once.
type runner struct {
	*Caller
	Requests
	cancel   context.CancelCauseFunc
	answered *jsonl.Answers // by earlier runs
	requests chan jsonl.Request
	room     *semaphore.Weighted // of maxUnderWay
	end      time.Time           // no call begins later
	segments *segmentWriter
	record   *telemetry.Call // of the task; calls at the same time have their own

	mu       sync.Mutex    // guards what follows, and the record
	until    time.Time     // Azure wants to be left alone so long
	pause    time.Duration // what was left of that when the time was over
	left     bool          // lines are left for the next run
	cut      bool          // calls were cut off by the end of the run
	withheld *job.Failure  // why no further call begins
}

// run reports whether every line has been answered.
func (r *runner) run(ctx context.Context) (complete bool, err error) {
	var callers sync.WaitGroup
	for range r.Env.OnlineConcurrency {
		callers.Go(func() {
			for q := range r.requests {
				r.answerWithin(ctx, q)
				r.room.Release(int64(len(q.Body.Bytes())))
			}
		})
	}
	fed := r.feed(ctx)
	close(r.requests)
	callers.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, context.Canceled) {
		return false, cause
	}
	return !r.left, errors.Join(fed, r.segments.err)
}

// feed reads the part's requests.
func (r *runner) feed(ctx context.Context) error {
	key := r.Try.RequestsKey()
	source := r.Store.Open(ctx, key)
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
		if r.Now().After(r.end) {
			r.leaveRest(0)
			return nil
		}
		if r.refused() != nil {
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

// refused is why no further call begins, nil if calls may.
func (r *runner) refused() *job.Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.withheld
}

// answerWithin has a request answered if the purse allows it.
func (r *runner) answerWithin(ctx context.Context, q jsonl.Request) {
	if r.Purse == nil {
		r.answer(ctx, q)
		return
	}
	body, _ := rawjson.ParseTree(q.Body.Bytes()) // which was JSON before
	taken, refused, err := r.Purse.Take(ctx, body, len(q.Body.Bytes()))
	if err != nil {
		r.leaveRest(0)
		r.cancel(err)
		return
	}
	if refused != nil {
		r.mu.Lock()
		r.withheld = refused
		r.mu.Unlock()
		return
	}
	r.Purse.Spend(taken, jsonl.AnswerOf(r.answer(ctx, q)))
}

// answer calls until there is an answer to record, which it returns, or no time left.
func (r *runner) answer(ctx context.Context, q jsonl.Request) []byte {
	for {
		r.mu.Lock()
		until := r.until
		r.mu.Unlock()
		now := r.Now()
		switch {
		case ctx.Err() != nil || now.After(r.end):
			r.leaveRest(0)
			return nil
		case until.After(r.end):
			r.leaveRest(until.Sub(now))
			return nil
		case until.After(now):
			if r.Sleep(ctx, until.Sub(now)) != nil {
				r.leaveRest(0)
				return nil
			}
			continue
		}
		response, after, err := r.ask(ctx, q)
		switch {
		case err != nil:
			r.leaveRest(0)
			r.cancel(err)
			return nil
		case response == nil:
			r.leaveRest(0)
			return nil
		case after > 0 && r.Patient:
			r.mu.Lock()
			if until := r.Now().Add(after); until.After(r.until) {
				r.until = until
			}
			r.mu.Unlock()
			continue
		}
		r.segments.add(q.Number, response)
		return response
	}
}

// ask makes one call. It returns the response as a batch's output file has it, nil where the run was
// over before it came; after is set where Azure wants to be asked later. An error is one of
// configuration, that no line deserves.
func (r *runner) ask(ctx context.Context, q jsonl.Request) (response []byte, after time.Duration, err error) {
	call, cancel := context.WithTimeout(ctx, r.Call)
	defer cancel()
	body, header, status, failed := r.exchange(call, q)
	if failed != nil {
		e := openaierr.From(failed)
		switch {
		case ctx.Err() != nil:
			r.mu.Lock()
			r.cut = true
			r.mu.Unlock()
			return nil, 0, nil
		case e.Type == openaierr.TypeUpstreamAuth, e.Code == "configuration_error":
			return nil, 0, failed
		case e.Status == http.StatusTooManyRequests:
			after = max(time.Second, azure.RetryAfter(e.Header, r.Now()))
		}
		body, header, status = e.JSON(), e.Header, e.Status
	}
	return jsonl.Response(status, cmp.Or(header.Get("Apim-Request-Id"), header.Get("X-Request-Id")), body), after, nil
}

func (r *runner) exchange(ctx context.Context, q jsonl.Request) (body []byte, header http.Header, status int, err error) {
	part := r.Part
	tree, _ := rawjson.ParseTree(q.Body.Bytes()) // which was JSON before
	call := &azure.Call{
		Method: http.MethodPost, Path: part.Endpoint, Name: part.Model, Permit: r.Limits.Permits().Target,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Begins: true, // what may have been charged is a try of the line, of which it has some
		Tier:   routing.TierOf(tree.Get("service_tier").Text()), State: azure.StateIn(tree), Body: q.BodyFor,
	}
	if version := r.Env.APIVersion; version != "" {
		call.Dated, call.InPath = true, part.Endpoint != jsonl.Responses
		call.Query = url.Values{"api-version": {version}}.Encode()
	}
	ctx, branch := telemetry.Branch(ctx)
	defer r.join(branch)
	answer, err := r.Azure.Do(ctx, call)
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
