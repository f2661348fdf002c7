package part

import (
	"context"
	"errors"
	"fmt"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/catalog"
)

// settle writes the results of a try in the file's order, and the next try's requests if there is to be one.
func (w *work) settle(ctx context.Context, got *jsonl.Answers, u *unanswered) (*job.Tried, error) {
	t := &settling{
		work: w, next: w.nextTry(u), got: got, u: u,
		tried: &job.Tried{Mode: w.state.Mode, Reasons: map[string]int{}, Torn: got.Torn, Short: w.short},
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	if err := w.boundTwice(ctx, t.tried); err != nil {
		return nil, err
	}
	return t.tried, w.service.store.Put(ctx, w.try.TriedKey(), t.tried)
}

type settling struct {
	work    *work
	next    *work // the try after this one
	got     *jsonl.Answers
	u       *unanswered
	prices  *cost.Prices
	tried   *job.Tried
	results *bucket.Writer
	lines   *bucket.Writer // of the next try
	again   []int
	buffer  []byte
}

func (t *settling) run(ctx context.Context) (err error) {
	if t.prices, err = cost.PricesOf(ctx, t.work.service.azure); err != nil {
		return err
	}
	store, try := t.work.service.store, t.work.try
	t.results = store.Create(ctx, try.ResultsKey(), nil)
	defer t.results.Abandon()
	t.lines = store.Create(ctx, t.next.try.LinesKey(), nil)
	defer t.lines.Abandon()
	source := store.Open(ctx, try.LinesKey())
	defer source.Close()
	lines := jsonl.NewAnswerScanner(source)
	for lines.Next() {
		if err := t.line(lines.Number, lines.Text); err != nil {
			return err
		}
	}
	if lines.Err != nil {
		return lines.Err
	}
	if err := t.results.Commit(); err != nil || len(t.again) == 0 {
		return err
	}
	return t.prepareNext(ctx)
}

// line settles one line, the n-th of the file.
func (t *settling) line(n int, text []byte) error {
	number, customID, err := jsonl.CutNumber(text)
	if err != nil {
		return fmt.Errorf("%s: line %d: %w", t.work.try.LinesKey(), n, err)
	}
	t.tried.Lines++
	st, step := t.work.state, t.work.step
	got, answered := t.got.Find(number)
	answered = answered && !(got.Ended && t.u.ended)
	failure, final, again := t.u.Failure, t.u.final, got.Again
	if refused, ok := t.u.lines[n]; ok && !answered {
		failure, final = refused, true
	}
	if !answered {
		again = failure.Code
	}
	left := st.Tries(step.Try, number)+1 < t.work.job.Settings.Tries
	if st.Last > 0 && number > st.Last { // it was not sent, which is no try
		again, left = job.NoRoom, true
		if !t.u.final {
			failure = tooManyPieces
		}
	}
	if again != "" && !final && left && step.Try+1 < maxTries && !t.u.final {
		t.tried.Again++
		t.tried.Reasons[again]++
		if again != job.NoRoom && st.Tries(step.Try, number) == 0 {
			t.tried.Retried++
		}
		t.again = append(t.again, number)
		_, err := t.lines.Write(append(append(t.buffer[:0], text...), '\n'))
		return err
	}
	if got.Success {
		t.tried.AddSuccess(t.prices.PriceOf(t.work.part, t.tried.Mode, got.Model, catalog.TierOf(got.Tier), got.Usage.Input), got.Usage)
	} else {
		t.tried.Failed++
	}
	if answered {
		t.buffer, err = t.got.AppendResult(t.buffer[:0], t.work.job.ID, number, jsonl.CustomIDOf(customID), got)
	} else {
		t.buffer = jsonl.AppendError(t.buffer[:0], t.work.job.ID, number, jsonl.CustomIDOf(customID), failure.OfLine(number))
	}
	if err != nil {
		return err
	}
	_, err = t.results.Write(t.buffer)
	return err
}

// nextTry is the try after this one.
func (w *work) nextTry(u *unanswered) *work {
	next := *w
	next.step.Try++
	next.try = next.step.ThisTry()
	next.state = &job.State{Mode: w.state.Mode}
	if u.online {
		next.state.Mode = jsonl.Online
	}
	return &next
}

// prepareNext copies the requests of the lines that are tried again.
func (t *settling) prepareNext(ctx context.Context) error {
	store, key := t.work.service.store, t.work.try.RequestsKey()
	requests := store.Create(ctx, t.next.try.RequestsKey(), nil)
	defer requests.Abandon()
	source := store.Open(ctx, key)
	defer source.Close()
	forecast, err := t.work.foresee(ctx, t.next.state.Mode)
	if err != nil {
		return err
	}
	lines, left := jsonl.NewAnswerScanner(source), t.again
	for len(left) > 0 && lines.Next() {
		number, err := jsonl.RequestNumber(lines.Text)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", key, lines.Number, err)
		}
		if number != left[0] {
			continue
		}
		left = left[1:]
		if err := forecast.add(number, lines.Text); err != nil {
			return fmt.Errorf("%s: line %d: %w", key, lines.Number, err)
		}
		if _, err := requests.Write(append(append(t.buffer[:0], lines.Text...), '\n')); err != nil {
			return err
		}
	}
	switch {
	case lines.Err != nil:
		return lines.Err
	case len(left) > 0:
		return fmt.Errorf("%s: the request of line %d is missing", key, left[0])
	}
	t.next.state.Lines, t.next.state.Bytes, t.next.state.Forecast = len(t.again), requests.Size(), forecast.result()
	t.next.state.Sending = t.work.state.Sending.Next(t.again[0], t.work.state.Bytes)
	return errors.Join(requests.Commit(), t.lines.Commit(), t.next.save(ctx))
}
