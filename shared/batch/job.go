package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/routing"
)

// Input is what starts a job: an object, and how its lines are to be answered. It is read from the
// detail of S3's event as EventBridge delivers it, {"bucket":{"name"},"object":{"key","version-id",...}},
// or from {"bucket","key","version_id","options"}, which people and workflows write.
type Input struct {
	Bucket    string
	Key       string
	VersionID string
	ETag      string
	Sequencer string // of the event; two events of one write have the same
	Job       string // the id, where the API has chosen it; otherwise it follows from the fields above
	Origin    string // OriginDrop unless it says otherwise
	TakeOver  bool   // go on with a job that another execution began
	Options   JobOptions
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

// MetadataPrefix leads a job's options in the metadata of a batch, which are its owner's to name otherwise.
const MetadataPrefix = "bridge-"

// JobOptions are a job's own settings. Nil and "" leave a setting as it is.
type JobOptions struct {
	Mode      Mode     `json:"mode,omitempty"`
	Ceiling   *float64 `json:"cost_ceiling,omitempty"`     // in USD; 0 is none
	KeepFiles *bool    `json:"keep_azure_files,omitempty"` // leave the files in Azure's storage
	Tries     *int     `json:"tries,omitempty"`            // of a line, the first one included
}

// UnmarshalJSON reads both forms.
func (in *Input) UnmarshalJSON(raw []byte) error {
	var form struct {
		Bucket json.RawMessage `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			VersionID string `json:"version-id"`
			ETag      string `json:"etag"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
		Key       string     `json:"key"`
		VersionID string     `json:"version_id"`
		Job       string     `json:"job"`
		Origin    string     `json:"origin"`
		TakeOver  bool       `json:"take_over"`
		Options   JobOptions `json:"options"`
		Limits    Limits     `json:"limits"`
		Outputs   Outputs    `json:"outputs"`
	}
	if err := checkOptionNames(raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &form); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return fmt.Errorf("'%s' cannot be a %s", wrong.Field, wrong.Value)
		}
		return err
	}
	*in = Input{
		Key: form.Key, VersionID: form.VersionID, Job: form.Job, Origin: form.Origin, TakeOver: form.TakeOver, Options: form.Options,
		Limits: form.Limits, Outputs: form.Outputs,
	}
	if json.Unmarshal(form.Bucket, &in.Bucket) == nil {
		return nil
	}
	var bucket struct {
		Name string `json:"name"`
	}
	if len(form.Bucket) > 0 {
		if err := json.Unmarshal(form.Bucket, &bucket); err != nil {
			return err
		}
	}
	o := form.Object
	in.Bucket, in.Key, in.VersionID, in.ETag, in.Sequencer = bucket.Name, o.Key, o.VersionID, o.ETag, o.Sequencer
	return nil
}

// ID names a job: the same write of the same object has the same name, whoever tells of it and how often.
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

// Settings are what a job runs with.
type Settings struct {
	Mode      Mode    `json:"mode,omitempty"`
	Ceiling   float64 `json:"cost_ceiling"` // in USD; 0 is none
	KeepFiles bool    `json:"keep_azure_files"`
	Tries     int     `json:"tries"`
}

// Settings are the stack's, for a job that names none.
func (s *Service) Settings() Settings {
	return Settings{Ceiling: s.env.CostCeiling, KeepFiles: s.env.KeepAzureFiles, Tries: s.env.Tries}
}

// with applies a job's own options.
func (s Settings) with(o JobOptions) Settings {
	if o.Mode != Auto {
		s.Mode = o.Mode
	}
	if o.Ceiling != nil {
		s.Ceiling = *o.Ceiling
	}
	if o.KeepFiles != nil {
		s.KeepFiles = *o.KeepFiles
	}
	if o.Tries != nil {
		s.Tries = *o.Tries
	}
	return s
}

func (o JobOptions) check() error {
	switch {
	case !o.Mode.valid():
		return openaierr.Invalid("mode", "invalid_mode", "The option 'mode' is %q, want batch or online.", o.Mode)
	case o.Ceiling != nil && (*o.Ceiling < 0 || !decimal.InRange(*o.Ceiling)):
		return openaierr.Invalid("cost_ceiling", "invalid_value", "The option 'cost_ceiling' is %g, want an amount in USD such as 250; 0 is none.", *o.Ceiling)
	case o.Tries != nil && (*o.Tries < 1 || *o.Tries > 10):
		return openaierr.Invalid("tries", "invalid_value", "The option 'tries' is %d, want 1 to 10.", *o.Tries)
	}
	return nil
}

// OptionNames are the job's options, as metadata name them.
var OptionNames = []string{"mode", "cost-ceiling", "tries", "keep-azure-files"}

