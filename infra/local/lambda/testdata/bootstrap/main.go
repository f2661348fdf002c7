// Command bootstrap is a function that does what its event says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string
	URL  string // asked at the moment in question; the answer is awaited
	Size int
}

type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

func main() {
	if os.Getenv("INIT") == "exit" {
		os.Stderr.WriteString("init\n")
		os.Exit(1)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var e event
	json.Unmarshal(payload, &e)
	switch e.Do {
	case "describe":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"pid": os.Getpid(), "requestID": lc.AwsRequestID, "arn": lc.InvokedFunctionArn,
			"trace": ctx.Value("x-amzn-trace-id"), "deadline": deadline.UnixMilli(), "env": os.Environ(),
		}, nil
	case "hold":
		ask(e.URL)
		return os.Getpid(), nil
	case "large":
		return strings.Repeat("a", e.Size), nil
	case "fail":
		return nil, &refusedError{"no"}
	case "panic":
		panic("at the disco")
	case "exit":
		os.Exit(1)
	case "exit 0":
		os.Exit(0)
	case "hang":
		select {}
	case "fail first":
		return io.MultiReader(failing{}), nil
	case "fail later":
		return io.MultiReader(strings.NewReader("some"), failing{}), nil
	case "exit later":
		return io.MultiReader(strings.NewReader("some"), asking{e.URL}, exiting{}), nil
	case "hang later":
		return io.MultiReader(strings.NewReader("some"), hanging{}), nil
	case "stream":
		return io.MultiReader(strings.NewReader("first"), asking{e.URL}, strings.NewReader("second")), nil
	case "endless":
		return newEndless(e.URL), nil
	}
	return payload, nil
}

func ask(url string) {
	if r, err := http.Get(url); err == nil {
		r.Body.Close()
	}
}

type (
	failing struct{}
	exiting struct{}
	hanging struct{}
	asking  struct{ url string }
)

func (failing) Read([]byte) (int, error)  { return 0, &refusedError{"no more"} }
func (exiting) Read([]byte) (int, error)  { os.Exit(1); return 0, nil }
func (hanging) Read([]byte) (int, error)  { select {} }
func (a asking) Read([]byte) (int, error) { ask(a.url); return 0, io.EOF }

// endless sends something once and then nothing, until it is closed, when it calls url.
type endless struct {
	*io.PipeReader
	url string
}

func newEndless(url string) *endless {
	r, w := io.Pipe()
	go w.Write([]byte("first"))
	return &endless{r, url}
}

func (e *endless) Close() error {
	ask(e.url)
	return e.CloseWithError(errors.New("closed"))
}

func (*endless) ContentType() string { return "application/vnd.awslambda.http-integration-response" }
