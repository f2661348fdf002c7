package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
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
func (e *event) request(ctx context.Context) (*request, error) {
	o, err := rawjson.Parse(e.raw)
	if err != nil || o.Get("requestContext") == nil || o.Get("headers") == nil {
		return nil, nil
	}
	var m meta
	d := decoder{o: o}
	d.member("requestContext", &m.Context)
	d.member("headers", &m.Headers)
	d.member("multiValueHeaders", &m.MultiValueHeaders)
	d.member("httpMethod", &m.Method)
	d.member("path", &m.Path)
	d.member("multiValueQueryStringParameters", &m.Query)
	d.member("rawPath", &m.RawPath)
	d.member("rawQueryString", &m.RawQuery)
	d.member("body", &m.Body)
	d.member("isBase64Encoded", &m.Base64)
	if d.err != nil {
		return nil, d.err
	}
	return m.request(ctx)
}

// meta has the members of both forms of event that are used.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
type meta struct {
	Context struct {
		RequestID  string `json:"requestId"`
		DomainName string `json:"domainName"`
		Identity   struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		HTTP struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	}
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Method            string
	Path              string
	Query             url.Values
	RawPath           string
	RawQuery          string
	Body              string
	Base64            bool
}

func (m *meta) request(ctx context.Context) (*request, error) {
	functionURL := m.Method == ""
	r := &http.Request{
		Method:     m.Method,
		URL:        &url.URL{Path: unescaped(m.Path), RawQuery: m.Query.Encode()},
		Header:     make(http.Header, len(m.Headers)),
		Host:       m.Context.DomainName,
		RemoteAddr: m.Context.Identity.SourceIP,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if functionURL {
		r.Method, r.RemoteAddr = m.Context.HTTP.Method, m.Context.HTTP.SourceIP
		r.URL = &url.URL{Path: unescaped(m.RawPath), RawQuery: m.RawQuery}
	}
	for name, value := range m.Headers {
		r.Header.Set(name, value)
	}
	for name, values := range m.MultiValueHeaders {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	body := []byte(m.Body)
	if m.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(m.Body); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	setBody(r, body)
	return &request{r.WithContext(ctx), m.Context.RequestID, functionURL}, nil
}

// unescaped decodes a path. REST APIs and Function URLs send it as the caller wrote it, HTTP APIs
// decoded (seen on live events: github.com/hotsock/voker, pull request 8), so that what has no valid
// escapes is taken as it is.
func unescaped(path string) string {
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
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// decoder decodes members until one fails.
type decoder struct {
	o   *rawjson.Object
	err error
}

func (d *decoder) member(name string, into any) {
	raw := d.o.Get(name)
	if d.err != nil || raw == nil {
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		d.err = fmt.Errorf("event member %s: %w", name, err)
	}
}
