// Package apigateway is the front of a Regional REST API with Lambda proxy integrations. It does
// not know what the functions do and who may call them.
//
// Where it differs from the service on purpose: a caller that goes away cancels the invocation, so
// that cancellation can be shown; API Gateway lets the function finish. REQUEST_TOO_LARGE takes the
// template's words, which the service documents as not supported yet. Not imitated: authorizers, API
// keys, validation, caching, compression, throttling, SAM's Cors property, the 200 MB and the 2 MB/s that end or
// slow down a stream, and the service's search for an AWS signature in a request that matches no
// route. What is not documented, and was not tried against the service, is marked unverified where
// it stands.
package apigateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

// An Invoker hands payload to a function, as (*lambda.Host).Invoke does.
type Invoker func(ctx context.Context, functionID string, payload []byte) (*lambda.Response, error)

const (
	maxRequest = 10485760 // bytes of a request's body

	// An integration without a timeout of its own gets 29 s.
	defaultTimeout = 29 * time.Second

	// A Regional API cuts a stream that is silent for 5 minutes.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
	maxSilence = 5 * time.Minute
)

type gateway struct {
	stage     string
	resources node
	binary    mediaTypes
	responses map[string]template.GatewayResponse
	invoke    Invoker
}

// New returns the handler of api's deployed stage. The stage is not part of the path, as with a
// custom domain name.
func New(api template.API, invoke Invoker) http.Handler {
	g := &gateway{
		stage:     api.Stage,
		binary:    newMediaTypes(api.BinaryMediaTypes),
		responses: api.GatewayResponses,
		invoke:    invoke,
	}
	for _, route := range api.Routes {
		g.resources.addRoute(route)
	}
	return g
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(r)
	w.Header()["x-amzn-RequestId"] = []string{c.requestID}
	w.Header()["x-amz-apigw-id"] = []string{c.extendedID}
	err := g.serve(w, c)
	if refused, ok := errors.AsType[*refusal](err); ok {
		g.refuse(w, c, refused)
	} else if err != nil {
		// The caller is gone, or has to see that the answer broke off.
		panic(http.ErrAbortHandler)
	}
}

// serve returns a *refusal if nothing was sent yet, and any other error if the answer broke off.
func (g *gateway) serve(w http.ResponseWriter, c *call) error {
	segments := segmentsOfURL(c.request.URL)
	resource := g.resources.findResource(segments)
	route := resource.routeFor(c.request.Method)
	if route == nil {
		return unknownRoute
	}
	body, err := readBody(c.request)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(c.request.Context())
	defer cancel(nil)
	timeout := time.AfterFunc(cmp.Or(route.Timeout, defaultTimeout), func() { cancel(timedOut) })
	defer timeout.Stop()
	silence := time.AfterFunc(maxSilence, func() { cancel(timedOut) })
	defer silence.Stop()

	response, err := g.invoke(ctx, route.FunctionID, g.event(c, resource, segments, body))
	if err != nil {
		return cmp.Or(context.Cause(ctx), refusalOf(err))
	}
	defer response.Body.Close()
	if route.Streaming {
		err = streamAnswer(w, response.Body, silence)
	} else {
		err = g.bufferedAnswer(w, c.request, response.Body)
	}
	if _, refused := errors.AsType[*refusal](err); refused {
		// An invocation that was called off ends like one that fails.
		return cmp.Or(context.Cause(ctx), err)
	}
	return err
}

// readBody returns the request's whole body.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength >= 0 && r.ContentLength <= maxRequest {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err == nil && len(body) > maxRequest {
		// Many clients read no answer before they have sent everything.
		_, _ = io.CopyN(io.Discard, r.Body, 10*maxRequest) // whatever comes of it, the answer is the same
		err = tooLarge
	}
	return body, err
}
