package batch

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"

	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// Source is a file to survey, from behind a line on.
type Source struct {
	Bucket    string `json:"bucket"` // "" is the stack's
	Key       string `json:"key"`
	VersionID string `json:"version_id"`
	Offset    int64  `json:"offset"` // as an earlier answer has it
	Line      int    `json:"line"`
}

// Survey is what a job would find in a file, or in as much of it as there was time for.
type Survey struct {
	Done     bool        // the file was read to its end
	Offset   int64       // in bytes, of where to go on
	Line     int         // the last one read
	Lines    int         // that were read here and are not blank
	Refused  int         // of them: those that a job would answer with an error
	Refusals []Refusal   // the first of these
	Parts    []SurveyRow // what the others come to, by model, mode and endpoint
}

// Refusal is why a line would be answered with an error.
type Refusal = lineError

// maxRefusals is how many a survey tells of.
const maxRefusals = 100

// Survey reads an object once and counts what a job would make of it, by the rules of the plan task. It
// holds a few lines of the object at a time. Nothing is written. When the time is nearly over it says
// where to go on.
func (s *Service) Survey(ctx context.Context, in Source) (*Survey, error) {
	if in.Key == "" {
		return nil, openaierr.Invalid("s3.key", "missing_required_parameter", "'s3' names no object: it needs 'key', and 'bucket' if it is not the stack's own.")
	}
	if in.Bucket != "" && !bucket.ValidName(in.Bucket) {
		return nil, openaierr.Invalid("s3.bucket", "invalid_value", "'s3.bucket' is %.100q, want the name of a bucket such as %s: no ARN, access point or path. What comes after a slash belongs into 's3.key'.", in.Bucket, s.store.Name())
	}
	where := s.store
	if own := in.Bucket == "" || in.Bucket == where.Name(); own && below(in.Key, "api/", "jobs/") {
		e := openaierr.Invalid("s3.key", "access_denied", "What lies below api/ and jobs/ is the bridge's own and may be another caller's. Put the file elsewhere in the bucket.")
		e.Status = http.StatusForbidden
		return nil, e
	}
	if in.Bucket != "" {
		where = where.Other(in.Bucket)
	}
	ctx, cancel := context.WithCancel(ctx)
	source := where.OpenVersion(ctx, in.Key, in.VersionID, "", in.Offset)
	defer source.Close()
	v := &survey{
		cutter: cutter{Service: s, ctx: ctx, job: &Job{}, targets: map[string]targets{}, measures: map[string]measure{}},
		found:  &Survey{Offset: in.Offset, Line: in.Line}, rows: map[group]int{},
	}
	err := v.read(newScanner(source, in.Line, in.Offset), s.closing(ctx), cancel)
	return v.found, sourceError(err, where.Name(), in.Key)
}

// sourceError says what the caller can do about an object that cannot be read.
func sourceError(err error, name, key string) error {
	if errors.Is(err, bucket.ErrBeyondEnd) {
		return openaierr.Invalid("s3.offset", "invalid_value", "The object %s ends before the offset: it was replaced by a shorter one. Begin without 'offset' and 'line'.", key)
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
	cutter
	mu    sync.Mutex // guards the maps of cutter
	found *Survey
	rows  map[group]int // index into found.Parts
}

// stretch is a run of lines.
type stretch struct {
	text   []byte
	lines  []span
	offset int64 // behind the last line
	number int   // of the last line
	last   bool  // there are no more
	done   chan struct{}
	err    error
}

type span struct {
	start, end, number int
	long               bool

	line   *line // but for its body
	bad    *lineError
	to     targets
	mode   Mode
	size   int   // of the request on its way to Azure, in bytes
	tokens int64 // of its input
	sure   bool
	output int64
}

// About how many bytes of a file are handed on at once, and how many lines at most: a short line takes some
// hundred bytes beside its own.
const (
	stretchBytes = 512 << 10
	stretchLines = 4096
)

func (v *survey) read(lines *scanner, closing func() bool, cancel context.CancelFunc) error {
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
			case <-v.ctx.Done():
				return
			}
			s.fill(lines)
			more = !s.last
			select {
			case order <- s:
			case <-v.ctx.Done():
				return
			}
			work <- s
		}
	})
	for range workers {
		all.Go(func() {
			var tree rawjson.Tree
			for s := range work {
				v.count(&tree, s)
				close(s.done)
			}
		})
	}
	for s := range order {
		select {
		case <-s.done:
		case <-v.ctx.Done():
			return context.Cause(v.ctx)
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
	if lines.err != nil {
		return lines.err
	}
	v.found.Done = v.ctx.Err() == nil
	return context.Cause(v.ctx)
}

// fill reads lines.
func (s *stretch) fill(lines *scanner) {
	s.text, s.lines, s.done, s.err, s.last = s.text[:0], s.lines[:0], make(chan struct{}), nil, false
	for from := lines.offset; lines.offset-from < stretchBytes && len(s.lines) < stretchLines; {
		if s.last = !lines.next(); s.last {
			break
		}
		start := len(s.text)
		s.text = append(s.text, lines.text...)
		s.lines = append(s.lines, span{start: start, end: len(s.text), number: lines.number, long: lines.long})
	}
	s.offset, s.number = lines.offset, lines.number
}

// count parses and counts the lines of a stretch.
func (v *survey) count(tree *rawjson.Tree, s *stretch) {
	for i := range s.lines {
		p := &s.lines[i]
		p.line, p.bad = parseLine(tree, rawLine{p.number, s.text[p.start:p.end], p.long})
		if p.bad != nil {
			continue
		}
		var how measure
		if how, s.err = v.place(p); s.err != nil {
			return
		}
		if p.bad != nil {
			continue
		}
		body := p.line.body
		p.size = len(body.Raw())
		if p.mode == Batch {
			p.size += len(p.target().Deployment) - len(p.line.model) // names take no escapes
		}
		p.tokens, p.sure = how.tokens(p.line.endpoint, body, p.size)
		p.output = v.expectedOutput(p.line)
	}
}

// place finds out where a line would go and how it is counted.
func (v *survey) place(p *span) (how measure, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p.to, err = v.serving(p.line.model); err != nil {
		return how, err
	}
	if p.mode, p.bad = v.mode(p.line, p.to); p.bad != nil {
		return how, nil
	}
	return v.counting(p.target().Model)
}

// target is the deployment that decides about price and quota.
func (p *span) target() routing.Target {
	to := p.to.online
	if p.mode == Batch {
		to = p.to.batch
	}
	if len(to) == 0 {
		return routing.Target{}
	}
	return to[0]
}

func (v *survey) addUp(s *stretch) {
	f := v.found
	for i := range s.lines {
		p := &s.lines[i]
		f.Lines++
		if p.bad == nil {
			if row := v.row(p); row != nil {
				row.add(v, p)
				continue
			}
			p.bad = p.line.fail(codeGroups, "%s", groupsAdvice)
		}
		f.Refused++
		if len(f.Refusals) < maxRefusals {
			f.Refusals = append(f.Refusals, *p.bad)
		}
	}
	f.Offset, f.Line = s.offset, s.number
}
