package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Input is what starts a job: an object, and how its lines are to be answered. As JSON it is the detail of S3's event
// as EventBridge delivers it, {"bucket":{"name"},"object":{"key","version-id",...}}, or
// {"bucket","key","version_id","options"}, which people, workflows and the API write.
type Input struct {
	Bucket    string
	Key       string
	VersionID string
	ETag      string
	Sequencer string // of the event; two events of one write have the same
	Job       string // the id, where the API has chosen it; otherwise it follows from the fields above
	Origin    string // OriginDrop unless it says otherwise
	TakeOver  bool   // go on with a job that another execution began
	Options   Options
	Limits    Limits
	Outputs   Outputs
}

// Outputs are keys of what a job writes. Without them they follow from the source's key.
type Outputs struct {
	Results string `json:"results,omitempty"`
	Errors  string `json:"errors,omitempty"`
	Summary string `json:"summary,omitempty"`
}

// Where a job comes from.
const (
	OriginDrop = "drop" // a file in the bucket; results and errors are one file
	OriginAPI  = "api"  // POST /v1/batches; they are two
)

// inputForm is an Input as JSON, in either form. The event's has the object; the other has the key.
type inputForm struct {
	Bucket    json.RawMessage `json:"bucket"` // a name, or an eventBucket
	Object    eventObject     `json:"object,omitzero"`
	Key       string          `json:"key,omitempty"`
	VersionID string          `json:"version_id,omitempty"`
	Job       string          `json:"job,omitempty"`
	Origin    string          `json:"origin,omitempty"`
	TakeOver  bool            `json:"take_over,omitempty"`
	Options   Options         `json:"options"`
	Limits    Limits          `json:"limits"`
	Outputs   Outputs         `json:"outputs"`
}

type eventBucket struct {
	Name string `json:"name"`
}

type eventObject struct {
	Key       string `json:"key"`
	VersionID string `json:"version-id,omitempty"`
	ETag      string `json:"etag,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

// MarshalJSON writes the event's form where only that has what the input has.
func (in Input) MarshalJSON() ([]byte, error) {
	form := inputForm{
		Key: in.Key, VersionID: in.VersionID, Job: in.Job, Origin: in.Origin, TakeOver: in.TakeOver, Options: in.Options,
		Limits: in.Limits, Outputs: in.Outputs,
	}
	var bucket any = in.Bucket
	if in.ETag != "" || in.Sequencer != "" {
		bucket, form.Key, form.VersionID = eventBucket{in.Bucket}, "", ""
		form.Object = eventObject{in.Key, in.VersionID, in.ETag, in.Sequencer}
	}
	var err error
	if form.Bucket, err = json.Marshal(bucket); err != nil {
		return nil, err
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads both forms.
func (in *Input) UnmarshalJSON(raw []byte) error {
	options, err := optionsWithPlainNames(raw)
	if err != nil {
		return err
	}
	var form inputForm
	if err := json.Unmarshal(raw, &form); err != nil {
		return wrongType(err, "")
	}
	form.Options = Options{}
	if err := json.Unmarshal(options, &form.Options); err != nil {
		return wrongType(err, "options.")
	}
	*in = Input{
		Key: form.Key, VersionID: form.VersionID, Job: form.Job, Origin: form.Origin, TakeOver: form.TakeOver, Options: form.Options,
		Limits: form.Limits, Outputs: form.Outputs,
	}
	if json.Unmarshal(form.Bucket, &in.Bucket) == nil {
		return nil
	}
	var bucket eventBucket
	if len(form.Bucket) > 0 {
		if err := json.Unmarshal(form.Bucket, &bucket); err != nil {
			return err
		}
	}
	o := form.Object
	in.Bucket, in.Key, in.VersionID, in.ETag, in.Sequencer = bucket.Name, o.Key, o.VersionID, o.ETag, o.Sequencer
	return nil
}

// wrongType names the member of an object whose value is of a wrong type.
func wrongType(err error, object string) error {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("'%s%s' cannot be a %s", object, strings.TrimPrefix(wrong.Field, object), wrong.Value)
	}
	return err
}

// ID names a job: the same write of the same object has the same name, whatever reports it and how often.
func (in *Input) ID() string {
	if in.Job != "" {
		return in.Job
	}
	which := in.VersionID
	if which == "" || which == "null" { // a bucket without versions
		which = strings.Trim(in.ETag, `"`) + "\n" + in.Sequencer
	}
	sum := sha256.Sum256([]byte(in.Bucket + "\n" + in.Key + "\n" + which))
	return "job_" + hex.EncodeToString(sum[:12])
}
