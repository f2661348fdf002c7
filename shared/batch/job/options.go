package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
)

// MetadataPrefix leads a job's options in the metadata of a batch, which are its owner's to name otherwise.
const MetadataPrefix = "bridge-"

// Options are a job's own settings. Nil and "" leave a setting as it is.
type Options struct {
	Mode      jsonl.Mode `json:"mode,omitempty"`
	Ceiling   *float64   `json:"cost_ceiling,omitempty"`     // in USD; 0 is none
	KeepFiles *bool      `json:"keep_azure_files,omitempty"` // leave the files in Azure's storage
	Tries     *int       `json:"tries,omitempty"`            // of a line, the first one included
}

// Settings are what a job runs with.
type Settings struct {
	Mode      jsonl.Mode `json:"mode,omitempty"`
	Ceiling   float64    `json:"cost_ceiling"` // in USD; 0 is none
	KeepFiles bool       `json:"keep_azure_files"`
	Tries     int        `json:"tries"`
}

// SettingsOf are the stack's, for a job that names none.
func SettingsOf(env config.Batch) Settings {
	return Settings{Ceiling: env.CostCeiling, KeepFiles: env.KeepAzureFiles, Tries: env.Tries}
}

// With applies a job's own options.
func (s Settings) With(o Options) Settings {
	if o.Mode != jsonl.Auto {
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

// Check refuses values that no job can have.
func (o Options) Check() error {
	switch {
	case !o.Mode.Valid():
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
func OptionsOf(metadata map[string]string) (o Options, err error) {
	for name, value := range metadata {
		switch strings.ToLower(name) {
		case "mode":
			o.Mode = jsonl.Mode(value)
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
		err = o.Check()
	}
	return o, err
}
