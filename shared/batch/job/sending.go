package job

import (
	"time"

	"aoai-bridge/shared/azurebatch"
)

// Sending is what a try remembers of being sent, beyond its file and its batch: what may have happened, and how many of
// its lines there is room for. Records from before it have none of this.
type Sending struct {
	UploadingAt time.Time `json:"uploading_at,omitzero"` // when the upload was begun
	CreatingAt  time.Time `json:"creating_at,omitzero"`  // when the create was sent
	LostUpload  time.Time `json:"lost_upload,omitzero"`  // when the first upload was begun that may have left a file
	Endpoint    string    `json:"endpoint,omitempty"`    // of the batch, where Azure refused the part's
	Late        bool      `json:"late,omitempty"`        // the bridge has cancelled the batch, which did not end

	Last     int      `json:"last,omitempty"`      // the number of the last line that is sent; 0: all are
	Room     int64    `json:"room,omitempty"`      // how many bytes of requests fit the quota, as far as is known; 0: all
	Refused  int      `json:"refused,omitempty"`   // how often in a row there was no room though nothing else was enqueued
	TooLarge *Failure `json:"too_large,omitempty"` // why the one line that was to be sent is not

	// Of the earlier tries, those that sent none of the lines of this one, and the last line of each that sent only some.
	Unsent int   `json:"unsent,omitempty"`
	CutAt  []int `json:"cut_at,omitempty"`
}

// Tries is how often a line has been sent before a try, which is the part's number try, from 0.
func (s *Sending) Tries(try, number int) int {
	tries := try - s.Unsent
	for _, last := range s.CutAt {
		if last < number {
			tries--
		}
	}
	return tries
}

// Next is where the try after this one begins, whose first line has a number. size is how many bytes this one sends.
func (s *Sending) Next(first int, size int64) Sending {
	next := Sending{Room: s.Room, Endpoint: s.Endpoint, Unsent: s.Unsent}
	cuts := s.CutAt
	if s.Last > 0 {
		cuts = append(cuts[:len(cuts):len(cuts)], s.Last)
		if s.TooLarge == nil {
			next.Room = size // so much had room
		}
	}
	for _, last := range cuts {
		if last < first {
			next.Unsent++
		} else {
			next.CutAt = append(next.CutAt, last)
		}
	}
	return next
}

// Doubt says that a try may have more batches at Azure than the one that is the try's.
type Doubt struct {
	Since time.Time `json:"since"` // when the first of them can have been made; zero: at any time
	Until time.Time `json:"until"` // and the last
}

// PaidTwice bounds what may have been charged for more than once.
type PaidTwice struct {
	Batches int                `json:"batches,omitempty"`        // at Azure, beside those that are the tries'
	Counts  *azurebatch.Counts `json:"request_counts,omitempty"` // of these
	AtMost  int                `json:"at_most"`                  // requests in all
}

// AddBatch counts a batch that was made beside the one that is the try's. It has so many requests at the most.
func (p *PaidTwice) AddBatch(c azurebatch.Counts, most int) {
	p.Add(&PaidTwice{Batches: 1, Counts: &c, AtMost: most})
}

// Add counts what another bound has.
func (p *PaidTwice) Add(other *PaidTwice) {
	if other == nil {
		return
	}
	p.Batches += other.Batches
	p.AtMost += other.AtMost
	if other.Counts != nil {
		var sum azurebatch.Counts
		if p.Counts != nil {
			sum = *p.Counts
		}
		sum.Total += other.Counts.Total
		sum.Completed += other.Counts.Completed
		sum.Failed += other.Counts.Failed
		p.Counts = &sum
	}
}

// OrNil returns nil for a bound of nothing.
func (p *PaidTwice) OrNil() *PaidTwice {
	if *p == (PaidTwice{}) {
		return nil
	}
	return p
}

// Run is the record of a run of online calls.
type Run struct {
	AtOnce  int       `json:"at_once"` // calls that may be under way, or may have been when the run was killed; 0 once it has ended
	BegunAt time.Time `json:"begun_at"`
}

// NoRoom is the reason of another try of lines that were not sent because the deployment's quota is too small.
const NoRoom = "no_room"
