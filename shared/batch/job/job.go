package job

import "time"

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
	Results   string    `json:"results"`          // key of the results
	Errors    string    `json:"errors,omitempty"` // key of the lines without a 2xx, where they are apart
	Summary   string    `json:"summary"`          // key of the summary
	CreatedAt time.Time `json:"created_at"`
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
