package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
)

// Plan is what a job consists of. While it is being made it is also the place to go on from.
type Plan struct {
	Done     bool     `json:"done"`
	Offset   int64    `json:"offset"`           // of the source, behind what has been read
	Line     int      `json:"line"`             // the last one read
	Read     bool     `json:"read,omitempty"`   // the source has been read to its end
	Spills   []Spill  `json:"spills,omitempty"` // to be read after it, oldest first
	Passes   int      `json:"passes"`           // each has its own list of rejected lines
	Lines    int      `json:"lines"`            // that are not blank
	Rejected int      `json:"rejected"`         // of them: bad ones
	Guessed  int64    `json:"guessed"`          // of them: whose tokens nobody could count
	Parts    []Part   `json:"parts"`
	Estimate Estimate `json:"estimate"`
	Failure  *Failure `json:"failure,omitempty"` // why nothing will be sent

	DoneAt time.Time `json:"done_at,omitzero"`
}

// Failure is why a job, or a part, has not been answered.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// What the plan task tells the workflow.
const (
	statusPlanning  = "planning"  // the time was over: call it again
	statusPlanned   = "planned"   // there are parts to walk
	statusReport    = "report"    // there are none
	statusDuplicate = "duplicate" // another execution has this job
	statusIgnored   = "ignored"   // the object is a folder's marker
)

// PlanAnswer is the plan task's answer to the workflow.
type PlanAnswer struct {
	Job    string `json:"job"`
	Status string `json:"status"`
	Bucket string `json:"bucket,omitempty"`
	Items  string `json:"items,omitempty"` // key of the list of parts
	Parts  int    `json:"parts"`
	Lines  int    `json:"lines"`

	Summary string `json:"summary,omitempty"` // of a duplicate: where the other execution's report is, or will be
}

// maxKey is the longest key of a source, in bytes: S3 takes 1,024, and results have names made of it.
const maxKey = 900

// MakePlan claims the job that an object makes and reads the object once: each line is checked, counted
// and put into the part where it belongs. Nothing is sent yet. When the time is nearly over it leaves a
// mark to go on from.
func (s *Service) MakePlan(ctx context.Context, in Input, execution string) (*PlanAnswer, error) {
	if strings.HasSuffix(in.Key, "/") {
		return &PlanAnswer{Status: statusIgnored}, nil
	}
	job, head, ours, err := s.admit(ctx, in, execution)
	if err != nil {
		return nil, err
	}
	if !ours {
		return &PlanAnswer{Job: job.ID, Status: statusDuplicate, Summary: "s3://" + s.store.Name() + "/" + job.Summary}, nil
	}
	plan := &Plan{}
	if _, err := s.store.Get(ctx, planKey(job.ID), plan); err != nil {
		return nil, err
	}
	switch {
	case !plan.Done:
		err = s.proceed(ctx, job, plan, head, in.Options)
	case in.TakeOver && plan.Failure != nil && plan.Failure.ofCost():
		err = s.reconsider(ctx, job, plan, in.Options.Ceiling)
	}
	if err != nil {
		return nil, err
	}
	return s.planAnswer(job, plan), nil
}

// admit claims the job that an object makes. ours is false where another execution has it.
func (s *Service) admit(ctx context.Context, in Input, execution string) (job *Job, head *bucket.Object, ours bool, err error) {
	switch {
	case in.Bucket != s.store.Name():
		err = openaierr.Invalid("bucket", "invalid_bucket", "Jobs come from the bucket %s, not from %q. Copy the file there.", s.store.Name(), in.Bucket)
	case in.Key == "":
		err = openaierr.Invalid("key", "missing_required_parameter", "The input names no object: it needs 'bucket' and 'key'.")
	case len(in.Key) > maxKey:
		err = openaierr.Invalid("key", "invalid_key", "The object's key is longer than %d bytes, which leaves no room for names made of it.", maxKey)
	case below(in.Key, "results/", "jobs/"):
		err = openaierr.Invalid("key", "invalid_key", "What is below results/ and jobs/ is the bridge's own. Put the file elsewhere.")
	default:
		err = in.Options.check()
	}
	if err != nil {
		return nil, nil, false, err
	}
	if head, err = s.store.Head(ctx, in.Key, in.VersionID); err != nil {
		return nil, nil, false, err
	}
	job, ours, err = s.claimJob(ctx, &in, head, execution)
	return job, head, ours, err
}

