package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
)

// A plan is made in passes. The first reads the source and fills a part of each group of lines that it meets, of as
// many groups as may be open at once. The lines of further groups are spilled: they go into an object of their own,
// which a later pass reads as this one reads the source. So parts have the size that they would have if each group
// came alone, whatever the order of the lines. After each pass a line that has been read is in one place: in a part,
// among the rejected or in a spill. So none is settled twice, even if the Azure secret or these rules change meanwhile.

// maxGroups bounds the groups of a job, and with them its passes. A file may name as many models as it has lines,
// and where the secret lists no deployments none of these names is wrong.
const maxGroups = 1000

// errGroups is the error of a job of too many groups.
var errGroups = errors.New("the lines are of too many groups")

// codeGroups and groupsAdvice are what the owner of such a job gets.
const codeGroups = "too_many_models"

var groupsAdvice = fmt.Sprintf(
	"A job takes up to %d different combinations of model, url and mode, each of which is a batch of its own. Does 'body.model' name a model or a deployment in every line? If so, split the file.", maxGroups)

// Spill is an object of lines that had no room in the pass that read them.
type Spill struct {
	Number int   `json:"number"`           // of the pass that wrote it
	Offset int64 `json:"offset,omitempty"` // behind what has been planned of it
}

// cut makes the parts of a plan, pass by pass, until every line has its place or time is short.
func (s *Service) cut(ctx context.Context, job *Job, plan *Plan) error {
	closing := s.closing(ctx)
	for {
		if err := s.pass(ctx, job, plan, closing); err != nil {
			return err
		}
		if plan.Done = plan.Read && len(plan.Spills) == 0; plan.Done || closing() {
			return nil
		}
		if err := s.store.Put(ctx, planKey(job.ID), plan); err != nil { // a run that is killed is gone on with here
			return err
		}
	}
}

// pass reads what is left of the source or, after that, of the oldest spill, up to where time is short. What has
// been read is in parts that are complete when it returns without an error.
func (s *Service) pass(ctx context.Context, job *Job, plan *Plan, closing func() bool) error {
	c := s.newCutter(ctx, job, plan)
	defer c.abandon()
	read := c.readSource
	if plan.Read {
		read = c.readSpill
	}
	if err := read(closing); err != nil {
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	plan.Passes++
	return nil
}

func (s *Service) newCutter(ctx context.Context, job *Job, plan *Plan) *cutter {
	c := &cutter{
		Service: s, ctx: ctx, job: job, plan: plan,
		spool: s.store.NewSpool(s.temp, maxSending), rejected: s.store.Create(ctx, rejectedKey(job.ID, plan.Passes), nil),
		open: map[group]*openPart{}, groups: map[group]bool{},
		targets: map[string]targets{}, measures: map[string]measure{}, assigned: map[deployment]int64{},
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		c.assigned[part.to()] += part.Tokens
		c.groups[group{part.Mode, part.Model, part.Endpoint}] = true
	}
	return c
}

func (c *cutter) readSource(closing func() bool) error {
	plan := c.plan
	source := c.store.OpenVersion(c.ctx, c.job.Key, c.job.VersionID, c.job.ETag, plan.Offset)
	defer source.Close()
	lines := newScanner(source, plan.Line, plan.Offset)
	for closed := false; !closed && lines.next(); closed = closing() {
		plan.Lines++
		if err := c.add(lines.rawLine); err != nil {
			return err
		}
	}
	plan.Line, plan.Offset, plan.Read = lines.number, lines.offset, lines.ended
	return lines.err
}

func (c *cutter) readSpill(closing func() bool) error {
	spill := &c.plan.Spills[0]
	source := c.store.OpenVersion(c.ctx, spillKey(c.job.ID, spill.Number), "", "", spill.Offset)
	defer source.Close()
	lines := newAnswerScanner(source)
	lines.offset = spill.Offset
	for closed := false; !closed && lines.next(); closed = closing() {
		number, text, err := cutNumber(lines.text)
		if err == nil {
			err = c.add(rawLine{number: number, text: text})
		}
		if err != nil {
			return err
		}
	}
	if spill.Offset = lines.offset; lines.ended {
		c.plan.Spills = c.plan.Spills[1:]
	}
	return lines.err
}

// spill puts a line off.
func (c *cutter) spill(number int, text []byte) error {
	if c.spilled == nil {
		c.spilled = c.store.Create(c.ctx, spillKey(c.job.ID, c.plan.Passes), nil)
	}
	c.buffer = append(strconv.AppendInt(c.buffer[:0], int64(number), 10), '\t')
	c.buffer = append(append(c.buffer, text...), '\n')
	_, err := c.spilled.Write(c.buffer)
	return err
}

// remember counts the groups.
func (c *cutter) remember(g group) error {
	if c.groups[g] {
		return nil
	}
	if len(c.groups) >= maxGroups {
		return errGroups
	}
	c.groups[g] = true
	return nil
}

// cutNumber cuts off what leads a line of our own lists: the number of a line of the source, and a tab.
func cutNumber(text []byte) (number int, rest []byte, err error) {
	digits, rest, _ := bytes.Cut(text, []byte{'\t'})
	number, err = strconv.Atoi(string(digits))
	return number, rest, err
}
