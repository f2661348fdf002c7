// Package apigateway is the front of a Regional REST API with Lambda proxy integrations. It refuses
// to know what the functions do and who may call them.
package apigateway

import (
	"context"
	"net/http"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

// An Invoker hands payload to a function, as (*lambda.Host).Invoke does.
type Invoker func(ctx context.Context, functionID string, payload []byte) (*lambda.Response, error)

// New returns the handler of api's deployed stage. The stage is not part of the path, as behind a
// custom domain name.
func New(api template.API, invoke Invoker) http.Handler { return http.NotFoundHandler() }
