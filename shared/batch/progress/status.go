package progress

import (
	"context"
	"log/slog"
	"time"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/logsafe"
)

const (
	// statusEvery is how often a job's lines are counted, for its status: twenty minutes may pass between two looks at a part.
	statusEvery = 5 * time.Minute
	// statusEveryPart is how often in a job of many parts, times those that are under way: counting asks S3 about each.
	statusEveryPart = 15 * time.Second
	// maxUnderWay is how many parts the workflow has under way at once: its Map's MaxConcurrency.
	maxUnderWay = 40
	// statusTime bounds the writing of a status, which is not to hold a task up.
	statusTime = 20 * time.Second
	// longestRetry is how long the workflow may wait until it repeats a task that failed.
	longestRetry = 20 * time.Minute
)

// NewStatus is the status of a job that has been planned so far.
func NewStatus(j *job.Job, p *job.Plan) *job.Status {
	st := &job.Status{
		Job: j.ID, Status: job.Planning, Source: j.URL(j.Key), Results: j.URL(j.Results), Summary: j.URL(j.Summary),
		Lines: p.Lines, Parts: len(p.Parts), Counts: job.StatusCount{Total: p.Lines, Failed: p.Rejected, Invalid: p.Rejected},
		CreatedAt: j.CreatedAt,
	}
	if job.Shortened(j.Key) {
		st.Note = "The object's key is too long for names that are made of it, so the results have a shortened one."
	}
	if p.Done {
		st.Status, st.PlannedAt = job.Running, &p.DoneAt
		st.Cost = cost.Estimated(&p.Estimate)
	}
	return st
}

// Put writes a status over whatever there is. What cannot be written is logged: a job does not fail for its status.
func (t *Tracker) Put(ctx context.Context, j *job.Job, st *job.Status) {
	t.bounded(ctx, j, func(ctx context.Context) error {
		st.UpdatedAt = t.now().UTC()
		return t.store.Put(ctx, j.StatusKey(), st)
	})
}

// Change has change change a job's status. The status stays as it is if change returns false, if it is another
// job's, or if the job has ended. Of several who change it at once one succeeds, and the others look again.
func (t *Tracker) Change(ctx context.Context, j *job.Job, change func(context.Context, *job.Status) (changed bool, err error)) {
	t.bounded(ctx, j, func(ctx context.Context) error {
		for range 3 {
			st := &job.Status{}
			etag, err := t.store.GetTagged(ctx, j.StatusKey(), st)
			if err == nil && etag == "" { // of a job that an earlier version has begun
				st, err = t.planned(ctx, j)
			}
			if err != nil || st.Job != j.ID || st.Over() {
				return err
			}
			changed, err := change(ctx, st)
			if err != nil || !changed {
				return err
			}
			st.UpdatedAt = t.now().UTC()
			if won, err := t.store.Replace(ctx, j.StatusKey(), st, etag); won || err != nil {
				return err
			}
		}
		return nil // others have written it three times; the next task looks again
	})
}

func (t *Tracker) bounded(ctx context.Context, j *job.Job, write func(context.Context) error) {
	if j.StatusKey() == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTime)
	defer cancel()
	if err := write(ctx); err != nil {
		slog.WarnContext(ctx, "the status of a job cannot be written", "job", j.ID, "error", logsafe.Text(err.Error()))
	}
}

func (t *Tracker) planned(ctx context.Context, j *job.Job) (*job.Status, error) {
	p := &job.Plan{}
	_, err := t.store.Get(ctx, job.PlanKey(j.ID), p)
	return NewStatus(j, p), err
}

// Look is what a task has found of a part.
type Look struct {
	Job   *job.Job
	Part  *job.Part
	Try   job.Try
	State *job.State // of the try
	Began time.Time  // the task
	Next  *job.Step  // the task's answer, if it has not failed
	Err   error
}

// Note brings the status of a job up to date after a task of a part: at once where something holds the part up, or no
// longer does, and otherwise when its lines are to be counted again.
func (t *Tracker) Note(ctx context.Context, l *Look) {
	t.Change(ctx, l.Job, func(ctx context.Context, st *job.Status) (changed bool, err error) {
		now := t.now().UTC()
		if st.Status == job.Stopped && !st.UpdatedAt.Before(l.Began) {
			return false, nil // the execution was stopped while this task ran
		}
		status := job.Running
		if l.State.Cancelled || st.Status == job.Cancelling {
			status = job.Cancelling
		}
		if changed = st.Status != status || st.UpdatedAt.IsZero(); st.Status == job.Stopped {
			st.Note = ""
		}
		st.Status, st.NextLookBy = status, NextLook(l.Next, now)
		if st.Meet(l.trouble(), l.Try.Part, now) {
			changed = true
		}
		if due(st, now) {
			changed, err = true, t.Count(ctx, st, now, l.live())
		}
		return changed, err
	})
}

