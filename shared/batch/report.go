package batch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/ending"
	"aoai-bridge/shared/batch/failures"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// Report puts the results of all parts together in the source's order and writes the summary. It may be
// repeated at any point.
func (s *Service) Report(ctx context.Context, jobID string, failure *job.Failure) (*job.Summary, error) {
	j, p := &job.Job{}, &job.Plan{}
	found, err := s.store.Get(ctx, job.Key(jobID), j)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, openaierr.Invalid("job", "job_not_found", "There is no job %q.", jobID)
	}
	if _, err := s.store.Get(ctx, job.PlanKey(jobID), p); err != nil {
		return nil, err
	}
	r := &reporter{service: s, job: j, plan: p, summary: &job.Summary{
		Job: j.ID, Status: "completed", Source: j.URL(j.Key), Parts: len(p.Parts), CreatedAt: j.CreatedAt, PlannedAt: p.DoneAt,
	}}
	r.summary.Failure = p.Failure
	if r.summary.Failure == nil && !p.Done {
		r.summary.Failure = failure
		if failure == nil {
			r.summary.Failure = &job.Failure{Code: "not_planned", Message: "The file was not read to its end."}
		}
	}
	if err := s.claims.KeepClear(ctx, j); err != nil {
		return nil, err
	}
	if r.summary.Failure == nil {
		r.last = job.Failure{Code: "no_answer", Message: "The line was not answered before the job ended."}
		if failure != nil {
			r.last = *failure
		}
		err = r.results(ctx)
	} else {
		r.refused()
	}
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	r.summary.CompletedAt, r.summary.Seconds = now, int64(now.Sub(j.CreatedAt).Seconds())
	if err := s.store.Put(ctx, j.Summary, r.summary); err != nil {
		return nil, err
	}
	s.progress.End(ctx, j, r.summary)
	return r.summary, nil
}

// ReportUnplanned reports a job whose planning failed, perhaps before it had a record.
func (s *Service) ReportUnplanned(ctx context.Context, in job.Input, execution string, failure *job.Failure) (*job.Summary, error) {
	if ending.Ends(&in) {
		e := openaierr.Invalid("key", "not_cancelled", "The object %s is to cancel jobs, and has no job of its own to report. If they were not cancelled, put it there again.", in.Key)
		if failure != nil {
			e.Message += " " + failure.Message
		}
		return nil, e
	}
	a, err := s.claims.Admit(ctx, in, execution)
	switch {
	case err != nil:
		return nil, err
	case !a.Ours:
		return nil, openaierr.Invalid("job", "duplicate_job", "Another execution works on the job %s.", a.Job.ID)
	}
	return s.Report(ctx, a.Job.ID, failure)
}

type reporter struct {
	service *Service
	job     *job.Job
	plan    *job.Plan
	summary *job.Summary

	out    *bucket.Writer
	errors *bucket.Writer // of lines without a 2xx, where they are apart
	failed *failures.Account
	last   job.Failure // of lines that no part settled
	buffer []byte
}

// refused reports a job that was not sent.
func (r *reporter) refused() {
	r.summary.Status = "failed"
	if r.summary.Failure.OfCost() {
		r.summary.Status = "refused"
	}
	r.summary.Lines = job.LineCounts{Total: r.plan.Lines, Invalid: r.plan.Rejected}
	r.summary.Cost = cost.Estimated(&r.plan.Estimate)
}