// proceed makes the plan, or as much of it as there is time for, and stores it.
func (s *Service) proceed(ctx context.Context, job *Job, plan *Plan, head *bucket.Object, options JobOptions) error {
	if plan.Failure = s.prepare(job, head, options); plan.Failure == nil {
		err := s.cut(ctx, job, plan)
		switch status := bucket.Status(err); {
		case err == errGroups:
			plan.Failure = &Failure{codeGroups, "Nothing was sent. " + groupsAdvice}
		case !plan.Read && (status == http.StatusNotFound || status == http.StatusPreconditionFailed):
			plan.Failure = sourceGone(job)
		case err != nil:
			return err
		}
	}
	if plan.Failure == nil && plan.Done {
		if err := s.estimate(ctx, plan); err != nil {
			return err
		}
		plan.Failure = s.overCeiling(job, plan)
	}
	if plan.Failure != nil {
		plan.Done = true
	}
	if plan.Done {
		plan.DoneAt = s.now().UTC()
		if err := s.store.Put(ctx, jobKey(job.ID), job); err != nil {
			return err
		}
		if err := s.putItems(ctx, job, plan); err != nil {
			return err
		}
	}
	return s.store.Put(ctx, planKey(job.ID), plan)
}

func (s *Service) planAnswer(job *Job, plan *Plan) *PlanAnswer {
	a := &PlanAnswer{Job: job.ID, Bucket: s.store.Name(), Items: itemsKey(job.ID), Parts: len(plan.Parts), Lines: plan.Lines}
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
func (s *Service) putItems(ctx context.Context, job *Job, plan *Plan) error {
	type item struct {
		Part int `json:"part"`
	}
	items := make([]item, len(plan.Parts))
	for i, part := range plan.Parts {
		items[i].Part = part.Number
	}
	return s.store.Put(ctx, itemsKey(job.ID), items)
}

// claimJob makes the job's record, or finds that it has been made. ours is false where another
// execution works on the job.
func (s *Service) claimJob(ctx context.Context, in *Input, head *bucket.Object, execution string) (job *Job, ours bool, err error) {
	job = &Job{
		Execution: execution, Origin: in.Origin, Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionID, CreatedAt: s.now().UTC(),
		Limits: in.Limits, Results: in.Outputs.Results, Errors: in.Outputs.Errors, Summary: in.Outputs.Summary,
	}
	if job.Origin == "" {
		job.Origin = OriginDrop
	}
	if head != nil {
		job.Size, job.ETag = head.Size, head.ETag
		if in.VersionID == "" {
			in.VersionID = head.Version
			job.VersionID = in.VersionID
		}
		if in.ETag == "" {
			in.ETag, in.Sequencer = head.ETag, head.Modified.UTC().Format(time.RFC3339)
		}
	}
	if job.VersionID == "null" {
		job.VersionID = "" // the newest, in a bucket without versions
	}
	job.ID = in.ID()
	if err := s.name(ctx, job); err != nil {
		return nil, false, err
	}
	won, err := s.store.Claim(ctx, jobKey(job.ID), job)
	if err != nil || won {
		return job, won, err
	}
	claimed := &Job{}
	found, err := s.store.Get(ctx, jobKey(job.ID), claimed)
	switch {
	case err != nil:
		return nil, false, err
	case !found:
		return nil, false, errors.New("the job's record was claimed and is not there")
	case claimed.Execution == execution:
		return claimed, true, nil
	case !in.TakeOver:
		return claimed, false, nil
	}
	claimed.Execution = execution
	return claimed, true, s.store.Put(ctx, jobKey(job.ID), claimed)
}

// name decides where the results will be, unless whoever started the job has: the plain name is the
// first job's that asks for it.
func (s *Service) name(ctx context.Context, job *Job) error {
	if job.Results != "" {
		return nil
	}
	name := resultName(job.Key)
	type owner struct {
		Job string `json:"job"`
	}
	won, err := s.store.Claim(ctx, nameKey(name), owner{job.ID})
	if err != nil {
		return err
	}
	var first owner
	if !won {
		if _, err := s.store.Get(ctx, nameKey(name), &first); err != nil {
			return err
		}
	}
	ours := won || first.Job == job.ID
	if won { // the claim may be newer than the results of a job whose records are gone
		results, err := s.store.Head(ctx, "results/"+name+".jsonl", "")
		if err != nil {
			return err
		}
		ours = results == nil
	}
	if !ours {
		name += "." + job.ID
	}
	job.named(name)
	return nil
}

func (j *Job) named(name string) {
	j.Results, j.Summary = "results/"+name+".jsonl", "results/"+name+".summary.json"
	if j.Origin == OriginAPI {
		j.Errors = "results/" + name + ".errors.jsonl"
	}
}

// prepare settles what the job runs with. It returns what stands against it.
func (s *Service) prepare(job *Job, head *bucket.Object, options JobOptions) *Failure {
	job.Settings = s.Settings()
	if head == nil {
		return sourceGone(job)
	}
	own, err := OptionsOf(head.Metadata)
	if err != nil {
		e := openaierr.From(err)
		return &Failure{e.Code, e.Message}
	}
	job.Settings = job.Settings.with(own).with(options)
	return nil
}

func sourceGone(job *Job) *Failure {
	return &Failure{"source_gone", fmt.Sprintf("The object %s was deleted or replaced before it had been read. Put it there again.", job.Key)}
}