// checkOptionNames refuses an input with an option that does not exist: a ceiling with a misspelt name is none.
func checkOptionNames(raw []byte) error {
	var in struct {
		Options map[string]json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return errors.New("'options' must be an object")
	}
	names := strings.ReplaceAll(strings.Join(OptionNames, ", "), "-", "_")
	for name := range in.Options {
		if !slices.Contains(strings.Split(names, ", "), name) {
			return fmt.Errorf("'options' has no %.40q; there are %s", name, names)
		}
	}
	return nil
}

// OptionsOf reads a job's options from the object's metadata: --metadata mode=online,cost-ceiling=250.
// Other names are the caller's own.
func OptionsOf(metadata map[string]string) (o JobOptions, err error) {
	for name, value := range metadata {
		switch strings.ToLower(name) {
		case "mode":
			o.Mode = Mode(value)
		case "cost-ceiling":
			amount, e := decimal.Parse(value)
			if value == "none" {
				amount, e = 0, nil
			}
			if o.Ceiling = &amount; e != nil {
				err = openaierr.Invalid("cost-ceiling", "invalid_value", "The metadata 'cost-ceiling' is %q, want an amount in USD such as 250, or none.", value)
			}
		case "keep-azure-files":
			keep, e := strconv.ParseBool(value)
			if o.KeepFiles = &keep; e != nil {
				err = openaierr.Invalid("keep-azure-files", "invalid_value", "The metadata 'keep-azure-files' is %q, want true or false.", value)
			}
		case "tries":
			tries, e := strconv.Atoi(value)
			if o.Tries = &tries; e != nil {
				err = openaierr.Invalid("tries", "invalid_value", "The metadata 'tries' is %q, want a number from 1 to 10.", value)
			}
		}
	}
	if err == nil {
		err = o.check()
	}
	return o, err
}

// Part is a slice of a job: lines for one deployment and one endpoint, in the source's order.
type Part struct {
	Number         int                    `json:"part"`
	Mode           Mode                   `json:"mode"`
	Model          string                 `json:"model"` // as the lines name it
	Resource       string                 `json:"resource,omitempty"`
	Deployment     string                 `json:"deployment,omitempty"`
	Serves         string                 `json:"serves"` // the model that has the price
	Type           catalog.DeploymentType `json:"type,omitempty"`
	EnqueuedTokens int64                  `json:"enqueued_tokens,omitempty"` // the deployment's quota
	Endpoint       string                 `json:"endpoint"`
	Lines          int                    `json:"lines"`
	Bytes          int64                  `json:"bytes"`
	Tokens         int64                  `json:"tokens"`        // of input, as counted or guessed
	OutputTokens   int64                  `json:"output_tokens"` // as expected
	First          int                    `json:"first"`         // line number
	Last           int                    `json:"last"`
}

func (p *Part) bind(t routing.Target) {
	p.Resource, p.Deployment, p.Serves, p.Type, p.EnqueuedTokens = t.Resource, t.Deployment, t.Model, t.Type, t.EnqueuedTokens
}

// below reports whether a key lies below one of these folders, or would if its dots and double slashes were resolved
// as a path's are. S3 takes keys as they stand, but something on the way to it may not.
func below(key string, folders ...string) bool {
	clean := path.Clean("/" + key)[1:]
	if strings.HasSuffix(key, "/") {
		clean += "/"
	}
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(clean, folder) })
}

// A job's record is these objects; only names and results outlive the job.
func jobKey(job string) string    { return "jobs/" + job + "/job.json" }
func planKey(job string) string   { return "jobs/" + job + "/plan.json" }
func itemsKey(job string) string  { return "jobs/" + job + "/items.json" }
func cancelKey(job string) string { return "jobs/" + job + "/cancel.json" }

func rejectedKey(job string, pass int) string {
	return fmt.Sprintf("jobs/%s/rejected-%04d.jsonl", job, pass)
}

func spillKey(job string, pass int) string {
	return fmt.Sprintf("jobs/%s/spill-%04d.tsv", job, pass)
}

func partKey(job string, part int, name string) string {
	return fmt.Sprintf("jobs/%s/parts/%05d/%s", job, part, name)
}

func tryKey(job string, part, try int, name string) string {
	return partKey(job, part, fmt.Sprintf("try-%02d/%s", try, name))
}

// nameKey claims the name of a results file.
func nameKey(name string) string { return "jobs/names/" + name + ".json" }

// resultName is what an object's results are called, without the extension.
func resultName(key string) string {
	name := strings.TrimPrefix(key, "inbox/")
	return strings.TrimSuffix(name, ".jsonl")
}

// The objects of a part, and of one of its tries.
const (
	partName     = "part.json"
	doneName     = "done.json"       // what came of the part
	requestsName = "requests.jsonl"  // the lines as Azure gets them
	linesName    = "lines.tsv"       // their numbers and custom_ids
	stateName    = "state.json"      // how far Azure is
	madeName     = "batch-%02d.json" // which batch is the try's, of those made since the last that found no room
	resultsName  = "results.jsonl"   // what is settled, in order
	triedName    = "tried.json"      // what came of the try
	runPrefix    = "run/"            // what online calls have brought so far
)
