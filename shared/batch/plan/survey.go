package plan

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/batch/source"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// Source is a file to survey, from the end of a line on.
type Source struct {
	Bucket    string `json:"bucket"` // "" is the stack's
	Key       string `json:"key"`
	VersionID string `json:"version_id"`
	Offset    int64  `json:"offset"` // of the text, as an earlier answer has it
	Line      int    `json:"line"`
}

// Survey is what a job would find in a file, or in as much of it as there was time for.
type Survey struct {
	Done     bool          // the file was read to its end
	Offset   int64         // of the text in bytes, of where to go on
	Line     int           // the last one read
	Lines    int           // that were read here and are not blank
	Refused  int           // of them: those that a job would answer with an error
	Refusals []jsonl.Error // the first of these
	Parts    []SurveyRow   // what the others come to, by model, mode and endpoint
	Job      job.Estimate  // what a job of these lines would be held against its ceiling with
}

// maxRefusals is how many refusals a survey has.
const maxRefusals = 100

// Survey reads an object once and counts what a job would make of it, by the rules of the plan task. It
// holds a few lines of the object at a time. Nothing is written. When the time is nearly over it says
// where to go on.
func (p *Planner) Survey(ctx context.Context, in Source) (*Survey, error) {
	if in.Key == "" {
		return nil, openaierr.Invalid("s3.key", "missing_required_parameter", "'s3' names no object: it needs 'key', and 'bucket' if it is not the stack's own.")
	}
	if in.Bucket != "" && !bucket.ValidName(in.Bucket) {
		return nil, openaierr.Invalid("s3.bucket", "invalid_value", "'s3.bucket' is %.100q, want the name of a bucket such as %s: no ARN, access point or path. What comes after a slash belongs into 's3.key'.", in.Bucket, p.store.Name())
	}
	where := p.store
	if own := in.Bucket == "" || in.Bucket == where.Name(); own && job.Below(in.Key, "api/", "jobs/") {
		e := openaierr.Invalid("s3.key", "access_denied", "What lies below api/ and jobs/ is the bridge's own and may be another caller's. Put the file elsewhere in the bucket.")
		e.Status = http.StatusForbidden
		return nil, e
	}
	if in.Bucket != "" {
		where = where.Other(in.Bucket)
	}
	return p.survey(ctx, where, in, job.Limits{})
}

// SurveyFile is Survey for a file that a caller has uploaded, whose key the API knows. Lines that the caller's limits
// refuse are among the refused.
func (p *Planner) SurveyFile(ctx context.Context, in Source, limits job.Limits) (*Survey, error) {
	return p.survey(ctx, p.store, in, limits)
}

func (p *Planner) survey(ctx context.Context, where *bucket.Bucket, in Source, limits job.Limits) (*Survey, error) {
	reading, cancel := context.WithCancel(ctx)
	text := source.Open(where.OpenVersion(reading, in.Key, in.VersionID, "", 0), in.Offset)
	defer text.Close()
	v := &survey{
		placer: p.newPlacer(jsonl.Auto, limits), batches: p.batches, quota: p.env.EnqueuedTokens,
		found: &Survey{Offset: in.Offset, Line: in.Line}, rows: map[group]int{},
	}
	if err := v.read(reading, jsonl.NewScanner(text, in.Line, in.Offset), p.closing(ctx), cancel); err != nil {
		return nil, sourceError(err, where.Name(), in.Key)
	}
	prices, err := cost.PricesOf(ctx, p.azure)
	if err != nil {
		return nil, err
	}
	parts := make([]job.Part, len(v.found.Parts))
	for i := range parts {
		parts[i] = v.found.Parts[i].part()
	}
	v.found.Job, _ = prices.Foresee(parts, p.env.OutputTokens)
	for i := range v.found.Parts {
		v.found.Parts[i].Guess = v.found.Job.Guesses[v.found.Parts[i].Serves]
	}
	return v.found, nil
}

// sourceError says what the caller can do about an object that cannot be read.
func sourceError(err error, name, key string) error {
	if errors.Is(err, bucket.ErrBeyondEnd) {
		return openaierr.Invalid("s3.offset", "invalid_value", "The object %s ends before the offset: it was replaced by a shorter one. Begin without 'offset' and 'line'.", key)
	}
	if bad, ok := errors.AsType[*source.FormatError](err); ok {
		return openaierr.Invalid("s3.key", bad.Code, "%s", bad.Message)
	}
	switch bucket.Status(err) {
	case http.StatusNotFound:
		e := openaierr.Invalid("s3.key", "not_found", "There is no object %q in the bucket %s.", key, name)
		e.Status = http.StatusNotFound
		return e
	case http.StatusForbidden:
		e := openaierr.Invalid("s3.bucket", "access_denied", "The function may not read the bucket %s. Copy the file to the stack's bucket, or allow s3:GetObject to the role of TokenEstimateFunction.", name)
		e.Status, e.Cause = http.StatusForbidden, err
		return e
	case http.StatusMovedPermanently, http.StatusBadRequest:
		e := openaierr.Invalid("s3", "invalid_value", "S3 does not take the bucket %q, key %q and version. Is the bucket in this region?", name, key)
		e.Cause = err
		return e
	case http.StatusPreconditionFailed:
		return openaierr.Invalid("s3.key", "source_changed", "The object %s was replaced while it was read. Try again.", key)
	}
	return err
}

