package batch

import (
	"context"
	"strings"

	"aoai-bridge/shared/batch/claims"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/batch/progress"
)

// Plan claims the job that an object makes, and plans it. The job's status is there before the object is read.
func (s *Service) Plan(ctx context.Context, in job.Input, execution string) (*plan.Answer, error) {
	if strings.HasSuffix(in.Key, "/") {
		return plan.Ignored(), nil
	}
	a, err := s.claims.Admit(ctx, in, execution)
	if err != nil {
		return nil, err
	}
	if a.Earlier != nil {
		s.progress.Put(ctx, a.Job, duplicateStatus(a))
	}
	if !a.Ours {
		return plan.DuplicateOf(a.Job, a.Earlier), nil
	}
	if a.Begun {
		s.progress.Put(ctx, a.Job, progress.NewStatus(a.Job, &job.Plan{}))
	}
	made, err := s.planner.Plan(ctx, in, a.Job, a.Object)
	if err != nil {
		s.progress.Change(ctx, a.Job, func(_ context.Context, st *job.Status) (bool, error) {
			now := s.now().UTC()
			st.NextLookBy = progress.NextLook(nil, now)
			return st.Meet(progress.TroubleOf(err, ""), 0, now), nil
		})
		return nil, err
	}
	st := progress.NewStatus(a.Job, made)
	if a.TakenOver && made.Done {
		err = s.progress.Count(ctx, st, s.now().UTC(), nil)
	}
	s.progress.Put(ctx, a.Job, st)
	return plan.AnswerOf(a.Job, made), err
}

// duplicateStatus says where what an object repeats is answered.
func duplicateStatus(a *claims.Admission) *job.Status {
	st := progress.NewStatus(a.Job, &job.Plan{})
	st.Status, st.DuplicateOf = job.Duplicate, a.Earlier.ID
	st.Results, st.Summary = a.Job.URL(a.Earlier.Results), a.Job.URL(a.Earlier.Summary)
	st.Note = "The same content was put there before under this key, with the same metadata, and is answered by the job " + a.Earlier.ID +
		". To have it answered once more, put it there with the metadata again=true."
	return st
}
