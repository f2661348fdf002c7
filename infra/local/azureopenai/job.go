package azureopenai

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

// job is a batch at work. One goroutine takes it through its states, line after line, so that the same
// input always ends the same way.
type job struct {
	server     *Server
	id         string
	number     int // counts from 1; seeds what looks random
	made       time.Time
	endpoint   string // as it was asked for
	input      *os.File
	size       int64
	faults     []fault
	outputLife time.Duration
	ctx        context.Context // ends with a cancellation, or with the server
	stop       context.CancelCauseFunc

	survey  *survey // nil until the input was looked at
	results *results

	object     batchObject // guarded by batchStore.mu, as are these two
	reserved   int64
	reservedAt string
}

var (
	errExpired = errors.New("expired")
	errInvalid = errors.New("the input is invalid")
)

// run takes the batch from validating to its end.
func (j *job) run() {
	defer j.input.Close()
	err := j.process()
	status := "completed"
	switch {
	case context.Cause(j.ctx) == errClosed: // no one is left to read it
		j.results.discard()
		return
	case errors.Is(err, errExpired):
		status = "expired"
	case errors.Is(err, errInvalid):
		status = "failed"
	case context.Cause(j.ctx) == errCancelled:
		status = "cancelled"
		j.pauseCancelling()
	case err != nil: // the disk is full
		status = "failed"
		j.server.batches.update(j, func(o *batchObject) {
			o.Errors = &batchErrors{"list", []batchError{{Code: "internal_error", Message: err.Error()}}}
		})
	}
	j.storeResults()
	j.survey, j.results = nil, nil // the batch itself stays for good
	j.server.batches.release(j)
	j.server.batches.update(j, func(o *batchObject) { o.setStatus(status, j.server.options.Now()) })
}

// process does the work; its error says why it ended early.
func (j *job) process() error {
	if err := j.pauseIn("validating", j.server.pace.Load().Validating); err != nil {
		return err
	}
	if err := j.validate(); err != nil {
		return err
	}
	var err error
	if j.results, err = j.newResults(); err != nil {
		return err
	}
	if !j.advance("in_progress", func(o *batchObject) {
		o.RequestCounts.Total = len(j.survey.lines)
		if _, early := j.fault("late-output"); early {
			o.OutputFileID, o.ErrorFileID = j.results.output.id, j.results.errors.id
		}
	}) {
		return errCancelled
	}
	if err := j.pauseIn("in_progress", 0); err != nil {
		return err
	}
	if err := j.execute(); err != nil {
		return err
	}
	if !j.advance("finalizing", func(*batchObject) {}) {
		return errCancelled
	}
	return j.pauseIn("finalizing", j.server.pace.Load().Finalizing)
}

// validate looks at the input and takes its tokens from the quota, unless that was done at creation.
func (j *job) validate() (err error) {
	if j.survey == nil {
		if j.survey, err = j.surveyInput(); err != nil {
			return err
		}
	}
	v := j.survey
	if f, ok := j.fault("fail"); ok {
		code := f.code
		if code == "" {
			code = "invalid_request"
		}
		v.errors = append(v.errors, batchError{Code: code, Message: batchMessages[code]})
	}
	if len(v.errors) == 0 {
		_, forced := j.fault("token-limit")
		full := v.deployment.Capacity > 0 && j.reserved == 0 && !j.server.batches.reserve(j, v.deployment, v.tokens)
		if forced || full {
			v.errors = []batchError{{Code: "token_limit_exceeded", Message: tokenLimitMessage(v.deployment)}}
		}
	}
	if len(v.errors) > 0 {
		j.server.batches.update(j, func(o *batchObject) { o.Errors = &batchErrors{"list", v.errors} })
		return errInvalid
	}
	return nil
}

func (j *job) surveyInput() (*survey, error) {
	return j.server.surveyInput(j.input, j.size, j.endpoint)
}

