package stepfunctions_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/stepfunctions"
)

// A gate holds an execution up until it is opened.
type gate chan struct{}

func (g gate) pass(ctx context.Context, payload string) (string, error) {
	select {
	case <-g:
		return payload, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// A heldWorld is a world whose executions wait for a gate, with an AWS client of it.
type heldWorld struct {
	*world
	*sfn.Client
	gate gate
}

func held(t *testing.T) *heldWorld {
	t.Helper()
	g := make(gate)
	w := open(t, unary(`{"Type":"Task","Resource":"${Echo}"}`), stepfunctions.Options{Invoke: functions{"echo": g.pass}.invoke})
	secret := func(id string) (string, bool) { return "local", id == "local" }
	server := httptest.NewServer(awsendpoint.New(secret, map[string]http.Handler{"states": w.Service}))
	t.Cleanup(server.Close)
	return &heldWorld{w, sfn.New(sfn.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	}), g}
}

var machine = aws.String(stepfunctions.MachineARN("m"))

func TestStartIsIdempotent(t *testing.T) {
	w := held(t)
	start := func(name, input string) (string, error) {
		out, err := w.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine, Name: &name, Input: &input})
		if err != nil {
			return "", err
		}
		if out.StartDate.IsZero() {
			t.Error("no start date")
		}
		return *out.ExecutionArn, nil
	}
	first, err := start("job", `{"a":1}`)
	if err != nil || first != "arn:aws:states:us-east-1:000000000000:execution:m:job" {
		t.Fatalf("%s, %v", first, err)
	}
	if again, err := start("job", `{"a":1}`); again != first {
		t.Errorf("again: %s, %v", again, err)
	}
	exists := func(err error) bool {
		_, ok := errors.AsType[*types.ExecutionAlreadyExists](err)
		return ok
	}
	if _, err := start("job", `{"a":2}`); !exists(err) {
		t.Errorf("with another input: %v", err)
	}
	close(w.gate)
	w.end(t, first, types.ExecutionStatusSucceeded)
	if _, err := start("job", `{"a":1}`); !exists(err) {
		t.Errorf("after the end: %v", err)
	}
}

// end waits for the end of an execution and describes it.
func (w *heldWorld) end(t *testing.T, arn string, status types.ExecutionStatus) *sfn.DescribeExecutionOutput {
	t.Helper()
	if _, err := w.Wait(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	out, err := w.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil || out.Status != status {
		t.Fatalf("got %+v, %v, want status %s", out, err, status)
	}
	return out
}

func TestDescribeListAndHistory(t *testing.T) {
	w := held(t)
	var last string
	for _, name := range []string{"a", "b", "c"} {
		out, err := w.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine, Name: aws.String(name), Input: aws.String(`{"n":9007199254740993}`)})
		if err != nil {
			t.Fatal(err)
		}
		last = *out.ExecutionArn
	}
	close(w.gate)
	over := w.end(t, last, types.ExecutionStatusSucceeded)
	if *over.Output != `{"n":9007199254740993}` || over.StopDate == nil || *over.Name != "c" || *over.StateMachineArn != *machine || !over.OutputDetails.Included {
		t.Errorf("got %+v", over)
	}
	var names []string
	pages := sfn.NewListExecutionsPaginator(w, &sfn.ListExecutionsInput{StateMachineArn: machine, MaxResults: 2})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Executions {
			names = append(names, *e.Name)
		}
	}
	if strings.Join(names, " ") != "c b a" {
		t.Errorf("listed %v", names)
	}
	var events []types.HistoryEvent
	history := sfn.NewGetExecutionHistoryPaginator(w, &sfn.GetExecutionHistoryInput{ExecutionArn: &last, MaxResults: 3})
	for history.HasMorePages() {
		page, err := history.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, page.Events...)
	}
	if len(events) != 7 {
		t.Fatalf("%d events", len(events))
	}
	if e := events[1]; e.Type != types.HistoryEventTypeTaskStateEntered || *e.StateEnteredEventDetails.Name != "S" || *e.StateEnteredEventDetails.Input != *over.Input {
		t.Errorf("event 2: %+v", e)
	}
	if e := events[4]; e.Type != types.HistoryEventTypeLambdaFunctionSucceeded || *e.LambdaFunctionSucceededEventDetails.Output != *over.Output {
		t.Errorf("event 5: %+v", e)
	}
	newest, err := w.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &last, ReverseOrder: true, MaxResults: 1, IncludeExecutionData: aws.Bool(false)})
	if err != nil || newest.Events[0].Type != types.HistoryEventTypeExecutionSucceeded || newest.Events[0].ExecutionSucceededEventDetails.Output != nil {
		t.Errorf("got %+v, %v", newest, err)
	}
}

