package part

import (
	"context"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/rawjson"
)

// account is the job's, nil where the job has no ceiling.
func (w *work) account() *cost.Account {
	if w.job.Settings.Ceiling == 0 {
		return nil
	}
	return &cost.Account{Store: w.service.store, Job: w.job, Ceiling: w.job.Settings.Ceiling}
}

// afford takes what the try may cost out of the job's account before it begins. next is what the workflow does where
// there is not enough left: the try ends, and its lines are not sent. An online try gets a purse of what it has taken.
func (w *work) afford(ctx context.Context) (purse *cost.Purse, next *job.Step, err error) {
	account := w.account()
	if account == nil {
		return nil, nil, nil
	}
	prices, err := cost.PricesOf(ctx, w.service.azure)
	if err != nil {
		return nil, nil, err
	}
	most := prices.Most(w.part, w.state.Mode, w.forecast())
	granted, refused, err := account.Begin(ctx, w.try, most)
	switch {
	case err != nil:
		return nil, nil, err
	case refused != nil:
		w.state.Withheld, w.state.Status = refused, job.StateEnded
		return nil, w.step.Next(job.StepEnded), w.save(ctx)
	case w.state.Mode == jsonl.Batch:
		return nil, nil, nil
	}
	meter, err := w.meter(ctx)
	return cost.NewPurse(account, prices, meter, w.part, w.try, granted, most, w.state.Lines), nil, err
}

// forecast is what the lines of the try may take at most. Of another try than the first, by an earlier version, it is a
// share of the part's.
func (w *work) forecast() job.Tallies {
	whole := w.part.Foreseen().Most
	switch {
	case w.state.Forecast != nil:
		return w.state.Forecast.Most
	case w.step.Try == 0 || w.part.Lines == 0:
		return whole
	}
	share := float64(w.state.Lines) / float64(w.part.Lines)
	var some job.Tallies
	for _, t := range whole {
		of := func(tokens int64) int64 { return int64(float64(tokens) * share) }
		t.Lines = int(of(int64(t.Lines))) + 1
		t.Usage.Input, t.Usage.CacheWrite, t.Usage.Output = of(t.Usage.Input), of(t.Usage.CacheWrite), of(t.Usage.Output)
		some = append(some, t)
	}
	return some
}

// settleAccount notes what the try has cost.
func (w *work) settleAccount(ctx context.Context, tried *job.Tried) error {
	account := w.account()
	if account == nil {
		return nil
	}
	prices, err := cost.PricesOf(ctx, w.service.azure)
	if err != nil {
		return err
	}
	return account.Settle(ctx, w.try, prices.Most(w.part, tried.Mode, tried.Answered()))
}

// meter counts the part's requests.
func (w *work) meter(ctx context.Context) (*cost.Meter, error) {
	return cost.MeterFor(ctx, w.service.azure, w.part.Serves, w.service.output)
}

// forecaster foresees what the lines of a next try cost, one by one.
type forecaster struct {
	meter    *cost.Meter
	mode     jsonl.Mode
	endpoint string
	forecast job.Forecast
	tree     rawjson.Tree
}

// foresee makes the forecaster of a next try in a mode, nil where the job has no ceiling.
func (w *work) foresee(ctx context.Context, mode jsonl.Mode) (*forecaster, error) {
	if w.account() == nil {
		return nil, nil
	}
	meter, err := w.meter(ctx)
	return &forecaster{meter: meter, mode: mode, endpoint: w.part.Endpoint}, err
}

// add counts a request in.
func (f *forecaster) add(number int, request []byte) error {
	if f == nil {
		return nil
	}
	line, err := f.tree.Read(request)
	if err != nil {
		return err
	}
	body := line.Get("body")
	f.meter.Add(&f.forecast, number, f.mode, f.meter.Read(f.endpoint, body, len(body.Raw())))
	return nil
}

// result is the forecast, nil of a nil forecaster.
func (f *forecaster) result() *job.Forecast {
	if f == nil {
		return nil
	}
	return &f.forecast
}
