package job_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aoai-bridge/shared/batch/job"
)

// An option is found however its name is written, and a name that resembles one is refused with the right spelling.
// Other names are the caller's own.
func TestOptionNames(t *testing.T) {
	const ceiling, tries, keep, mode = "cost-ceiling", "tries", "keep-azure-files", "mode"
	for _, tt := range []struct {
		name  string
		is    string // the option that it is, "" for none
		meant string // the option that a refusal names, "" where it is not refused
	}{
		{"cost-ceiling", ceiling, ""}, {"cost_ceiling", ceiling, ""}, {"Cost_Ceiling", ceiling, ""}, {"COST-CEILING", ceiling, ""},
		{"keep_azure_files", keep, ""}, {"keep-azure_files", keep, ""}, {"Mode", mode, ""}, {"TRIES", tries, ""},
		{"cost-cieling", "", ceiling}, {"costceiling", "", ceiling}, {"cost-celing", "", ceiling}, {"ceiling", "", ceiling}, {"cost.ceiling", "", ceiling},
		{"max_cost_ceiling", "", ceiling}, {"cost-ceiling-usd", "", ceiling}, {"max-cost", "", ceiling}, {"cost-limit", "", ceiling}, {"ceiling-cost", "", ceiling},
		{"keep_azure_file", "", keep}, {"keepazurefiles", "", keep}, {"keep-files", "", keep}, {"keep-azure-flies", "", keep},
		{"try", "", tries}, {"trys", "", tries}, {"tires", "", tries}, {"retries", "", tries}, {"max_tries", "", tries},
		{"mdoe", "", mode}, {"modes", "", mode}, {"mod", "", mode}, {"bridge-cost-ceiling", "", ceiling}, {"bridge_mode", "", mode},
		{"model", "", ""}, {"code", "", ""}, {"node", "", ""}, {"cost", "", ""}, {"cost-center", "", ""}, {"costcenter", "", ""}, {"files", "", ""}, {"owner", "", ""},
		{"team", "", ""}, {"color-mode", "", ""}, {"s3cmd-attrs", "", ""}, {"type", "", ""}, {"date", "", ""}, {"azure", "", ""}, {"", "", ""}, {"trace", "", ""},
	} {
		value := map[string]string{ceiling: "7", tries: "7", keep: "true", mode: "online", "": "x"}[tt.is]
		check := func(where, prefix string, o job.Options, err error) {
			t.Helper()
			if tt.meant != "" {
				if want := `Write it as "` + prefix + tt.meant + `"`; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s%q: got %+v, %v, want an error with %s", where, tt.name, o, err, want)
				}
				return
			}
			found := map[string]bool{ceiling: o.Ceiling != nil, tries: o.Tries != nil, keep: o.KeepFiles != nil, mode: o.Mode != ""}
			for option, is := range found {
				if err != nil || is != (option == tt.is) {
					t.Errorf("%s%q: got %+v, %v, want the option %q", where, tt.name, o, err, tt.is)
					break
				}
			}
		}
		o, err := job.OptionsOf(map[string]string{tt.name: value})
		check("", "", o, err)
		if tt.is+tt.meant == "" || strings.HasPrefix(tt.name, "bridge") {
			continue
		}
		o, err = job.OptionsOfBatch(map[string]string{"bridge-" + tt.name: value})
		check("bridge-", "bridge-", o, err)
		o, err = job.OptionsOfBatch(map[string]string{"BRIDGE_" + tt.name: value})
		check("BRIDGE_", "bridge-", o, err)
	}
}

// Without their prefix, names in the metadata of a batch are the caller's own, except where they can hardly be meant for
// anything else than an option.
func TestOptionNamesOfBatches(t *testing.T) {
	for name, meant := range map[string]string{
		"mode": "", "tries": "", "bridge": "", "retries": "", "team": "", "cost": "", "bride-mood": "",
		"cost_ceiling": "cost-ceiling", "costceiling": "cost-ceiling", "keep_azure_files": "keep-azure-files", "brigde-mode": "mode", "bridgemode": "mode",
		"bridge-unknown": "none",
	} {
		o, err := job.OptionsOfBatch(map[string]string{name: "1"})
		if (err == nil) != (meant == "") || o != (job.Options{}) {
			t.Errorf("%q: got %+v, %v", name, o, err)
		}
		if meant != "" && meant != "none" && !strings.Contains(err.Error(), `Write it as "bridge-`+meant+`"`) {
			t.Errorf("%q: got %v, want bridge-%s", name, err, meant)
		}
	}
	if _, err := job.OptionsOf(map[string]string{"cost-ceiling": "1", "cost_ceiling": "2"}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two ceilings: %v", err)
	}
	var in job.Input
	if err := json.Unmarshal([]byte(`{"bucket":"b","key":"k","options":{"Cost-Ceiling":2,"keep-azure-files":true}}`), &in); err != nil || in.Options.Ceiling == nil || *in.Options.Ceiling != 2 || in.Options.KeepFiles == nil {
		t.Errorf("options of an input: got %+v, %v", in.Options, err)
	}
}
