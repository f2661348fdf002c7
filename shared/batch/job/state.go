package job

import (
	"slices"
	"time"

	"aoai-bridge/shared/azurebatch"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// State is how far a try of a part is. It is written before and after whatever must not happen twice.
type State struct {
	Mode        jsonl.Mode         `json:"mode"`
	Lines       int                `json:"lines"`
	Bytes       int64              `json:"bytes"`
	Uploading   bool               `json:"uploading"` // an upload has been begun
	FileID      string             `json:"file_id,omitempty"`
	Creating    bool               `json:"creating"` // a create has been sent
	Create      int                `json:"create"`   // how many batches there have been before, or may have been
	BatchID     string             `json:"batch_id,omitempty"`
	CreatedAt   time.Time          `json:"created_at,omitzero"` // of the batch
	Status      string             `json:"status,omitempty"`    // of the batch, or StateEnded
	Counts      azurebatch.Counts  `json:"request_counts"`
	OutputID    string             `json:"output_file_id,omitempty"`
	ErrorID     string             `json:"error_file_id,omitempty"`
	Errors      []azurebatch.Error `json:"errors,omitempty"`
	Cancelled   bool               `json:"cancelled,omitempty"`   // by the job's owner
	Unavailable int                `json:"unavailable,omitempty"` // polls in a row that found no batch
	Forecast    *Forecast          `json:"forecast,omitempty"`    // of its lines, where they are not all of the part's
	Withheld    *Failure           `json:"withheld,omitempty"`    // why lines without an answer have not been sent
	Sending
}

// StateEnded marks a try that has nothing more to come from Azure.
const StateEnded = "ended"

// Terminal reports whether nothing more comes of the try's batch.
func (st *State) Terminal() bool {
	switch st.Status {
	case "completed", "failed", "expired", "cancelled", StateEnded:
		return true
	}
	return false
}

// Creation is the record of a try's batch, or of a create that was given up. The first one written decides.
type Creation struct {
	BatchID   string    `json:"batch_id"` // "": no batch of this create becomes the try's
	FileID    string    `json:"file_id"`  // of its input
	CreatedAt time.Time `json:"created_at"`
}

// Adopt makes a batch the try's.
func (st *State) Adopt(c Creation) {
	st.BatchID, st.FileID, st.CreatedAt = c.BatchID, c.FileID, c.CreatedAt
}

// Update takes over how far the batch is.
func (st *State) Update(b *azurebatch.Batch) {
	st.Status, st.OutputID, st.ErrorID, st.Errors = b.Status, b.OutputFileID, b.ErrorFileID, b.Errors
	if b.Counts != nil {
		st.Counts = *b.Counts
	}
}

// Tried is what came of a try of a part.
type Tried struct {
	Mode      jsonl.Mode     `json:"mode"`
	Lines     int            `json:"lines"`
	Succeeded int            `json:"succeeded"`
	Failed    int            `json:"failed"`            // for good
	Again     int            `json:"again"`             // go into the next try
	Reasons   map[string]int `json:"reasons,omitempty"` // of another try
	Torn      int            `json:"torn,omitempty"`    // lines of Azure's files that are no JSON
	Short     bool           `json:"short,omitempty"`   // lines are missing from Azure's files, which are left there
	Retried   int            `json:"retried,omitempty"` // of Again: lines that had not been tried before
	Twice     *PaidTwice     `json:"maybe_paid_twice,omitempty"`
	Usage     usage.Usage    `json:"usage"`

	// Apart has what of it has another price than short calls of the part's model by the standard tier.
	Apart Tallies `json:"priced_apart,omitempty"`
	// Tiers is what earlier versions have in place of Apart: what other service tiers than the standard one answered.
	Tiers map[catalog.Tier]*Tally `json:"service_tiers,omitempty"`
}

// AddSuccess counts a line in that was answered.
func (t *Tried) AddSuccess(p Price, u usage.Usage) {
	t.Succeeded++
	t.Usage.Add(u)
	if p != (Price{}) {
		t.Apart.Add(p, u)
	}
}

// Answered is what was answered, by its price.
func (t *Tried) Answered() Tallies {
	all := slices.Clone(t.Apart)
	for tier, of := range t.Tiers {
		all = append(all, Tally{Price{Tier: tier}, of.Lines, of.Usage})
	}
	rest := Tally{Lines: t.Succeeded, Usage: t.Usage}
	for _, apart := range all {
		rest.Lines -= apart.Lines
		rest.Usage.Subtract(apart.Usage)
	}
	return append(all, rest)
}
