package job

import (
	"time"

	"aoai-bridge/shared/usage"
)

// Summary is what a job came to, for its owner.
type Summary struct {
	Job     string      `json:"job"`
	Status  string      `json:"status"` // completed, cancelled, refused or failed
	Failure *Failure    `json:"error,omitempty"`
	Source  string      `json:"source"`            // s3://bucket/key
	Results string      `json:"results,omitempty"` // s3://bucket/key
	Errors  string      `json:"errors,omitempty"`  // s3://bucket/key, where they are apart
	Lines   LineCounts  `json:"lines"`
	Usage   usage.Usage `json:"usage"`
	Cost    Cost        `json:"cost"`
	Parts   int         `json:"parts"`

	Failures           map[string]int `json:"failures,omitempty"`             // lines that failed, by code
	FailedInput        string         `json:"failed_input,omitempty"`         // s3://bucket/key of their requests, as the source has them
	FailedInputMissing string         `json:"failed_input_missing,omitempty"` // why there is no such object

	TriedAgain  TriedAgain `json:"tried_again"`
	Twice       *PaidTwice `json:"maybe_paid_twice,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	PlannedAt   time.Time  `json:"planned_at,omitzero"`
	CompletedAt time.Time  `json:"completed_at"`
	Seconds     int64      `json:"seconds"`
}

// Ends reports whether the summary is of a job and of its end: a job that has ended may be taken over and go on.
func (s *Summary) Ends(j *Job) bool { return s.Job == j.ID && !s.CompletedAt.Before(j.TakenOver) }

// Delivered reports whether the job has brought its owner anything but errors. One that was refused, or failed or was
// cancelled before a line was answered, has not.
func (s *Summary) Delivered() bool { return s.Lines.Succeeded > 0 || s.Status == "completed" }

// Complete reports whether every line of the job was answered.
func (s *Summary) Complete() bool {
	return s.Status == "completed" && s.Lines.Succeeded > 0 && s.Lines.Succeeded == s.Lines.Total
}

// LineCounts add up: every line succeeded or failed.
type LineCounts struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Invalid   int `json:"invalid"` // of those that failed: never sent
	Online    int `json:"online"`  // of those that succeeded: by online calls
}

// Cost is in USD. Nil is not known, for want of a price.
type Cost struct {
	USD             *float64          `json:"usd"`
	AtMost          *float64          `json:"at_most_usd,omitempty"` // where USD is nil: with the dearest price in place of those that are not known
	Estimated       *float64          `json:"estimated_usd"`         // before anything was sent, of what could be counted
	EstimatedAtMost *float64          `json:"estimated_at_most_usd"` // with a bound of what could not; nil where nothing bounded it
	Standard        *float64          `json:"global_standard_usd"`   // the same tokens by Global Standard
	Saving          *float64          `json:"saving_usd"`            // against that
	Unpriced        []string          `json:"unpriced_models,omitempty"`
	Guesses         map[string]string `json:"guesses_by_name,omitempty"` // what the names of these suggest: nothing was decided by it
	NotCounted      []string          `json:"not_counted,omitempty"`     // parts of the input that Estimated is without
	Assumed         string            `json:"assumed,omitempty"`         // what the estimate takes an answer for, where lines set no limit
}

// TriedAgain counts the lines that took more than one try.
type TriedAgain struct {
	Lines   int            `json:"lines"`
	Reasons map[string]int `json:"reasons,omitempty"` // http_429, batch_expired, no_answer ...
}

// Count adds the reasons of a try.
func (t *TriedAgain) Count(reasons map[string]int) {
	for reason, n := range reasons {
		if t.Reasons == nil {
			t.Reasons = map[string]int{}
		}
		t.Reasons[reason] += n
	}
}

// Cancellation is the mark of a cancelled job.
type Cancellation struct {
	At time.Time `json:"at"`
}