// execute answers the lines in an order that is not the input's.
func (j *job) execute() error {
	order := rand.New(rand.NewPCG(uint64(j.number), 0)).Perm(len(j.survey.lines))
	last := len(order)
	expire, expires := j.fault("expire")
	if expires {
		last /= 2
		if expire.after >= 0 {
			last = min(expire.after, len(order))
		}
	}
	w := newLineWorker(j)
	done, err := j.executeAll(w, order[:last])
	switch {
	case context.Cause(j.ctx) == errCancelled:
		return errors.Join(err, j.writeLineErrors(w, order[done:], "batch_cancelled", "This request was not executed because the batch was cancelled."))
	case err == nil && expires:
		return errors.Join(errExpired, j.writeLineErrors(w, order[done:], "batch_expired", "This request could not be executed before the completion window expired."))
	}
	return err
}

// executeAll also says how many lines it came to execute.
func (j *job) executeAll(w *lineWorker, lines []int) (done int, err error) {
	var owed time.Duration // timers are not worth their cost line by line
	for i, n := range lines {
		if err := w.runLine(n); err != nil {
			return i, err
		}
		owed += j.server.pace.Load().PerLine
		if owed >= 20*time.Millisecond || i == len(lines)-1 {
			if err := j.wait(owed); err != nil {
				return i + 1, err
			}
			owed = 0
		}
	}
	return len(lines), nil
}

// writeLineErrors gives lines that were not executed a line in the error file. So does OpenAI; whether Azure does
// is unverified.
func (j *job) writeLineErrors(w *lineWorker, rest []int, code, message string) error {
	if _, silent := j.fault("no-rows"); silent {
		return nil
	}
	for _, n := range rest {
		if err := w.writeLineError(n, code, message); err != nil {
			return err
		}
	}
	return nil
}

// storeResults makes files of the results, if there was a beginning.
func (j *job) storeResults() {
	if j.results == nil {
		return
	}
	outputID, errorID := j.results.storeFiles(j)
	j.server.batches.update(j, func(o *batchObject) { o.OutputFileID, o.ErrorFileID = outputID, errorID })
}

// advance enters a state unless the batch was stopped.
func (j *job) advance(status string, alter func(*batchObject)) bool {
	ok := false
	j.server.batches.update(j, func(o *batchObject) {
		if j.ctx.Err() == nil {
			ok = true
			alter(o)
			o.setStatus(status, j.server.options.Now())
		}
	})
	return ok
}

// fault returns the misbehaviour of that kind, if the batch was created with it.
func (j *job) fault(kind string) (fault, bool) {
	for _, f := range j.faults {
		if f.kind == kind {
			return f, true
		}
	}
	return fault{}, false
}

// pauseIn waits for as long as a state lasts.
func (j *job) pauseIn(status string, d time.Duration) error {
	if f, ok := j.fault("stall"); ok && (f.state == status || f.state == "" && status == "validating") {
		select {
		case <-j.server.faults.untilReset():
		case <-j.ctx.Done():
		}
	}
	return j.wait(d)
}

// pauseCancelling waits as pause does, though the batch was stopped.
func (j *job) pauseCancelling() {
	select {
	case <-j.server.options.After(j.server.pace.Load().Cancelling):
	case <-j.server.done:
	}
}

// wait ends early, with an error, when the batch is stopped.
func (j *job) wait(d time.Duration) error {
	if d > 0 {
		select {
		case <-j.server.options.After(d):
		case <-j.ctx.Done():
		}
	}
	return context.Cause(j.ctx)
}

// request is what every line of the batch is sent as.
func (j *job) request() *http.Request {
	r, err := http.NewRequestWithContext(j.ctx, "POST", "http://batch/openai/v1/"+j.survey.operation.path, nil)
	if err != nil {
		panic(err) // the paths are ours
	}
	r.RequestURI = r.URL.Path
	return r
}
