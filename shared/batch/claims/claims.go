// Package claims decides whether an object has a job of its own, which execution works on that, and what the results are
// called: of all who ask for the same, one gets it. It does not read what is in the object.
package claims

import (
	"time"

	"aoai-bridge/shared/bucket"
)

// Claims are the claims of all jobs of a bucket. Their methods may be called concurrently.
type Claims struct {
	store *bucket.Bucket
	now   func() time.Time
}

// New returns the claims in a bucket.
func New(store *bucket.Bucket, now func() time.Time) *Claims { return &Claims{store, now} }
