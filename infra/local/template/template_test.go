package template_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/template"
)

func read(t *testing.T, parameters map[string]string) *template.Template {
	t.Helper()
	got, err := template.Read("testdata/template.yaml", parameters)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadFunction(t *testing.T) {
	got := read(t, nil).Functions
	want := map[string]template.Function{"ChatFunction": {
		LogicalID: "ChatFunction",
		CodeURI:   ".",
		Timeout:   900 * time.Second,
		MemoryMB:  256,
		Environment: map[string]string{
			"LEVEL":     "info",
			"RETRIES":   "3",
			"STRICT":    "true",
			"VERBOSITY": "low",
			"NUMBER":    "4",
			"SECRET":    "arn:aws:secretsmanager:us-east-1:000000000000:secret:x-info-${Literal}-Table.Arn",
			"NAMED":     "a-b/prod",
			"TABLE":     "Table",
			"TABLE_ARN": "Table.Arn",
			"LAST":      "c",

			"BUCKET":       "aoai-bridge-batch",
			"BUCKET_ARN":   "arn:aws:s3:::aoai-bridge-batch",
			"MACHINE":      "arn:aws:states:us-east-1:000000000000:stateMachine:BatchMachine",
			"MACHINE_NAME": "BatchMachine",
			"OBJECTS":      "arn:aws:s3:::aoai-bridge-prod-x/* of aoai-bridge-prod-x for arn:aws:lambda:us-east-1:000000000000:function:ChatFunction",
		},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestReadAPI(t *testing.T) {
	got := read(t, nil).API
	want := template.API{
		Stage: "prod",
		Routes: []template.Route{
			{Path: "/v1/chat/completions", Method: "ANY", FunctionID: "ChatFunction", Streaming: true, Timeout: 15 * time.Minute},
			{Path: "/v1/{proxy+}", Method: "GET", FunctionID: "ChatFunction", Timeout: 29 * time.Second},
		},
		BinaryMediaTypes: []string{"application/octet-stream", "image/jpeg"},
		GatewayResponses: map[string]template.GatewayResponse{
			"DEFAULT_4XX": {
				Headers:   map[string]string{},
				Templates: map[string]string{"application/json": `{"message":$context.error.messageString, "type":"$context.error.responseType"}`},
			},
			"THROTTLED": {StatusCode: 429, Headers: map[string]string{"Retry-After": "1"}, Templates: map[string]string{}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestReadWorkflow(t *testing.T) {
	got := read(t, nil)
	const arn = "arn:aws:states:us-east-1:000000000000:stateMachine:BatchMachine"
	wantMachines := map[string]template.StateMachine{"BatchMachine": {
		LogicalID:     "BatchMachine",
		Name:          "BatchMachine",
		ARN:           arn,
		DefinitionURI: "workflows/batch.asl.json",
		Substitutions: map[string]string{
			"ChatFunction": "arn:aws:lambda:us-east-1:000000000000:function:ChatFunction",
			"Bucket":       "aoai-bridge-batch",
			"Count":        "3",
		},
	}}
	if !reflect.DeepEqual(got.StateMachines, wantMachines) {
		t.Errorf("got %+v\nwant %+v", got.StateMachines, wantMachines)
	}
	wantBuckets := map[string]template.Bucket{
		"BatchBucket": {LogicalID: "BatchBucket", Name: "aoai-bridge-batch", Versioned: true, Events: true},
		"NamedBucket": {LogicalID: "NamedBucket", Name: "aoai-bridge-prod-x"},
	}
	if !reflect.DeepEqual(got.Buckets, wantBuckets) {
		t.Errorf("got %+v\nwant %+v", got.Buckets, wantBuckets)
	}
	done := []byte(`{"source":["aoai-bridge"]}`)
	wantRules := []template.Rule{
		{Name: "BatchMachineDrop", TargetARN: arn, InputPath: "$.detail", Pattern: []byte(`{"detail":{"bucket":{"name":["aoai-bridge-batch"]},` +
			`"object":{"etag":[null,"12"],"key":[{"prefix":"inbox/"}],"size":[{"numeric":["\u003e",0]}],"version-id":[{"exists":true}]}},` +
			`"detail-type":["Object Created"],"source":["aws.s3"]}`)},
		{Name: "Done", TargetARN: arn, Pattern: done, Input: []byte(`{"a":1}`)},
		{Name: "Done", TargetARN: arn, Pattern: done, InputTemplate: `{"id":<id>}`, InputPaths: map[string]string{"id": "$.detail.id"}},
	}
	if !reflect.DeepEqual(got.Rules, wantRules) {
		t.Errorf("got %s\nwant %s", got.Rules, wantRules)
	}
	if named := read(t, map[string]string{"Extra": "yes"}).StateMachines["NamedMachine"]; named.ARN != strings.TrimSuffix(arn, "BatchMachine")+"named" {
		t.Errorf("got %+v", named)
	}
}

func TestReadParameters(t *testing.T) {
	got := read(t, map[string]string{"Extra": "yes", "MemorySize": "1024", "Unset": "now"})
	want := map[string]string{
		"Stage": "prod", "MemorySize": "1024", "Level": "info", "Extra": "yes", "Types": "image/png, image/jpeg", "Unset": "now",
	}
	if !maps.Equal(got.Parameters, want) {
		t.Errorf("parameters %v, want %v", got.Parameters, want)
	}
	if memory := got.Functions["ChatFunction"].MemoryMB; memory != 1024 {
		t.Errorf("memory %d", memory)
	}
	env := got.Functions["ChatFunction"].Environment
	if env["RETRIES"] != "5" || env["NOTHING"] != "something" {
		t.Errorf("environment %v", env)
	}
	extra, ok := got.Functions["ExtraFunction"]
	if !ok || extra.CodeURI != "extra/" || extra.MemoryMB != 512 || extra.Timeout != 3*time.Second {
		t.Errorf("ExtraFunction %+v", extra)
	}
	if verbosity := read(t, map[string]string{"Level": "debug"}).Functions["ChatFunction"].Environment["VERBOSITY"]; verbosity != "high" {
		t.Errorf("verbosity %s", verbosity)
	}
}

func TestReadErrors(t *testing.T) {
	function := func(properties string) string {
		return "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      " + properties
	}
	tests := []struct {
		name, template string
		parameters     map[string]string
		want           string
	}{
		{name: "no YAML", template: "a: [", want: "sequence"},
		{name: "empty", template: "", want: "template.yaml: "},
		{name: "unknown parameter", template: "Resources: {}", parameters: map[string]string{"A": "b"}, want: "no parameter A"},
		{name: "no value", template: "Parameters: {P: {Type: String}}\n" + function("CodeUri: !Ref P"), want: "F: CodeUri: line 6: Ref: P has no value"},
		{name: "unknown function", template: function("CodeUri: !Base64 x"), want: "F: CodeUri: line 5: Base64: not implemented"},
		{name: "no number", template: function("Timeout: soon"), want: "F: Timeout: want a number, got soon"},
		{name: "machine without a definition", template: "Resources:\n  M:\n    Type: AWS::Serverless::StateMachine", want: "M: a state machine needs DefinitionUri"},
		{name: "no condition", template: function("CodeUri: !If [C, a, b]"), want: `no condition "C"`},
		{name: "endless condition", template: "Conditions: {C: !Not [!Condition C]}\n" + function("CodeUri: !If [C, a, b]"), want: "refers to itself"},
		{name: "route without method", template: function("Events: {E: {Type: Api, Properties: {Path: /a}}}"), want: "F: E: an Api event needs Path and Method"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "template.yaml")
			if err := os.WriteFile(path, []byte(test.template), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := template.Read(path, test.parameters)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}