// results writes the file of results, and counts.
func (r *reporter) results(ctx context.Context) error {
	lists, err := r.lists(ctx)
	if err != nil {
		return err
	}
	metadata := map[string]string{"job": r.job.ID}
	r.out = r.service.store.Create(ctx, r.job.Results, metadata)
	defer r.out.Abandon()
	r.errors = r.out
	if r.job.Errors != "" {
		r.errors = r.service.store.Create(ctx, r.job.Errors, metadata)
		defer r.errors.Abandon()
	}
	r.failed = failures.New(ctx, r.service.store, r.job)
	defer r.failed.Abandon()
	if err := jsonl.Merge(ctx, lists, r.line); err != nil {
		return err
	}
	r.summary.Failures = r.failed.Codes
	if r.summary.FailedInput, r.summary.FailedInputMissing, err = r.failed.Commit(); err != nil {
		return err
	}
	if err := r.out.Commit(); err != nil {
		return err
	}
	r.summary.Results = r.job.URL(r.job.Results)
	if r.errors != r.out {
		if err := r.errors.Commit(); err != nil {
			return err
		}
		r.summary.Errors = r.job.URL(r.job.Errors)
	}
	stopped, err := r.service.progress.Cancelled(ctx, r.job.ID)
	if stopped {
		r.summary.Status = "cancelled"
	}
	counts := &r.summary.Lines
	counts.Total, counts.Invalid = counts.Succeeded+counts.Failed, r.plan.Rejected
	if counts.Invalid == counts.Total && counts.Total > 0 && !stopped {
		r.summary.Status = "failed"
		r.summary.Failure = &job.Failure{Code: job.NoValidLine, Message: "No line of the file could be sent. The first error: " + r.failed.First}
	}
	if err == nil && counts.Total != r.plan.Lines {
		err = fmt.Errorf("the file has %d lines and the results %d", r.plan.Lines, counts.Total)
	}
	return err
}

// line writes one line of the results: what a list has of it, or an error if that is only its custom_id.
func (r *reporter) line(number int, text []byte, unsettled bool) error {
	if unsettled {
		r.buffer = jsonl.AppendError(r.buffer[:0], r.job.ID, number, jsonl.CustomIDOf(text), r.last.OfLine(number))
		_, text, _ = jsonl.CutNumber(bytes.TrimSuffix(r.buffer, []byte{'\n'})) // it has just been written
	}
	line, success, err := jsonl.CutResult(text)
	if err != nil {
		return err
	}
	out := r.errors
	if success {
		r.summary.Lines.Succeeded++
		out = r.out
	} else {
		r.summary.Lines.Failed++
		if err := r.failed.Add(number, line); err != nil {
			return err
		}
	}
	if _, err := out.Write(line); err != nil {
		return err
	}
	_, err = out.Write([]byte{'\n'})
	return err
}

// lists finds everything that has lines of the job, and adds up what came of the tries.
func (r *reporter) lists(ctx context.Context) ([]*jsonl.List, error) {
	var lists []*jsonl.List
	add := func(first int, key string, fallback bool) {
		open := func() io.ReadCloser { return r.service.store.Open(ctx, key) }
		lists = append(lists, &jsonl.List{First: first, Fallback: fallback, Open: open})
	}
	for pass := range r.plan.Passes {
		add(1, job.RejectedKey(r.job.ID, pass), false)
	}
	bill, err := cost.NewBill(ctx, r.service.azure)
	if err != nil {
		return nil, err
	}
	again, twice := &r.summary.TriedAgain, &job.PaidTwice{}
	for i := range r.plan.Parts {
		part := r.plan.Parts[i]
		for try := 0; ; try++ {
			keys, tried := job.Try{Job: r.job.ID, Part: part.Number, Try: try}, &job.Tried{}
			found, err := r.service.store.Get(ctx, keys.TriedKey(), tried)
			if err != nil {
				return nil, err
			}
			if !found { // it was not settled
				add(part.First, keys.LinesKey(), true)
				break
			}
			add(part.First, keys.ResultsKey(), false)
			part.Mode = tried.Mode
			r.summary.Usage.Add(tried.Usage)
			bill.Charge(&part, tried.Answered())
			twice.Add(tried.Twice)
			if tried.Mode == jsonl.Online {
				r.summary.Lines.Online += tried.Succeeded
			}
			again.Lines += tried.Retried
			if try == 0 && tried.Retried == 0 { // a record may be older than that count
				again.Lines += tried.Again - tried.Reasons[job.NoRoom]
			}
			again.Count(tried.Reasons)
			if tried.Again == 0 {
				break
			}
		}
	}
	r.summary.Twice = twice.OrNil()
	r.summary.Cost = bill.Summary(&r.plan.Estimate)
	return lists, nil
}
