package lambda_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/testsync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// client is an AWS client of the host's Invoke API.
func client(t *testing.T, host *lambda.Host) *awslambda.Client {
	t.Helper()
	server := httptest.NewServer(host.API())
	t.Cleanup(server.Close)
	return awslambda.New(awslambda.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func TestInvokeAPI(t *testing.T) {
	api := client(t, start(t, lambda.Function{}))
	tests := []struct {
		name        string
		input       awslambda.InvokeInput
		wantStatus  int32
		wantPayload string // a part
		wantFailed  bool
		wantCode    string // of the API's error
	}{
		{name: "answer", input: awslambda.InvokeInput{Payload: []byte(`{"a":1}`)}, wantStatus: 200, wantPayload: `{"a":1}`},
		{name: "no payload", wantStatus: 200, wantPayload: `{}`},
		{name: "ARN", input: awslambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST")}, wantStatus: 200, wantPayload: `{}`},
		{name: "partial ARN", input: awslambda.InvokeInput{FunctionName: aws.String("000000000000:function:f")}, wantStatus: 200, wantPayload: `{}`},
		{name: "qualifier", input: awslambda.InvokeInput{Qualifier: aws.String("$LATEST")}, wantStatus: 200, wantPayload: `{}`},
		{name: "another version", input: awslambda.InvokeInput{Qualifier: aws.String("7")}, wantCode: "ResourceNotFoundException"},
		{name: "dry run", input: awslambda.InvokeInput{InvocationType: types.InvocationTypeDryRun}, wantStatus: 204},
		{name: "function's error", input: awslambda.InvokeInput{Payload: []byte(`{"do":"fail"}`)}, wantStatus: 200, wantFailed: true, wantPayload: `{"errorMessage":"no","errorType":"refusedError"}`},
		{name: "exit", input: awslambda.InvokeInput{Payload: []byte(`{"do":"exit"}`)}, wantStatus: 200, wantFailed: true, wantPayload: `"errorType":"Runtime.ExitError"`},
		{name: "broken stream", input: awslambda.InvokeInput{Payload: []byte(`{"do":"fail later"}`)}, wantStatus: 200, wantFailed: true, wantPayload: `{"errorMessage":"no more","errorType":"refusedError"}`},
		{name: "answer at the limit", input: awslambda.InvokeInput{Payload: []byte(`{"do":"large","size":6291554}`)}, wantStatus: 200, wantPayload: "aaa"},
		{name: "answer too large", input: awslambda.InvokeInput{Payload: []byte(`{"do":"large","size":6291555}`)}, wantStatus: 200, wantFailed: true,
			wantPayload: `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`},
		{name: "unknown function", input: awslambda.InvokeInput{FunctionName: aws.String("g")}, wantCode: "ResourceNotFoundException"},
		{name: "payload too large", input: awslambda.InvokeInput{Payload: bytes.Repeat([]byte("1"), 6291457)}, wantCode: "RequestTooLargeException"},
		{name: "payload not JSON", input: awslambda.InvokeInput{Payload: []byte("{")}, wantCode: "InvalidRequestContentException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.input.FunctionName == nil {
				test.input.FunctionName = aws.String("f")
			}
			output, err := api.Invoke(t.Context(), &test.input)
			if test.wantCode != "" {
				if refused, ok := errors.AsType[smithy.APIError](err); !ok || refused.ErrorCode() != test.wantCode || refused.ErrorMessage() == "" {
					t.Fatalf("got %v, want %s", err, test.wantCode)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if output.StatusCode != test.wantStatus || (aws.ToString(output.FunctionError) == "Unhandled") != test.wantFailed {
				t.Errorf("status %d, function error %q", output.StatusCode, aws.ToString(output.FunctionError))
			}
			if !strings.Contains(string(output.Payload), test.wantPayload) {
				t.Errorf("payload %.200q, want %.200q", output.Payload, test.wantPayload)
			}
			if output.StatusCode == http.StatusOK && aws.ToString(output.ExecutedVersion) != "$LATEST" {
				t.Errorf("executed version %q", aws.ToString(output.ExecutedVersion))
			}
		})
	}
}

func TestInvokeAPIThrottles(t *testing.T) {
	host := start(t, lambda.Function{MaxInstances: 1})
	api := client(t, host)
	g := testsync.NewGate(t)
	held := make(chan error)
	go func() {
		_, err := api.Invoke(context.Background(), &awslambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(gated(g, "hold"))})
		held <- err
	}()
	g.Wait(t)
	_, err := api.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("f")})
	throttled, ok := errors.AsType[*types.TooManyRequestsException](err)
	if !ok || throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded || throttled.ErrorMessage() != "Rate Exceeded." {
		t.Errorf("got %v", err)
	}
	g.Open()
	if err := <-held; err != nil {
		t.Error(err)
	}
}

func TestInvokeAPIEvent(t *testing.T) {
	api := client(t, start(t, lambda.Function{MaxInstances: 1}))
	g := testsync.NewGate(t)
	for range 2 { // the second waits for the first, as throttled events do
		output, err := api.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName:   aws.String("f"),
			InvocationType: types.InvocationTypeEvent,
			Payload:        []byte(gated(g, "hold")),
		})
		if err != nil || output.StatusCode != http.StatusAccepted {
			t.Fatalf("got %v, %v", output, err)
		}
	}
	g.Wait(t)
	g.Open()
	g.Wait(t)
	g.Open()
}
