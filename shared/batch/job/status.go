package job

import (
	"math/bits"
	"time"
)

// What a job's status can be besides those of a summary.
const (
	Planning   = "planning"
	Running    = "running"
	Cancelling = "cancelling"
	Stopped    = "stopped"   // no execution works on it; batches that were made go on at Azure
	Duplicate  = "duplicate" // of an earlier job, which answers the same content
)

// Status is how far a job is, for its owner: it is written from the plan on, and says at the end where the summary is.
type Status struct {
	Job         string      `json:"job"`
	Status      string      `json:"status"`
	DuplicateOf string      `json:"duplicate_of,omitempty"`
	Note        string      `json:"note,omitempty"` // what the owner may want to know, or can do
	Error       *Trouble    `json:"error"`          // what holds the job up, nil if nothing does
	Source      string      `json:"source"`         // s3://bucket/key
	Results     string      `json:"results,omitempty"`
	Summary     string      `json:"summary,omitempty"` // where it is, or will be
	Lines       int         `json:"lines"`             // that are not blank; while the file is read, those so far
	Parts       int         `json:"parts"`
	Counts      StatusCount `json:"counts"`
	Cost        Cost        `json:"cost"`
	CreatedAt   time.Time   `json:"created_at"`
	PlannedAt   *time.Time  `json:"planned_at"`
	CountedAt   *time.Time  `json:"counted_at"` // when the lines were counted
	UpdatedAt   time.Time   `json:"updated_at"`
	Settled     Settled     `json:"settled"`
	NextLookBy  *time.Time  `json:"next_look_by"`  // when the next task looks at the latest; nil if none does
	EndsAt      *time.Time  `json:"estimated_end"` // at the pace so far; nil if that is not known
}

// StatusCount is of lines, those of tries under way as Azure said last.
type StatusCount struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`  // for good; those that are tried again are not in it
	Invalid   int `json:"invalid"` // of those that failed: never sent
}

// Settled is what came of the parts that have ended, which need not be looked at again.
type Settled struct {
	Parts     PartSet `json:"parts"`
	Completed int     `json:"completed"`
	Failed    int     `json:"failed"`
}

// PartSet is a set of parts, a bit for each from part 1 on; in JSON base64.
type PartSet []byte

// Add puts a part into the set.
func (s *PartSet) Add(part int) {
	at := (part - 1) / 8
	for len(*s) <= at {
		*s = append(*s, 0)
	}
	(*s)[at] |= 1 << ((part - 1) % 8)
}

// Has reports whether a part is in the set.
func (s PartSet) Has(part int) bool {
	at := (part - 1) / 8
	return at < len(s) && s[at]&(1<<((part-1)%8)) != 0
}

// Len is how many parts the set has.
func (s PartSet) Len() (n int) {
	for _, b := range s {
		n += bits.OnesCount8(b)
	}
	return n
}

// Trouble is what holds a job up.
type Trouble struct {
	Failure
	Part  int       `json:"part,omitempty"` // the first one that met it
	Since time.Time `json:"since"`
	Seen  time.Time `json:"last_seen"`
}

// Meet notes what a task of a part has met that holds the job up, nil if nothing does, and reports whether that is news.
// A trouble that lasts is known by its code. Part 0 is the plan and the report.
func (s *Status) Meet(f *Failure, part int, now time.Time) (news bool) {
	was := s.Error
	switch {
	case f == nil && (was == nil || was.Part != part):
		return false // another part's trouble ends when that part says so
	case f == nil:
		s.Error = nil
		return true
	case was == nil || was.Code != f.Code:
		s.Error = &Trouble{Failure: *f, Part: part, Since: now, Seen: now}
		return true
	}
	was.Message, was.Seen = f.Message, now
	return false
}

// Over reports whether the job has ended, or never was one.
func (s *Status) Over() bool {
	switch s.Status {
	case Planning, Running, Cancelling, Stopped:
		return false
	}
	return true
}