func TestMachines(t *testing.T) {
	w := held(t)
	list, err := w.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{})
	if err != nil || len(list.StateMachines) != 1 || *list.StateMachines[0].StateMachineArn != *machine {
		t.Errorf("got %+v, %v", list, err)
	}
	described, err := w.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: machine})
	if err != nil || *described.Name != "m" || !strings.Contains(*described.Definition, `"arn:aws:lambda:us-east-1:000000000000:function:echo"`) {
		t.Errorf("got %+v, %v", described, err)
	}
}

func TestStopAndRedrive(t *testing.T) {
	w := held(t)
	begun, err := w.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: begun.ExecutionArn, Error: aws.String("Enough"), Cause: aws.String("of this")}); err != nil {
		t.Fatal(err)
	}
	over := w.end(t, *begun.ExecutionArn, types.ExecutionStatusAborted)
	if *over.Error != "Enough" || *over.Cause != "of this" || over.RedriveStatus != types.ExecutionRedriveStatusRedrivable {
		t.Errorf("got %+v", over)
	}
	close(w.gate)
	if _, err := w.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: begun.ExecutionArn}); err != nil {
		t.Fatal(err)
	}
	if over := w.end(t, *begun.ExecutionArn, types.ExecutionStatusSucceeded); *over.RedriveCount != 1 || over.RedriveDate == nil {
		t.Errorf("got %+v", over)
	}
}

func TestAPIErrors(t *testing.T) {
	w := held(t)
	missing := aws.String("arn:aws:states:us-east-1:000000000000:execution:m:gone")
	tests := []struct {
		name, code, message string
		call                func(context.Context) error
	}{
		{"no execution", "ExecutionDoesNotExist", "Execution Does Not Exist: '" + *missing + "'", func(ctx context.Context) error {
			_, err := w.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: missing})
			return err
		}},
		{"no machine", "StateMachineDoesNotExist", "State Machine Does Not Exist: 'gone'", func(ctx context.Context) error {
			_, err := w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String("gone")})
			return err
		}},
		{"bad name", "InvalidName", "Invalid Name: 'a b'", func(ctx context.Context) error {
			_, err := w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine, Name: aws.String("a b")})
			return err
		}},
		{"bad input", "InvalidExecutionInput", "Invalid State Machine Execution Input", func(ctx context.Context) error {
			_, err := w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine, Input: aws.String("{")})
			return err
		}},
		{"bad token", "InvalidToken", "Invalid Token: 'x'", func(ctx context.Context) error {
			_, err := w.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: machine, NextToken: aws.String("x")})
			return err
		}},
		{"not implemented", "UnknownOperationException", "CreateStateMachine", func(ctx context.Context) error {
			_, err := w.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("x"), Definition: aws.String("{}"), RoleArn: aws.String("x")})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refused, ok := errors.AsType[smithy.APIError](tt.call(t.Context()))
			if !ok || refused.ErrorCode() != tt.code || !strings.Contains(refused.ErrorMessage(), tt.message) {
				t.Errorf("got %v, want %s: %s", refused, tt.code, tt.message)
			}
		})
	}
}
