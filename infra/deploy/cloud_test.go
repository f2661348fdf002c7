package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// answers are what AWS says to an operation, by its name: a status and a body.
type answers map[string]answer

type answer struct {
	status int
	body   string
}

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := r.FormValue("Action")
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		operation = target[strings.LastIndex(target, ".")+1:]
	}
	said, ok := a[operation]
	if !ok {
		http.Error(w, "no answer to "+operation, http.StatusNotImplemented)
		return
	}
	w.WriteHeader(said.status)
	fmt.Fprint(w, said.body)
}

const (
	identity     = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	noStack      = `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id aoai-bridge does not exist</Message></Error></ErrorResponse>`
	noSecret     = `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`
	refusal      = `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%[1]s, says AWS</Message></Error></ErrorResponse>`
	stackInState = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>aoai-bridge</StackName><StackStatus>%s</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
	events       = `<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>
<member><LogicalResourceId>ChatRole</LogicalResourceId><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>Resource creation cancelled</ResourceStatusReason></member>
<member><LogicalResourceId>BatchBucket</LogicalResourceId><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>you have reached the limit of buckets</ResourceStatusReason></member>
<member><LogicalResourceId>aoai-bridge</LogicalResourceId><ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus><ResourceStatusReason>User Initiated</ResourceStatusReason></member>
<member><LogicalResourceId>Api</LogicalResourceId><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>of an earlier try</ResourceStatusReason></member>
</StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>`
)

