package job

import (
	"strconv"
	"strings"

	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
)

// Options are a job's own settings. Nil and "" leave a setting as it is. As JSON, names may have hyphens in place of
// underscores, in any letter case.
type Options struct {
	Mode      jsonl.Mode `json:"mode,omitempty"`
	Ceiling   *float64   `json:"cost_ceiling,omitempty"`     // in USD; 0 is none
	KeepFiles *bool      `json:"keep_azure_files,omitempty"` // leave the files in Azure's storage
	Tries     *int       `json:"tries,omitempty"`            // of a line, the first one included
	Again     bool       `json:"again,omitempty"`            // even where the same content has just had its job
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

// OptionsOf reads a job's options from the object's metadata: --metadata mode=online,cost-ceiling=250. Names that
// resemble no option are the caller's own.
func OptionsOf(metadata map[string]string) (Options, error) { return optionsOf(metadata, "") }

// OptionsOfBatch reads a job's options from the metadata of a batch, where their names begin with MetadataPrefix.
func OptionsOfBatch(metadata map[string]string) (Options, error) {
	return optionsOf(metadata, MetadataPrefix)
}

func optionsOf(metadata map[string]string, prefix string) (Options, error) {
	own, err := optionsAmong(metadata, prefix)
	if err != nil {
		return Options{}, err
	}
	return parseOptions(own)
}

// parseOptions reads options that are text, by their names.
func parseOptions(own map[string]string) (o Options, err error) {
	for name, value := range own {
		switch name {
		case "mode":
			o.Mode = jsonl.Mode(strings.ToLower(value))
		case "cost-ceiling":
			amount, e := decimal.Parse(value)
			if strings.EqualFold(value, "none") {
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
		case againName:
			again, e := strconv.ParseBool(value)
			if o.Again = again; e != nil {
				err = openaierr.Invalid(againName, "invalid_value", "The metadata 'again' is %q, want true or false.", value)
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
