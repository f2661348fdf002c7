package azurebatch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aoai-bridge/shared/rawjson"
)

// Batch is Azure's batch object, as far as it is acted on.
type Batch struct {
	ID           string
	Status       string // in lower case: validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled
	InputFileID  string
	OutputFileID string // "" is none
	ErrorFileID  string // "" is none
	Counts       *Counts
	Metadata     map[string]string
	Errors       []Error   // why it failed
	CreatedAt    time.Time // zero where Azure does not say
}

// Ended reports whether nothing more comes of the batch.
func (b *Batch) Ended() bool {
	switch b.Status {
	case "completed", "failed", "expired", "cancelled":
		return true
	}
	return false
}

// Counts are a batch's requests.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// Error is why a batch failed, or a line of it.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    *int   `json:"line,omitempty"` // of the file, from 1
}

// UnmarshalJSON reads what any api-version sends.
func (b *Batch) UnmarshalJSON(raw []byte) error {
	var form struct {
		ID           string            `json:"id"`
		Status       string            `json:"status"`
		InputFileID  string            `json:"input_file_id"`
		OutputFileID string            `json:"output_file_id"` // null and "" are none
		ErrorFileID  string            `json:"error_file_id"`
		Counts       *Counts           `json:"request_counts"`
		Metadata     map[string]string `json:"metadata"`
		Errors       struct {
			Data []Error `json:"data"`
		} `json:"errors"`
		CreatedAt rawTime `json:"created_at"`
	}
	if err := json.Unmarshal(raw, &form); err != nil {
		return err
	}
	*b = Batch{form.ID, normalizedStatus(form.Status), form.InputFileID, form.OutputFileID, form.ErrorFileID, form.Counts, form.Metadata, form.Errors.Data, form.CreatedAt.Time}
	return nil
}

// normalizedStatus is a status in one spelling: old REST samples have capitals, and the documentation's polling sample
// has "canceled" (batch-rest.md, how-to-batch-content.md of 03/19/2026).
func normalizedStatus(status string) string {
	switch status = strings.ToLower(status); status {
	case "canceled":
		return "cancelled"
	case "canceling":
		return "cancelling"
	}
	return status
}

// Create makes a batch of a file. endpoint is a URL's, or one that Azure is known to take instead. It is sent once:
// Find finds out what became of it.
func (r Resource) Create(ctx context.Context, fileID, endpoint string, metadata map[string]string) (*Batch, error) {
	request := map[string]any{
		"input_file_id": fileID, "endpoint": endpoint, "completion_window": "24h", "metadata": metadata,
	}
	if r.client.apiVersion == "" {
		request["output_expires_after"] = map[string]any{"seconds": keepSeconds, "anchor": "created_at"}
	}
	body, _ := json.Marshal(request) // strings and numbers always marshal
	call := r.newCall(http.MethodPost, "batches", nil)
	call.Header.Set("Content-Type", "application/json")
	call.Once, call.Body = true, func(string) rawjson.Pieces { return rawjson.Pieces{body} }
	b := &Batch{}
	return b, r.do(ctx, call, b)
}

// Batch returns how far a batch is. Of one that Azure does not know the error is a 404.
func (r Resource) Batch(ctx context.Context, id string) (*Batch, error) {
	b := &Batch{}
	return b, r.do(ctx, r.newCall(http.MethodGet, batchPath(id), nil), b)
}

// Cancel asks for the end of a batch. Of one that has ended the error is a 409.
func (r Resource) Cancel(ctx context.Context, id string) error {
	return r.do(ctx, r.newCall(http.MethodPost, batchPath(id)+"/cancel", nil), nil)
}

// Find looks for a batch that has all of that metadata, among those that were not made before since. It returns nil if
// there is none.
func (r Resource) Find(ctx context.Context, metadata map[string]string, since time.Time) (found *Batch, err error) {
	err = r.eachBatch(ctx, since, func(b *Batch) (done bool) {
		if b.has(metadata) {
			found = b
		}
		return found != nil
	})
	return found, err
}

// FindAll is Find that returns every such batch.
func (r Resource) FindAll(ctx context.Context, metadata map[string]string, since time.Time) (found []*Batch, err error) {
	err = r.eachBatch(ctx, since, func(b *Batch) (done bool) {
		if b.has(metadata) {
			found = append(found, b)
		}
		return false
	})
	return found, err
}

// Idle reports whether every batch of the resource has ended, also those that others made, among those that were not
// made before since.
func (r Resource) Idle(ctx context.Context, since time.Time) (idle bool, err error) {
	idle = true
	err = r.eachBatch(ctx, since, func(b *Batch) (done bool) {
		idle = b.Ended()
		return !idle
	})
	return idle, err
}

// eachBatch calls visit with each batch that was not made before since, newest first, until it reports that it is done.
func (r Resource) eachBatch(ctx context.Context, since time.Time, visit func(*Batch) (done bool)) error {
	return r.search(ctx, "batches", url.Values{}, func(raw json.RawMessage) (string, bool, error) {
		b := &Batch{}
		if err := json.Unmarshal(raw, b); err != nil {
			return "", false, err
		}
		return b.ID, before(b.CreatedAt, since) || visit(b), nil
	})
}

func (b *Batch) has(metadata map[string]string) bool {
	for name, value := range metadata {
		if b.Metadata[name] != value {
			return false
		}
	}
	return true
}

func batchPath(id string) string { return "batches/" + url.PathEscape(id) }
