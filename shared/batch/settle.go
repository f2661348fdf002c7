package batch

import (
	"context"
	"errors"
	"fmt"

	"aoai-bridge/shared/bucket"
)

// settle writes the results of a try in the file's order, and the next try's requests if there is to be one.
func (w *work) settle(ctx context.Context, got *answers, u *unanswered) (*Tried, error) {
	t := &settling{work: w, ctx: ctx, got: got, u: u, tried: &Tried{Mode: w.state.Mode, Reasons: map[string]int{}, Torn: got.torn}}
	if err := t.run(); err != nil {
		return nil, err
	}
	return t.tried, w.store.Put(ctx, w.key(triedName), t.tried)
}

type settling struct {
	*work
	ctx     context.Context
	got     *answers
	u       *unanswered
	tried   *Tried
	results *bucket.Writer
	lines   *bucket.Writer // of the next try
	again   []int
	buffer  []byte
}

func (t *settling) run() error {
	t.results = t.store.Create(t.ctx, t.key(resultsName), nil)
	defer t.results.Abandon()
	t.lines = t.store.Create(t.ctx, t.next().key(linesName), nil)
	defer t.lines.Abandon()
	source := t.store.Open(t.ctx, t.key(linesName))
	defer source.Close()
	lines := newAnswerScanner(source)
	for lines.next() {
		if err := t.line(lines.number, lines.text); err != nil {
			return err
		}
	}
	if lines.err != nil {
		return lines.err
	}
	if err := t.results.Commit(); err != nil || len(t.again) == 0 {
		return err
	}
	return t.prepareNext()
}

// line settles one line, the n-th of the file.
func (t *settling) line(n int, text []byte) error {
	number, customID, err := cutNumber(text)
	if err != nil {
		return fmt.Errorf("%s: line %d: %w", t.key(linesName), n, err)
	}
	t.tried.Lines++
	got, answered := t.got.at[number]
	failure, final, again := t.u.Failure, t.u.final, got.again
	if refused, ok := t.u.lines[n]; ok && !answered {
		failure, final = refused, true
	}
	if !answered {
		again = failure.Code
	}
	if again != "" && !final && t.step.Try+1 < t.job.Settings.Tries && !t.u.final {
		t.tried.Again++
		t.tried.Reasons[again]++
		t.again = append(t.again, number)
		_, err := t.lines.Write(append(append(t.buffer[:0], text...), '\n'))
		return err
	}
	outcome := byte(failed)
	if got.success {
		outcome = succeeded
		t.tried.Succeeded++
		t.tried.Usage.Add(got.usage)
	} else {
		t.tried.Failed++
	}
	if answered {
		t.buffer = appendHead(t.buffer[:0], t.job.ID, number, outcome, present(customID))
		t.buffer, err = t.got.append(t.buffer, got)
	} else {
		t.buffer = appendResult(t.buffer[:0], t.job.ID, number, present(customID),
			&lineError{failure.Code, fmt.Sprintf("Line %d: %s", number, failure.Message), number})
	}
	if err != nil {
		return err
	}
	_, err = t.results.Write(t.buffer)
	return err
}

// next is the try after this one.
func (t *settling) next() *work {
	next := *t.work
	next.step.Try++
	next.state = &state{Mode: t.state.Mode, Lines: len(t.again)}
	if t.u.online {
		next.state.Mode = Online
	}
	return &next
}

// prepareNext copies the requests of the lines that are tried again.
func (t *settling) prepareNext() error {
	next := t.next()
	requests := t.store.Create(t.ctx, next.key(requestsName), nil)
	defer requests.Abandon()
	source := t.store.Open(t.ctx, t.key(requestsName))
	defer source.Close()
	lines, left := newAnswerScanner(source), t.again
	for len(left) > 0 && lines.next() {
		if requestNumber(lines.text) != left[0] {
			continue
		}
		left = left[1:]
		if _, err := requests.Write(append(append(t.buffer[:0], lines.text...), '\n')); err != nil {
			return err
		}
	}
	switch {
	case lines.err != nil:
		return lines.err
	case len(left) > 0:
		return fmt.Errorf("%s: the request of line %d is missing", t.key(requestsName), left[0])
	}
	next.state.Bytes = requests.Size()
	return errors.Join(requests.Commit(), t.lines.Commit(), next.save(t.ctx))
}

const requestHead = `{"custom_id":"`

// requestNumber is the line number that a request of ours travels with.
func requestNumber(text []byte) (n int) {
	for _, c := range text[min(len(requestHead), len(text)):] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}
