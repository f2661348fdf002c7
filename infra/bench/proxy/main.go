// Proxy is the bare streaming proxy that the functions are measured beside: what one writes in twenty
// lines with aws-lambda-go, with no callers, retries, errors, secrets or logs. The bench links in where
// Azure is, so that it has no configuration to read.
package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

var upstream, key string

func handle(ctx context.Context, e events.APIGatewayProxyRequest) (*events.APIGatewayProxyStreamingResponse, error) {
	r, err := http.NewRequestWithContext(ctx, e.HTTPMethod, upstream+"/openai"+e.Path, strings.NewReader(e.Body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Api-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	return &events.APIGatewayProxyStreamingResponse{
		StatusCode: response.StatusCode, MultiValueHeaders: response.Header, Body: response.Body,
	}, nil
}

func main() { lambda.Start(handle) }
