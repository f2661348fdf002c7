package azureopenai

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// lineWorker executes the lines of one batch, one after the other, through the handlers of online calls.
type lineWorker struct {
	job     *job
	request *http.Request
	line    []byte
	answer  lineAnswer
	out     bytes.Buffer
}

func newLineWorker(j *job) *lineWorker {
	return &lineWorker{job: j, request: j.request(), answer: lineAnswer{header: make(http.Header)}}
}

// inputLine is a line of a batch's input.
type inputLine struct {
	CustomID json.RawMessage `json:"custom_id"` // a string, as it was written
	Body     json.RawMessage `json:"body"`
}

// lineAnswer takes the answer to a line.
type lineAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *lineAnswer) Header() http.Header         { return a.header }
func (a *lineAnswer) WriteHeader(status int)      { a.status = status }
func (a *lineAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *lineAnswer) reset() {
	clear(a.header)
	a.status = 0
	a.body.Reset()
}

// readLine reads the n-th line of the input, counting from 0.
func (w *lineWorker) readLine(n int) (l inputLine, err error) {
	at := w.job.survey.lines[n]
	if cap(w.line) < at.length {
		w.line = make([]byte, at.length)
	}
	w.line = w.line[:at.length]
	if _, err := w.job.input.ReadAt(w.line, at.offset); err != nil {
		return l, err
	}
	return l, json.Unmarshal(w.line, &l)
}

// runLine executes a line and writes its result. An error means that the line was not executed.
func (w *lineWorker) runLine(n int) error {
	l, err := w.readLine(n)
	if err != nil {
		return err
	}
	if err := w.execute(l.Body, n); err != nil {
		return err
	}
	j := w.job
	var id string
	_ = json.Unmarshal(l.CustomID, &id) // it was looked at before
	line := digest(l.Body)
	ok := w.answer.status/100 == 2
	j.server.executions.countExecuted(j.id, id, line, ok)
	w.beginResult(&l)
	w.out.WriteString(`,"response":{"body":`)
	_ = json.Compact(&w.out, w.answer.body.Bytes()) // it is valid, but a literal answer may have several lines
	w.out.WriteString(`,"request_id":` + quote(w.answer.header.Get("X-Request-Id")) + `,"status_code":` + itoa(w.answer.status) + "},\"error\":null}\n")
	if f, drop := j.fault("drop-lines"); !drop || !j.strikesLine(f, n) {
		if err := j.results.write(w.out.Bytes(), ok, line); err != nil {
			return err
		}
	}
	j.server.batches.update(j, func(o *batchObject) {
		if ok {
			o.RequestCounts.Completed++
		} else {
			o.RequestCounts.Failed++
		}
	})
	return nil
}

// writeLineError writes the result of a line that was not executed.
func (w *lineWorker) writeLineError(n int, code, message string) error {
	l, err := w.readLine(n)
	if err != nil {
		return err
	}
	w.beginResult(&l)
	w.out.WriteString(`,"response":null,"error":{"code":` + quote(code) + `,"message":` + quote(message) + "}}\n")
	w.job.server.batches.update(w.job, func(o *batchObject) { o.RequestCounts.Failed++ })
	return w.job.results.write(w.out.Bytes(), false, bodyDigest{})
}

// beginResult begins a line of a results file.
func (w *lineWorker) beginResult(l *inputLine) {
	w.out.Reset()
	w.out.WriteString(`{"custom_id":`)
	w.out.Write(l.CustomID)
}

// execute answers a body as the online API would, were the deployment an online one.
func (w *lineWorker) execute(body []byte, n int) (err error) {
	j := w.job
	w.answer.reset()
	x := &exchange{server: j.server, w: &w.answer, r: w.request, start: j.server.options.Now(), body: body,
		route:      route{family: familyV1, operation: j.survey.operation, apiVersion: "v1"},
		deployment: j.survey.deployment, record: Request{Deployment: j.survey.deployment.Name}}
	x.setHeaders()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
		if err = context.Cause(j.ctx); err == nil && !json.Valid(w.answer.body.Bytes()) { // a fault broke the answer off
			w.answer.body.Reset()
			x.fault = fault{}
			x.fail(serverError(w.answer.header.Get("X-Request-Id")))
		}
	}()
	if f, ok := j.fault("fail-lines"); ok && j.strikesLine(f, n) {
		x.fault = fault{kind: "status", status: f.status, after: -1}
		if f.status == 0 {
			x.fault.status = http.StatusTooManyRequests
		}
		x.fail(x.faultStatus())
		return nil
	}
	x.fail(x.answer())
	return nil
}

// strikesLine decides whether a fault strikes a line: the same in every run, and differently in every batch.
func (j *job) strikesLine(f fault, n int) bool {
	percent := f.percent
	if percent == 0 {
		percent = 100
	}
	return int(mixBits(hash64(f.kind)+uint64(j.number)<<32+uint64(n))%100) < percent
}
