// Command bootstrap is a function of a REST API that does what its path says.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

func handle(ctx context.Context, e events.APIGatewayProxyRequest) (any, error) {
	gate := asking{e.QueryStringParameters["gate"]}
	switch e.Path {
	case "/fail":
		return nil, errors.New("no")
	case "/exit":
		os.Exit(1)
	case "/buffered":
		return events.APIGatewayProxyResponse{
			StatusCode: http.StatusAccepted, Headers: map[string]string{"X-One": "1"}, Body: e.Body,
		}, nil
	case "/gated":
		return stream(io.MultiReader(strings.NewReader("first"), gate, strings.NewReader("second"))), nil
	case "/broken":
		return stream(io.MultiReader(strings.NewReader("some"), gate, failing{})), nil
	case "/exit-later":
		return stream(io.MultiReader(strings.NewReader("some"), gate, exiting{})), nil
	case "/endless":
		r, w := io.Pipe()
		go w.Write([]byte("first"))
		return stream(&endless{r, gate}), nil
	}
	return stream(strings.NewReader(e.HTTPMethod + " " + e.Resource + " " + e.Body)), nil
}

func stream(body io.Reader) *events.APIGatewayProxyStreamingResponse {
	return &events.APIGatewayProxyStreamingResponse{
		StatusCode:        http.StatusCreated,
		Headers:           map[string]string{"Content-Type": "text/event-stream"},
		MultiValueHeaders: map[string][]string{"X-Two": {"1", "2"}},
		Cookies:           []string{"a=b", "c=d"},
		Body:              body,
	}
}

type (
	failing struct{}
	exiting struct{}
	asking  struct{ url string }
	endless struct {
		*io.PipeReader
		gate asking
	}
)

func (failing) Read([]byte) (int, error) { return 0, errors.New("no more") }
func (exiting) Read([]byte) (int, error) { os.Exit(1); return 0, nil }

// Read asks at a gate and waits for the answer.
func (a asking) Read([]byte) (int, error) {
	if r, err := http.Get(a.url); err == nil {
		r.Body.Close()
	}
	return 0, io.EOF
}

// Close passes the gate: the answer is no longer read.
func (e *endless) Close() error {
	e.gate.Read(nil)
	return e.PipeReader.Close()
}
