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
