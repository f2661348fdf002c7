package job

import (
	"time"

	"aoai-bridge/shared/usage"
)

// Plan is what a job consists of. While it is being made it is also the place to go on from.
type Plan struct {
	Done     bool     `json:"done"`
	Offset   int64    `json:"offset"`           // of the source's text, after what has been read
	Line     int      `json:"line"`             // the last one read
	Read     bool     `json:"read,omitempty"`   // the source has been read to its end
	Spills   []Spill  `json:"spills,omitempty"` // to be read after it, oldest first
	Passes   int      `json:"passes"`           // each has its own list of rejected lines
	Lines    int      `json:"lines"`            // that are not blank
	Rejected int      `json:"rejected"`         // of them: bad ones
	Guessed  int64    `json:"guessed"`          // of them: whose tokens could not be counted
	Parts    []Part   `json:"parts"`
	Estimate Estimate `json:"estimate"`
	Failure  *Failure `json:"failure,omitempty"` // why nothing will be sent

	DoneAt time.Time `json:"done_at,omitzero"`
}

// Spill is an object of lines that had no room in the pass that read them.
type Spill struct {
	Number int   `json:"number"`           // of the pass that wrote it
	Offset int64 `json:"offset,omitempty"` // after what has been planned of it
}

// Estimate is what a job is expected to cost, and what it may cost at most if answers are no longer than expected. Nil is
// not known.
type Estimate struct {
	usage.Usage
	USD        *float64          `json:"usd"`                           // nil where a model has no known price
	AtMost     *float64          `json:"at_most_usd"`                   // with a bound of what is not counted or has no known price; nil where nothing bounds it
	Standard   *float64          `json:"usd_standard"`                  // as USD, at the price of calls by Global Standard
	Unpriced   []string          `json:"unpriced,omitempty"`            // the models without a price
	Guesses    map[string]string `json:"guesses_by_name,omitempty"`     // what their names suggest: nothing is decided by it
	NotCounted []string          `json:"not_counted,omitempty"`         // parts of the input that USD is without
	NoLimit    int               `json:"lines_without_limit,omitempty"` // whose answers are taken for AssumedOutput tokens each
	Assumed    int               `json:"assumed_output_tokens,omitempty"`
	Unbounded  string            `json:"unbounded,omitempty"` // why AtMost is nil
}
