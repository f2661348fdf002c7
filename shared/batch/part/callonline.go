package part

import (
	"context"
	"errors"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/online"
)

// maxStalls is how many waits in a row may pass without an answer, about a day, until 429 is the answer.
const maxStalls = 90

// callOnline has a part answered by online calls, as many as there is time for.
func (w *work) callOnline(ctx context.Context) (*job.Step, error) {
	purse, next, err := w.afford(ctx)
	if next != nil || err != nil {
		return next, err
	}
	out, err := w.service.online.Run(ctx, online.Requests{
		Try: w.try, Part: w.part, Limits: &w.job.Limits, Lines: w.state.Lines, Patient: w.step.Waits < maxStalls, Purse: purse,
	})
	w.state.Counts = azurebatch.Counts{Total: w.state.Lines, Completed: out.Answered} // with those that failed
	if w.state.Withheld = out.Withheld; out.Withheld != nil {
		out.Complete = true // the others are not sent
	}
	if out.Complete && err == nil {
		w.state.Status = job.StateEnded
	}
	if err := errors.Join(err, w.save(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	switch {
	case out.Complete:
		return w.step.Next(job.StepEnded), nil
	case out.Added > 0 && out.Pause == 0:
		return w.step.Next(job.StepWorking), nil
	}
	step := w.step
	if out.Added > 0 {
		step.Waits = 0
	}
	next = step.Later(job.StepWorking)
	if out.Pause > 0 {
		next.Wait = int(out.Pause/time.Second) + 1
	}
	return next, nil
}