// enter makes an empty folder with the project's template the working directory, has the tools on the PATH and AWS
// answer as told, and returns the environment.
func enter(t *testing.T, aws answers) map[string]string {
	t.Helper()
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.WriteFile("template.yaml", template, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"go", "sam"} { // neither is called
		if err := os.WriteFile(tool, []byte("#!/bin/sh\nexit 9\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	nowhere := filepath.Join(folder, "none")
	for name, value := range map[string]string{
		"PATH": folder, "AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(name, value)
	}
	return map[string]string{"YES": "1"}
}

// Each of these stops make deploy before anything is built, with a sentence that says what to do.
func TestEarlyRefusals(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string // of the process and of make
		aws  answers
		want string
	}{
		{"no Go", map[string]string{"PATH": "/nowhere"}, nil, "go is not on the PATH: install Go"},
		{"no region", map[string]string{"AWS_REGION": ""}, nil, "which region? For example: make deploy REGION=eu-west-1"},
		{"no credentials", map[string]string{"AWS_ACCESS_KEY_ID": ""}, nil, "there are no AWS credentials: set AWS_PROFILE, or sign in"},
		{"no such profile", map[string]string{"AWS_PROFILE": "nobody"}, nil, "AWS is not configured: "},
		{"expired", nil, answers{"GetCallerIdentity": {403, fmt.Sprintf(refusal, "ExpiredToken")}}, "the AWS credentials have expired: sign in again"},
		{"unknown key", nil, answers{"GetCallerIdentity": {403, fmt.Sprintf(refusal, "InvalidClientTokenId")}}, "AWS does not know these credentials"},
		{"another refusal", nil, answers{"GetCallerIdentity": {403, fmt.Sprintf(refusal, "Throttling")}}, "Throttling, says AWS"},
		{"unknown parameter", map[string]string{"PARAMETERS": "Memory=1"}, nil, "no parameter Memory"},
		{"no parameter at all", map[string]string{"PARAMETERS": "Memory"}, nil, `PARAMETERS: "Memory" is not of the form Name=value`},
		{"too long a name", map[string]string{"STACK": strings.Repeat("a", 129)}, nil, "the stack's name"},
		{"no Azure secret", map[string]string{"REGION": "eu-west-1"}, answers{"DescribeStacks": {400, noStack}, "GetSecretValue": {400, noSecret}},
			"aws secretsmanager create-secret --region eu-west-1 --name aoai-bridge/azure"},
		{"no Azure secret of that name", map[string]string{"PARAMETERS": "AzureSecretId=mine"}, answers{"DescribeStacks": {400, noStack}, "GetSecretValue": {400, noSecret}},
			"aws secretsmanager create-secret --region us-east-1 --name mine"},
		{"a wrong Azure secret", nil, answers{"DescribeStacks": {400, noStack}, "GetSecretValue": {200, `{"SecretString":"{\"endpoint\":\"http://a.openai.azure.com\",\"api_key\":\"private\"}"}`}},
			"the secret aoai-bridge/azure in us-east-1: "},
		{"may not look at stacks", nil, answers{"DescribeStacks": {403, fmt.Sprintf(refusal, "AccessDenied")}}, "the stack aoai-bridge in us-east-1 cannot be looked up"},
		{"a stack that came to nothing", nil, answers{"DescribeStacks": {200, fmt.Sprintf(stackInState, "ROLLBACK_COMPLETE")}, "DescribeStackEvents": {200, events}},
			"make undeploy STACK=aoai-bridge REGION=us-east-1, then deploy it again\nCloudFormation says:\n  BatchBucket: you have reached the limit of buckets"},
		{"nobody to ask", map[string]string{"YES": ""}, nil, "set YES=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			aws := test.aws
			if aws == nil {
				aws = answers{}
			}
			if _, ok := aws["GetCallerIdentity"]; !ok {
				aws["GetCallerIdentity"] = answer{200, identity}
			}
			env := enter(t, aws)
			for name, value := range test.env {
				env[name] = value
				t.Setenv(name, value)
			}
			s, err := open(t.Context(), func(name string) string { return env[name] })
			var out bytes.Buffer
			if err == nil {
				s.out, s.asks = &out, false
				err = s.up(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "private") {
				t.Errorf("error is %v, want %q in it", err, test.want)
			}
			if strings.Contains(fmt.Sprint(err), "earlier try") {
				t.Errorf("what failed in an earlier try is reported: %v", err)
			}
			if _, err := os.Stat(settingsFile); err == nil {
				t.Errorf("%s was written", settingsFile)
			}
		})
	}
}

func TestUndeployRefusals(t *testing.T) {
	tests := []struct {
		name, typed string
		asks        bool
		stack       answer
		want        string
	}{
		{"no such stack", "y\n", true, answer{400, noStack}, "there is no stack aoai-bridge in us-east-1, account 123456789012"},
		{"in change", "y\n", true, answer{200, fmt.Sprintf(stackInState, "UPDATE_IN_PROGRESS")}, "try again when that is done"},
		{"no", "n\n", true, answer{200, fmt.Sprintf(stackInState, "CREATE_COMPLETE")}, "nothing was deleted"},
		{"Enter", "\n", true, answer{200, fmt.Sprintf(stackInState, "CREATE_COMPLETE")}, "nothing was deleted"},
		{"the end of the input", "", true, answer{200, fmt.Sprintf(stackInState, "CREATE_COMPLETE")}, "nothing was deleted"},
		{"nobody to ask", "", false, answer{200, fmt.Sprintf(stackInState, "CREATE_COMPLETE")}, "set YES=1"},
		{"yes, and sam fails", "yes\n", true, answer{200, fmt.Sprintf(stackInState, "CREATE_COMPLETE")}, "sam delete failed (exit status 9)"},
		{"of a stack that came to nothing", "y\n", true, answer{200, fmt.Sprintf(stackInState, "ROLLBACK_COMPLETE")}, "sam delete failed (exit status 9)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			enter(t, answers{"GetCallerIdentity": {200, identity}, "DescribeStacks": test.stack, "DescribeStackEvents": {200, events}})
			s, err := open(t.Context(), func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			s.in, s.out, s.asks = strings.NewReader(test.typed), &out, test.asks
			if err := s.down(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q in it\n%s", err, test.want, out.String())
			}
		})
	}
}

func TestNoSAM(t *testing.T) {
	env := enter(t, nil)
	if err := os.Remove("sam"); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), func(name string) string { return env[name] })
	if err == nil || !strings.Contains(err.Error(), "sam is not on the PATH: install the AWS SAM CLI: pip install aws-sam-cli") {
		t.Error(err)
	}
}