// survey is one under way. Lines are read by one goroutine, counted by several, and added up in the
// file's order by the caller's.
type survey struct {
	placer  *placer
	batches *azurebatch.Client
	quota   int64 // as the cutter's
	found   *Survey
	rows    map[group]int // index into found.Parts
}

func (v *survey) read(ctx context.Context, lines *jsonl.Scanner, closing func() bool, cancel context.CancelFunc) error {
	workers := runtime.GOMAXPROCS(0)
	work, order, free := make(chan *stretch), make(chan *stretch, workers+2), make(chan *stretch, workers+2)
	for range cap(free) {
		free <- &stretch{}
	}
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		defer close(work)
		defer close(order)
		for more := true; more; {
			var s *stretch
			select {
			case s = <-free:
			case <-ctx.Done():
				return
			}
			s.fill(lines)
			more = !s.last
			select {
			case order <- s:
			case <-ctx.Done():
				return
			}
			work <- s
		}
	})
	for range workers {
		all.Go(func() {
			var tree rawjson.Tree
			for s := range work {
				v.count(ctx, &tree, s)
				close(s.done)
			}
		})
	}
	for s := range order {
		select {
		case <-s.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if s.err != nil {
			return s.err
		}
		v.addUp(s)
		if !s.last && closing() {
			return nil
		}
		free <- s
	}
	if lines.Err != nil {
		return lines.Err
	}
	v.found.Done = ctx.Err() == nil
	return context.Cause(ctx)
}

// count parses and counts the lines of a stretch.
func (v *survey) count(ctx context.Context, tree *rawjson.Tree, s *stretch) {
	for i := range s.lines {
		p := &s.lines[i]
		p.line, p.bad = jsonl.Parse(tree, jsonl.RawLine{Number: p.number, Text: s.text[p.start:p.end], Long: p.long})
		if p.bad != nil {
			continue
		}
		if s.err = v.place(ctx, p); s.err != nil {
			return
		}
		if p.bad != nil {
			continue
		}
		name := p.line.Model
		if p.mode == jsonl.Batch {
			name = p.target.Deployment
		}
		p.size = p.line.BodyFor(name).Len()
		p.Reading = p.meter.Read(p.line.Endpoint, p.line.Body, p.size)
	}
}

// place finds out where a line would go and how it is counted.
func (v *survey) place(ctx context.Context, p *span) (err error) {
	var to []routing.Target
	if p.mode, to, p.bad, err = v.placer.place(ctx, p.line); p.bad != nil || err != nil {
		return err
	}
	p.target = to[0]
	p.meter, err = v.placer.counting(ctx, p.target.Model)
	return err
}

func (v *survey) addUp(s *stretch) {
	f := v.found
	for i := range s.lines {
		p := &s.lines[i]
		f.Lines++
		if p.bad == nil {
			if row := v.row(p); row != nil {
				row.add(p, v.batches.URL(row.Endpoint))
				continue
			}
			p.bad = p.line.Fail(codeGroups, "%s", groupsAdvice)
		}
		f.Refused++
		if len(f.Refusals) < maxRefusals {
			f.Refusals = append(f.Refusals, *p.bad)
		}
	}
	f.Offset, f.Line = s.offset, s.number
}

// row returns the row of a line, nil if a job takes no further group.
func (v *survey) row(p *span) *SurveyRow {
	g := group{p.mode, p.line.Model, p.line.Endpoint}
	i, ok := v.rows[g]
	if !ok {
		t := p.target
		i = len(v.found.Parts)
		if i == maxGroups {
			return nil
		}
		quota := t.EnqueuedTokens
		if quota == 0 && p.mode == jsonl.Batch {
			quota = v.quota
		}
		v.rows[g] = i
		v.found.Parts = append(v.found.Parts, SurveyRow{
			Model: g.model, Serves: t.Model, Mode: g.mode, Type: t.Type, Endpoint: g.endpoint, Parts: 1, EnqueuedTokens: quota,
		})
	}
	return &v.found.Parts[i]
}
