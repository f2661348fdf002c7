package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The project's own template, and what CloudFormation would say of it only after minutes.
func TestParameters(t *testing.T) {
	own, err := readTemplate("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, parameters, want string }{
		{"none", "", ""},
		{"good ones", `MemorySize=256 Architecture=arm64 LogLevel=debug CorsOrigins=* ConnectTimeout=1m30s AzureSecretId=my/secret`, ""},
		{"unknown", "Memory=256", "no parameter Memory; it has"},
		{"a processor that is not built for", "Architecture=x86_64", "the template is for arm64 alone; to have another, write it in template.yaml"},
		{"neither", "LogLevel=trace", "one of debug, info, warn, error"},
		{"not one of those allowed", "LogRetentionDays=31", "one of 1, 3, 5"},
		{"too small", "MemorySize=64", "128 or more"},
		{"too large", "MemorySize=20000", "10240 or less"},
		{"no number", "MemorySize=256MB", "a number"},
		{"of another form", "ConnectTimeout=5", "a duration such as"},
		{"an ARN for a name", "AzureSecretId=arn:aws:secretsmanager:eu-west-1:1:secret:x", "a secret's name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parameters, err := parseOverrides(test.parameters)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := own.check(parameters); err != nil {
				got = err.Error()
			}
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	name := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(name, []byte(`
Resources:
  ShortRole:
    Type: AWS::IAM::Role
    Properties: { RoleName: !Sub "${AWS::StackName}-${AWS::Region}-chat" }
  LongRole:
    Type: AWS::IAM::Role
    Properties: { RoleName: !Sub "${AWS::StackName}-${AWS::Region}-token-estimate" }
  Unnamed:
    Type: AWS::IAM::Role
    Properties: { Description: "${AWS::StackName} ${AWS::StackName} ${AWS::StackName} ${AWS::StackName} ${AWS::StackName}" }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := readTemplate(name)
	if err != nil {
		t.Fatal(err)
	}
	fits := strings.Repeat("a", 64-len("-us-east-1-token-estimate"))
	tests := []struct{ name, stack, region, want string }{
		{"default", "aoai-bridge", "us-east-1", ""},
		{"as long as it may be", fits, "us-east-1", ""},
		{"too long", fits + "a", "us-east-1", "LongRole would be named " + fits + "a-us-east-1-token-estimate, which has 65 characters, and AWS allows 64. A stack in us-east-1 may have a name of 39"},
		{"too long in a region of a longer name", fits, "ap-southeast-1", "may have a name of 34"},
		{"an underscore", "aoai_two", "us-east-1", "letters, digits and hyphens"},
		{"a digit first", "2aoai", "us-east-1", "a letter first"},
		{"for a shell", "a;b", "us-east-1", "letters, digits and hyphens"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := made.checkNames(test.stack, test.region); err != nil {
				got = err.Error()
			}
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
