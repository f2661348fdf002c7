package lambdahttp

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"aoai-bridge/shared/rawjson"
)

// event is an invocation's payload. aws-lambda-go hands it over undecoded, so that a bare payload
// keeps its bytes and a large body is not read more often than it must be.
type event struct {
	raw []byte
}

func (e *event) UnmarshalJSON(raw []byte) error {
	e.raw = raw
	return nil
}

// request is an HTTP request as it reached API Gateway or a Function URL.
type request struct {
	*http.Request
	id          string // of the gateway
	functionURL bool
}

// request returns the HTTP request that the event carries, or nil for a bare payload. An HTTP event
// with members of the wrong type is an error.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (e *event) request(ctx context.Context) (*request, error) {
	o, err := rawjson.Parse(e.raw)
	if err != nil || o.Get("requestContext") == nil || o.Get("headers") == nil {
		return nil, nil
	}
	d := decoder{o: o, err: new(error)}
	gateway := d.object("requestContext")
	r := &http.Request{
		Method:     d.text("httpMethod"),
		Header:     d.headers(),
		Host:       gateway.text("domainName"),
		RemoteAddr: gateway.object("identity").text("sourceIp"),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	functionURL := r.Method == ""
	if functionURL {
		call := gateway.object("http")
		r.Method, r.RemoteAddr = call.text("method"), call.text("sourceIp")
		r.URL = &url.URL{Path: unescapePath(d.text("rawPath")), RawQuery: d.text("rawQueryString")}
	} else {
		r.URL = &url.URL{Path: unescapePath(d.text("path")), RawQuery: d.query().Encode()}
	}
	setBody(r, d.body())
	if *d.err != nil {
		return nil, *d.err
	}
	return &request{r.WithContext(ctx), gateway.text("requestId"), functionURL}, nil
}

// unescapePath decodes a path. REST APIs and Function URLs send it as the caller wrote it, HTTP APIs
// decoded (seen on live events: github.com/hotsock/voker, pull request 8), so that what has no valid
// escapes is taken as it is.
func unescapePath(path string) string {
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	return path
}

// bareRequest is the call that a workflow's payload makes.
func bareRequest(ctx context.Context, path string, payload []byte) *http.Request {
	r := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: path},
		Header: http.Header{"Content-Type": {"application/json"}},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	setBody(r, payload)
	return r.WithContext(ctx)
}

func setBody(r *http.Request, body []byte) {
	r.Body, r.ContentLength = &heldBody{*bytes.NewReader(body), body}, int64(len(body))
}

// heldBody is a body that is in memory whole. A handler that looks for Bytes need not copy it.
type heldBody struct {
	bytes.Reader
	all []byte
}

// Bytes returns the whole body, however much of it was read.
func (b *heldBody) Bytes() []byte { return b.all }

func (b *heldBody) Close() error { return nil }