func TestUnknownRegion(t *testing.T) {
	err := explainIdentity(fmt.Errorf("exceeded attempts: %w", &net.DNSError{Name: "sts.us-esat-1.amazonaws.com", IsNotFound: true}), "us-esat-1")
	if !strings.Contains(err.Error(), "AWS does not answer in a region us-esat-1: check REGION") {
		t.Error(err)
	}
}

func TestObstacles(t *testing.T) {
	tests := []struct {
		state types.StackStatus
		want  string // "" if the stack can be updated
	}{
		{types.StackStatusCreateComplete, ""},
		{types.StackStatusUpdateComplete, ""},
		{types.StackStatusUpdateRollbackComplete, ""},
		{types.StackStatusReviewInProgress, ""},
		{types.StackStatusUpdateInProgress, "try again when that is done; aws cloudformation describe-stack-events --stack-name s --region eu-west-1"},
		{types.StackStatusDeleteInProgress, "try again when that is done"},
		{types.StackStatusUpdateRollbackFailed, "continue-update-rollback --stack-name s --region eu-west-1"},
		{types.StackStatusRollbackComplete, "make undeploy STACK=s REGION=eu-west-1"},
		{types.StackStatusDeleteFailed, "make undeploy"},
		{types.StackStatusCreateFailed, "make undeploy"},
	}
	for _, test := range tests {
		t.Run(string(test.state), func(t *testing.T) {
			got := ""
			if err := obstacle(&types.Stack{StackName: aws.String("s"), StackStatus: test.state}, "eu-west-1"); err != nil {
				got = err.Error()
			}
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if err := obstacle(nil, "eu-west-1"); err != nil {
		t.Error(err)
	}
}

// The region that a stack was deployed to before is kept, and two of them are told apart.
func TestRegions(t *testing.T) {
	tests := []struct {
		name, asked, aws string
		kept             []string
		want             string
	}{
		{"as every AWS tool", "", "us-east-1", nil, "us-east-1"},
		{"asked for", "eu-west-1", "us-east-1", []string{"us-west-2"}, "eu-west-1"},
		{"where it is", "", "us-east-1", []string{"us-west-2"}, "us-west-2"},
		{"in two", "", "us-east-1", []string{"us-east-1", "us-west-2"}, "say which one is meant, for example REGION=us-east-1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			enter(t, nil)
			t.Setenv("AWS_REGION", test.aws)
			s := &session{settings: settings{stack: "aoai-bridge"}, config: configFile{}}
			for _, region := range test.kept {
				s.config.put(settings{stack: "aoai-bridge", region: region})
			}
			got, err := s.chooseRegion(t.Context(), test.asked)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestParameterValues(t *testing.T) {
	tests := []struct {
		name          string
		set, deployed map[string]string
		want          string
	}{
		{"the template's default", nil, nil, "aoai-bridge/azure"},
		{"as deployed", nil, map[string]string{"AzureSecretId": "deployed"}, "deployed"},
		{"set", map[string]string{"AzureSecretId": "set"}, map[string]string{"AzureSecretId": "deployed"}, "set"},
		{"set to nothing", map[string]string{"AzureSecretId": ""}, map[string]string{"AzureSecretId": "deployed"}, ""},
	}
	own, err := readTemplate("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &session{template: own, settings: settings{parameters: test.set}, deployed: test.deployed}
			if got := s.value("AzureSecretId"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	const deployed = "https://abc123.execute-api.eu-west-1.amazonaws.com/prod/v1"
	for endpoint, want := range map[string]string{
		"":                       deployed,
		"http://127.0.0.1:4566/": "http://127.0.0.1:4566/restapis/abc123/prod/_user_request_/v1",
	} {
		t.Setenv("AWS_ENDPOINT_URL", endpoint)
		if got := new(session).reachable(deployed); got != want {
			t.Errorf("with AWS_ENDPOINT_URL=%s: %s, want %s", endpoint, got, want)
		}
	}
}