// live is the look if the part's last try is under way, and nil if it is settled.
func (l *Look) live() *Look {
	if l.Err == nil && (l.Next.Status == job.StepAgain || l.Next.Status == job.StepDone) {
		return nil
	}
	return l
}

// due reports whether the lines of a job are to be counted again.
func due(st *job.Status, now time.Time) bool {
	last := st.CountedAt
	if last == nil {
		last = st.PlannedAt
	}
	left := min(st.Parts-st.Settled.Parts.Len(), maxUnderWay)
	return last != nil && now.Sub(*last) >= max(statusEvery, time.Duration(left)*statusEveryPart)
}

// NextLook is when the workflow looks at the part again at the latest. Another part's task may come before.
func NextLook(next *job.Step, now time.Time) *time.Time {
	at := now.Add(longestRetry)
	if next != nil {
		at = now.Add(time.Duration(next.Wait) * time.Second)
	}
	return &at
}

// Count counts the job's lines, and estimates its end from that. Parts that have ended are looked at once. live is a part
// whose try under way is known, nil if there is none.
func (t *Tracker) Count(ctx context.Context, st *job.Status, now time.Time, live *Look) error {
	var open []int
	for part := 1; part <= st.Parts; part++ {
		if !st.Settled.Parts.Has(part) {
			open = append(open, part)
		}
	}
	completed, failed, underWay := 0, 0, 0
	for underWay < maxUnderWay && len(open) > 0 {
		some := open[:min(len(open), maxUnderWay)]
		open = open[len(some):]
		counts, err := t.countParts(ctx, st.Job, some, live)
		if err != nil {
			return err
		}
		for i, c := range counts {
			if c.settled {
				st.Settled.Parts.Add(some[i])
				st.Settled.Completed += c.Completed
				st.Settled.Failed += c.Failed
				continue
			}
			underWay++
			completed += c.Completed
			failed += c.Failed
		}
	}
	st.Counts.Completed, st.Counts.Failed = st.Settled.Completed+completed, st.Settled.Failed+failed+st.Counts.Invalid
	st.CountedAt = &now
	st.EndsAt = estimateEnd(st, now)
	return nil
}

// surePace is how much of a job has to be done before its pace says something.
const surePace = 0.05

// estimateEnd is when the job ends if the lines that are left take as long as those before; nil where nothing can be
// said, since little is done yet or something holds the job up.
func estimateEnd(st *job.Status, now time.Time) *time.Time {
	sent := st.Counts.Total - st.Counts.Invalid
	done := st.Counts.Completed + st.Counts.Failed - st.Counts.Invalid
	if st.Error != nil || st.PlannedAt == nil || st.Status != job.Running || done <= 0 || float64(done) < surePace*float64(sent) {
		return nil
	}
	end := now.Add(time.Duration(float64(now.Sub(*st.PlannedAt)) * float64(max(0, sent-done)) / float64(done))).Round(time.Second)
	return &end
}

// End writes the status of a job that has ended.
func (t *Tracker) End(ctx context.Context, j *job.Job, sum *job.Summary) {
	now := t.now().UTC()
	st := NewStatus(j, &job.Plan{})
	st.Status, st.Lines, st.Parts, st.Cost, st.CountedAt = sum.Status, sum.Lines.Total, sum.Parts, sum.Cost, &now
	st.Results = sum.Results
	st.Counts = job.StatusCount{Total: sum.Lines.Total, Completed: sum.Lines.Succeeded, Failed: sum.Lines.Failed, Invalid: sum.Lines.Invalid}
	if !sum.PlannedAt.IsZero() {
		st.PlannedAt = &sum.PlannedAt
	}
	if sum.Failure != nil {
		st.Error = &job.Trouble{Failure: *sum.Failure, Since: sum.CompletedAt, Seen: sum.CompletedAt}
	}
	t.Put(ctx, j, st)
}
