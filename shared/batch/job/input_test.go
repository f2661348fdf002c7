package job_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
)

func pointer[T any](value T) *T { return &value }

// An input is read in both forms, and comes back from what it is written as.
func TestInput(t *testing.T) {
	tests := []struct {
		name, json string
		want       job.Input
		written    string // "" is the json itself
	}{
		{"an event", `{"version":"0","bucket":{"name":"b"},"object":{"key":"inbox/a.jsonl","size":5,"etag":"e","version-id":"v","sequencer":"00"},"reason":"PutObject"}`,
			job.Input{Bucket: "b", Key: "inbox/a.jsonl", VersionID: "v", ETag: "e", Sequencer: "00"},
			`{"bucket":{"name":"b"},"object":{"key":"inbox/a.jsonl","version-id":"v","etag":"e","sequencer":"00"},"options":{},"limits":{},"outputs":{}}`},
		{"an event that is taken over", `{"bucket":{"name":"b"},"object":{"key":"k","etag":"e","sequencer":"00"},"take_over":true,"options":{"mode":"online"},"limits":{},"outputs":{}}`,
			job.Input{Bucket: "b", Key: "k", ETag: "e", Sequencer: "00", TakeOver: true, Options: job.Options{Mode: jsonl.Online}}, ""},
		{"a person's", `{"bucket":"b","key":"k"}`, job.Input{Bucket: "b", Key: "k"}, `{"bucket":"b","key":"k","options":{},"limits":{},"outputs":{}}`},
		{"a version", `{"bucket":"b","key":"k","version_id":"v","options":{"cost_ceiling":2.5,"keep_azure_files":false,"tries":1},"limits":{},"outputs":{}}`,
			job.Input{Bucket: "b", Key: "k", VersionID: "v", Options: job.Options{Ceiling: pointer(2.5), KeepFiles: pointer(false), Tries: pointer(1)}}, ""},
		{"the API's", `{"bucket":"b","key":"api/files/k","job":"batch_1","origin":"api","options":{},"limits":{"endpoint":"/v1/responses","models":["gpt-4o"],"allow":["state"]},"outputs":{"results":"r","errors":"e","summary":"s"}}`,
			job.Input{
				Bucket: "b", Key: "api/files/k", Job: "batch_1", Origin: job.OriginAPI, Limits: job.Limits{Endpoint: "/v1/responses", Models: []string{"gpt-4o"}, Allow: []string{"state"}},
				Outputs: job.Outputs{Results: "r", Errors: "e", Summary: "s"},
			}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got job.Input
			if err := json.Unmarshal([]byte(test.json), &got); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Fatalf("read as %+v, %v", got, err)
			}
			want := test.written
			if want == "" {
				want = test.json
			}
			written, err := json.Marshal(got)
			if err != nil || string(written) != want {
				t.Fatalf("written as %s, %v, want %s", written, err, want)
			}
			var again job.Input
			if err := json.Unmarshal(written, &again); err != nil || !reflect.DeepEqual(again, got) || again.ID() != got.ID() {
				t.Errorf("%s is read as %+v, %v", written, again, err)
			}
		})
	}
}

func TestInputErrors(t *testing.T) {
	for input, want := range map[string]string{
		`{"bucket":7,"key":"k"}`:                            "cannot unmarshal",
		`{"bucket":"b","key":7}`:                            "'key' cannot be a number",
		`{"bucket":"b","options":[]}`:                       "'options' must be an object",
		`{"bucket":"b","options":{"celing":1}}`:             `'options' has no "celing"; write it as 'cost_ceiling'`,
		`{"bucket":"b","options":{"colour":1}}`:             `'options' has no "colour"; there are mode, cost_ceiling, tries, keep_azure_files, again`,
		`{"bucket":"b","options":{"tries":1,"Tries":2}}`:    `'options' has 'tries' twice`,
		`{"bucket":"b","options":{"Keep-Azure-Files":"x"}}`: `'options.keep_azure_files' cannot be a string`,
	} {
		var in job.Input
		if err := json.Unmarshal([]byte(input), &in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}
