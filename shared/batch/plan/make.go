package plan

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/source"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// What the plan task tells the workflow.
const (
	statusPlanning  = "planning"  // the time was over: call it again
	statusPlanned   = "planned"   // there are parts to walk
	statusReport    = "report"    // there are none
	statusDuplicate = "duplicate" // another execution has this job
	statusIgnored   = "ignored"   // the object is a folder's marker
)

// Answer is the plan task's answer to the workflow.
type Answer struct {
	Job    string `json:"job"`
	Status string `json:"status"`
	Bucket string `json:"bucket,omitempty"`
	Items  string `json:"items,omitempty"` // key of the list of parts
	Parts  int    `json:"parts"`
	Lines  int    `json:"lines"`

	// Of a duplicate: the job whose content the object repeats, "" where another execution has the very job; and where
	// the report of that one is, or will be.
	DuplicateOf string `json:"duplicate_of,omitempty"`
	Summary     string `json:"summary,omitempty"`
	Source      string `json:"source,omitempty"`
}

// Ignored is the answer for an object that has no job: a folder's marker.
func Ignored() *Answer { return &Answer{Status: statusIgnored} }

// DuplicateOf is the answer for an object whose job is another execution's or, where there is one, that repeats what an
// earlier job answers.
func DuplicateOf(j, earlier *job.Job) *Answer {
	answer := &Answer{Job: j.ID, Status: statusDuplicate, Summary: j.URL(j.Summary)}
	if earlier != nil {
		answer.DuplicateOf, answer.Source, answer.Summary = earlier.ID, j.URL(j.Key), j.URL(earlier.Summary)
	}
	return answer
}

// Plan reads the object of a job once: each line is checked, counted and put into the part where it belongs. Nothing is
// sent yet. When the time is nearly over it stores how far it came, for the next call.
func (p *Planner) Plan(ctx context.Context, in job.Input, j *job.Job, object *bucket.Object) (*job.Plan, error) {
	plan := &job.Plan{}
	_, err := p.store.Get(ctx, job.PlanKey(j.ID), plan)
	switch {
	case err != nil:
	case !plan.Done:
		err = p.proceed(ctx, j, plan, object, in.Options)
	case in.TakeOver && plan.Failure != nil && plan.Failure.OfCost():
		err = p.reconsider(ctx, j, plan, in.Options.Ceiling)
	}
	return plan, err
}

// proceed makes the plan, or as much of it as there is time for, and stores it.
func (p *Planner) proceed(ctx context.Context, j *job.Job, plan *job.Plan, head *bucket.Object, options job.Options) error {
	if plan.Failure = p.prepare(j, head, options); plan.Failure == nil {
		err := p.cut(ctx, j, plan)
		bad, unreadable := errors.AsType[*source.FormatError](err)
		switch status := bucket.Status(err); {
		case unreadable:
			plan.Failure = &job.Failure{Code: bad.Code, Message: "Nothing was sent. " + bad.Message}
		case err == errGroups:
			plan.Failure = &job.Failure{Code: codeGroups, Message: "Nothing was sent. " + groupsAdvice}
		case !plan.Read && (status == http.StatusNotFound || status == http.StatusPreconditionFailed):
			plan.Failure = sourceGone(j)
		case err != nil:
			return err
		case plan.Done && plan.Lines == 0:
			plan.Failure = &job.Failure{Code: "empty_file", Message: "The file is empty: it has no line that is not blank. It needs at least one request."}
		}
	}
	if plan.Failure == nil && plan.Done {
		if err := p.estimate(ctx, j, plan); err != nil {
			return err
		}
	}
	if plan.Failure != nil {
		plan.Done = true
	}
	if plan.Done {
		plan.DoneAt = p.now().UTC()
		if err := p.store.Put(ctx, job.Key(j.ID), j); err != nil {
			return err
		}
		if err := p.putItems(ctx, j, plan); err != nil {
			return err
		}
	}
	return p.store.Put(ctx, job.PlanKey(j.ID), plan)
}

// AnswerOf is the answer for a job of this execution.
func AnswerOf(j *job.Job, plan *job.Plan) *Answer {
	a := &Answer{Job: j.ID, Bucket: j.Bucket, Items: job.ItemsKey(j.ID), Parts: len(plan.Parts), Lines: plan.Lines}
	switch {
	case !plan.Done:
		a.Status = statusPlanning
	case plan.Failure != nil || len(plan.Parts) == 0:
		a.Status = statusReport
	default:
		a.Status = statusPlanned
	}
	return a
}

// putItems lists the parts for the workflow's Map.
func (p *Planner) putItems(ctx context.Context, j *job.Job, plan *job.Plan) error {
	type item struct {
		Part int `json:"part"`
	}
	items := make([]item, len(plan.Parts))
	for i, part := range plan.Parts {
		items[i].Part = part.Number
	}
	return p.store.Put(ctx, job.ItemsKey(j.ID), items)
}

// prepare settles what the job runs with. It returns why it cannot be planned, nil if it can.
func (p *Planner) prepare(j *job.Job, head *bucket.Object, options job.Options) *job.Failure {
	j.Settings = job.SettingsOf(p.env)
	if head == nil {
		return sourceGone(j)
	}
	own, err := job.OptionsOf(head.Metadata)
	if err != nil {
		e := openaierr.From(err)
		return &job.Failure{Code: e.Code, Message: e.Message}
	}
	j.Settings = j.Settings.With(own).With(options)
	return nil
}

func sourceGone(j *job.Job) *job.Failure {
	return &job.Failure{Code: "source_gone", Message: fmt.Sprintf("The object %s was deleted or replaced before it had been read. Put it there again.", j.Key)}
}
