package job

import (
	"strings"
	"time"
)

// Job is the record that claims a job.
type Job struct {
	ID        string    `json:"job"`
	Execution string    `json:"execution"` // the one that works on it
	Origin    string    `json:"origin"`
	Bucket    string    `json:"bucket"`
	Key       string    `json:"key"`
	VersionID string    `json:"version_id,omitempty"`
	ETag      string    `json:"etag,omitempty"`
	Size      int64     `json:"bytes"`
	Settings  Settings  `json:"settings"`
	Limits    Limits    `json:"limits,omitzero"`
	Results   string    `json:"results"`           // key of the results
	Errors    string    `json:"errors,omitempty"`  // key of the lines without a 2xx, where they are apart
	Summary   string    `json:"summary"`           // key of the summary
	Content   string    `json:"content,omitempty"` // key of the claim of what the object says, "" where there is none
	CreatedAt time.Time `json:"created_at"`
	TakenOver time.Time `json:"taken_over_at,omitzero"` // when another execution took the job over, the last time
}

// NameOutputs gives the job's outputs the keys of a name.
func (j *Job) NameOutputs(name string) {
	j.Results, j.Summary = ResultsKey(name), summaryKey(name)
	if j.Origin == OriginAPI {
		j.Errors = errorsKey(name)
	}
}

// FailedKey is where the requests are of lines that failed, "" where the owner has no bucket to find them in.
func (j *Job) FailedKey() string {
	if j.Origin == OriginAPI {
		return ""
	}
	return failedKey(j.Results)
}

// NameApart gives the job's outputs a name that no other job has.
func (j *Job) NameApart() { j.NameOutputs(ResultName(j.Key) + "." + j.ID) }

// HasPlainName reports whether the job's results are called as its object is.
func (j *Job) HasPlainName() bool { return j.Results == ResultsKey(ResultName(j.Key)) }

// URL is the object of the job's bucket that has a key, as s3://bucket/key; "" where there is none.
func (j *Job) URL(key string) string {
	if key == "" {
		return ""
	}
	return "s3://" + j.Bucket + "/" + key
}

// Source says which object a job is of.
type Source struct {
	Job string `json:"job"`
	Key string `json:"key"`
}

// StatusKey is where it says how far the job is, "" for a batch of the API, which its owner asks for.
func (j *Job) StatusKey() string {
	if j.Origin == OriginAPI {
		return ""
	}
	return strings.TrimSuffix(j.Summary, summarySuffix) + ".status.json"
}
