package workflows_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"time"
)

// fixture is a job of some version as it stood at a moment: what Step Functions, S3 and Azure had of it, and what
// has to come of it. Every file in testdata/upgrade/VERSION is one.
type fixture struct {
	About     string          `json:"about"`
	Recorded  time.Time       `json:"recorded"`
	Execution string          `json:"execution"` // its name
	Input     json.RawMessage `json:"input"`     // of the execution
	Stands    stand           `json:"stands"`    // the execution itself; in no state once it is over
	Parts     map[int]stand   `json:"parts,omitempty"`
	Again     json.RawMessage `json:"again,omitempty"` // members that the input of a new execution has besides
	Want      want            `json:"want"`

	Objects map[string]*object `json:"objects"` // by key; those of jobs are contents only
	Files   []*azureFile       `json:"azure_files"`
	Batches []*azureBatch      `json:"azure_batches"` // the oldest first
}

// stand is a state that has been entered, and is not done.
type stand struct {
	State string          `json:"state,omitempty"`
	Input json.RawMessage `json:"input,omitempty"`
}

// object is what S3 has of an object.
type object struct {
	Version  string            `json:"version,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`

	content []byte
}

// azureFile is an input file in Azure. Output files are not kept: the emulator makes the same ones again.
type azureFile struct {
	ID      string `json:"id"`
	Name    string `json:"filename"`
	Deleted bool   `json:"deleted,omitempty"`

	content []byte
}

// azureBatch is what matters of Azure's batch object.
type azureBatch struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Endpoint string            `json:"endpoint"`
	Input    string            `json:"input_file_id"`
	Output   string            `json:"output_file_id"`
	Error    string            `json:"error_file_id"`
	Metadata map[string]string `json:"metadata"`
	Counts   struct {
		Total     int `json:"total"`
		Completed int `json:"completed"`
		Failed    int `json:"failed"`
	} `json:"request_counts"`
	Errors *struct {
		Data []struct {
			Code string `json:"code"`
		} `json:"data"`
	} `json:"errors,omitempty"`
}

// want is what comes of a job. What is paid counts from the job's beginning, except for online calls.
type want struct {
	Status      string         `json:"status"` // of the summary
	Succeeded   int            `json:"succeeded"`
	Errors      map[string]int `json:"errors"` // lines, by the code of their error
	Invalid     int            `json:"invalid,omitempty"`
	OnlineLines int            `json:"online_lines,omitempty"`
	TriedAgain  int            `json:"tried_again,omitempty"` // lines
	Tokens      int64          `json:"input_tokens"`

	Batches  int `json:"batches"`         // that were created
	Executed int `json:"executed"`        // lines, by batches
	Online   int `json:"online_calls"`    // after the moment, that were answered by a 2xx
	Files    int `json:"files,omitempty"` // that stay in Azure
}

func (w *want) failed() (sum int) {
	for _, n := range w.Errors {
		sum += n
	}
	return sum
}

// A fixture's file is its JSON, then the contents, each led by a line with what it is the content of.
var lead = regexp.MustCompile(`(?m)^-- (s3|azure) (.+) --\n`)

func (f *fixture) write(path string) error {
	var b bytes.Buffer
	short := *f
	short.Objects = maps.Clone(f.Objects)
	maps.DeleteFunc(short.Objects, func(_ string, o *object) bool { return o.Version == "" && len(o.Metadata) == 0 })
	head, err := json.MarshalIndent(&short, "", " ")
	if err != nil {
		return err
	}
	b.Write(append(head, '\n'))
	section := func(kind, name string, content []byte) {
		fmt.Fprintf(&b, "-- %s %s --\n%s", kind, name, content)
		if !bytes.HasSuffix(content, []byte{'\n'}) { // a record: white space does not count there
			b.WriteByte('\n')
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Objects)) {
		section("s3", key, f.Objects[key].content)
	}
	for _, file := range f.Files {
		section("azure", file.ID, file.content)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func readFixture(path string) (*fixture, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	leads := lead.FindAllSubmatchIndex(text, -1)
	if len(leads) == 0 {
		return nil, fmt.Errorf("%s has no contents", path)
	}
	f := &fixture{}
	if err := json.Unmarshal(text[:leads[0][0]], f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, at := range leads {
		end := len(text)
		if i+1 < len(leads) {
			end = leads[i+1][0]
		}
		kind, name, content := string(text[at[2]:at[3]]), string(text[at[4]:at[5]]), text[at[1]:end]
		if kind == "s3" {
			if f.Objects[name] == nil {
				f.Objects[name] = &object{}
			}
			f.Objects[name].content = content
			continue
		}
		file := slices.IndexFunc(f.Files, func(file *azureFile) bool { return file.ID == name })
		if file < 0 {
			return nil, fmt.Errorf("%s: the content of %s is of no file", path, name)
		}
		f.Files[file].content = content
	}
	return f, nil
}
