package batch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// Report puts the results of all parts together in the source's order and writes the summary. It may be
// repeated at any point.
func (s *Service) Report(ctx context.Context, jobID string, failure *Failure) (*Summary, error) {
	job, plan := &Job{}, &Plan{}
	found, err := s.store.Get(ctx, jobKey(jobID), job)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, openaierr.Invalid("job", "job_not_found", "There is no job %q.", jobID)
	}
	if _, err := s.store.Get(ctx, planKey(jobID), plan); err != nil {
		return nil, err
	}
	r := &reporter{Service: s, ctx: ctx, job: job, plan: plan, summary: &Summary{
		Job: job.ID, Status: "completed", Source: "s3://" + job.Bucket + "/" + job.Key, Parts: len(plan.Parts), CreatedAt: job.CreatedAt, PlannedAt: plan.DoneAt,
	}}
	r.summary.Failure = plan.Failure
	if r.summary.Failure == nil && !plan.Done {
		r.summary.Failure = failure
		if failure == nil {
			r.summary.Failure = &Failure{"not_planned", "The file was not read to its end."}
		}
	}
	if r.summary.Failure == nil {
		r.last = Failure{"no_answer", "The line was not answered before the job ended."}
		if failure != nil {
			r.last = *failure
		}
		err = r.results()
	} else {
		r.refused()
	}
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	r.summary.CompletedAt, r.summary.Seconds = now, int64(now.Sub(job.CreatedAt).Seconds())
	return r.summary, s.store.Put(ctx, job.Summary, r.summary)
}

// ReportUnplanned reports a job whose planning failed, perhaps before it had a record.
func (s *Service) ReportUnplanned(ctx context.Context, in Input, execution string, failure *Failure) (*Summary, error) {
	job, _, ours, err := s.admit(ctx, in, execution)
	switch {
	case err != nil:
		return nil, err
	case !ours:
		return nil, openaierr.Invalid("job", "duplicate_job", "Another execution works on the job %s.", job.ID)
	}
	return s.Report(ctx, job.ID, failure)
}

type reporter struct {
	*Service
	ctx     context.Context
	job     *Job
	plan    *Plan
	summary *Summary

	out    *bucket.Writer
	errors *bucket.Writer // of lines without a 2xx, where they are apart
	last   Failure        // of lines that no part settled
	buffer []byte
}

// refused tells of a job that was not sent.
func (r *reporter) refused() {
	r.summary.Status = "failed"
	if r.summary.Failure.ofCost() {
		r.summary.Status = "refused"
	}
	r.summary.Lines = LineCounts{Total: r.plan.Lines, Invalid: r.plan.Rejected}
	r.summary.Cost.Estimated, r.summary.Cost.Unpriced = dollars(r.plan.Estimate.USD), r.plan.Estimate.Unpriced
}

// results writes the file of results, and counts.
func (r *reporter) results() error {
	if err := r.notAnothers(); err != nil {
		return err
	}
	lists, err := r.lists()
	if err != nil {
		return err
	}
	metadata := map[string]string{"job": r.job.ID}
	r.out = r.store.Create(r.ctx, r.job.Results, metadata)
	defer r.out.Abandon()
	r.errors = r.out
	if r.job.Errors != "" {
		r.errors = r.store.Create(r.ctx, r.job.Errors, metadata)
		defer r.errors.Abandon()
	}
	if err := merge(r.ctx, lists, r.line); err != nil {
		return err
	}
	if err := r.out.Commit(); err != nil {
		return err
	}
	r.summary.Results = "s3://" + r.job.Bucket + "/" + r.job.Results
	if r.errors != r.out {
		if err := r.errors.Commit(); err != nil {
			return err
		}
		r.summary.Errors = "s3://" + r.job.Bucket + "/" + r.job.Errors
	}
	stopped, err := r.cancelled(r.ctx, r.job.ID)
	if stopped {
		r.summary.Status = "cancelled"
	}
	counts := &r.summary.Lines
	counts.Total, counts.Invalid = counts.Succeeded+counts.Failed, r.plan.Rejected
	if err == nil && counts.Total != r.plan.Lines {
		err = fmt.Errorf("the file has %d lines and the results %d", r.plan.Lines, counts.Total)
	}
	return err
}

// notAnothers gives the results another name should there be another job's under theirs.
func (r *reporter) notAnothers() error {
	there, err := r.store.Head(r.ctx, r.job.Results, "")
	if err != nil || there == nil || there.Metadata["job"] == r.job.ID {
		return err
	}
	r.job.named(resultName(r.job.Key) + "." + r.job.ID)
	return r.store.Put(r.ctx, jobKey(r.job.ID), r.job)
}

// line writes one line of the results.
func (r *reporter) line(number int, from *sorted) error {
	text := from.text
	if from.fallback {
		r.buffer = appendResult(r.buffer[:0], r.job.ID, number, present(text), &lineError{
			Code: r.last.Code, Message: fmt.Sprintf("Line %d: %s", number, r.last.Message), Line: number,
		})
		_, text, _ = bytes.Cut(bytes.TrimSuffix(r.buffer, []byte{'\n'}), []byte{'\t'})
	}
	out := r.errors
	if text[0] == succeeded {
		r.summary.Lines.Succeeded++
		out = r.out
	} else {
		r.summary.Lines.Failed++
	}
	if _, err := out.Write(text[1:]); err != nil {
		return err
	}
	_, err := out.Write([]byte{'\n'})
	return err
}

// lists finds everything that has lines of the job, and adds up what the tries tell.
func (r *reporter) lists() ([]*sorted, error) {
	var lists []*sorted
	add := func(first int, key string, fallback bool) {
		lists = append(lists, &sorted{first: first, fallback: fallback, open: func() io.ReadCloser { return r.store.Open(r.ctx, key) }})
	}
	for pass := range r.plan.Passes {
		add(1, rejectedKey(r.job.ID, pass), false)
	}
	m, err := r.newMoney(r.ctx)
	if err != nil {
		return nil, err
	}
	again := &r.summary.TriedAgain
	for i := range r.plan.Parts {
		part := r.plan.Parts[i]
		for try := 0; ; try++ {
			tried := &Tried{}
			found, err := r.store.Get(r.ctx, tryKey(r.job.ID, part.Number, try, triedName), tried)
			if err != nil {
				return nil, err
			}
			if !found { // it was not settled
				add(part.First, tryKey(r.job.ID, part.Number, try, linesName), true)
				break
			}
			add(part.First, tryKey(r.job.ID, part.Number, try, resultsName), false)
			part.Mode = tried.Mode
			r.summary.Usage.Add(tried.Usage)
			m.charge(&part, tried.Usage)
			if tried.Mode == Online {
				r.summary.Lines.Online += tried.Succeeded
			}
			if try == 0 {
				again.Lines += tried.Again
			}
			for reason, n := range tried.Reasons {
				if again.Reasons == nil {
					again.Reasons = map[string]int{}
				}
				again.Reasons[reason] += n
			}
			if tried.Again == 0 {
				break
			}
		}
	}
	r.summary.Cost.set(m)
	r.summary.Cost.Estimated = dollars(r.plan.Estimate.USD)
	return lists, nil
}
