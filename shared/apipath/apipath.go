// Package apipath reads the paths that OpenAI's SDKs call: OpenAI's own below /v1, Azure's below
// /openai/v1, and Azure's with an api-version. It does not know which operations there are.
package apipath

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
)

// Path is a path's family and what stands behind it.
type Path struct {
	Dated      bool   // Azure's paths with an api-version
	Deployment string // of /openai/deployments/{deployment}/
	Rest       string // "chat/completions"
	Query      url.Values
}

// Parse reads the path of a request.
func Parse(r *http.Request) (*Path, error) {
	p := &Path{Query: r.URL.Query()}
	switch asked := r.URL.Path; {
	case strings.HasPrefix(asked, "/v1/"):
		p.Rest = asked[len("/v1/"):]
	case strings.HasPrefix(asked, "/openai/v1/"):
		p.Rest = asked[len("/openai/v1/"):]
	case strings.HasPrefix(asked, "/openai/"):
		p.Dated = true
		p.Rest = asked[len("/openai/"):]
		if rest, ok := strings.CutPrefix(p.Rest, "deployments/"); ok {
			if p.Deployment, p.Rest, _ = strings.Cut(rest, "/"); !config.Segment(p.Deployment) {
				return nil, unknown(r.Method, r.URL.Path)
			}
		}
		if p.Query.Get("api-version") == "" {
			return nil, openaierr.Invalid("api-version", "missing_api_version",
				"Azure's paths need a version: add for example ?api-version=2024-10-21, or use a path under /v1.")
		}
	}
	for segment := range strings.SplitSeq(p.Rest, "/") { // the mux would redirect, and know no family to go back to
		if !config.Segment(segment) {
			return nil, unknown(r.Method, r.URL.Path)
		}
	}
	return p, nil
}

// Request is r for a mux whose patterns are those of what stands behind the family.
func (p *Path) Request(r *http.Request) *http.Request {
	inner := r.Clone(r.Context())
	inner.URL = &url.URL{Path: "/" + p.Rest}
	return inner
}

// Check puts the 404 or 405 with which mux would answer r into OpenAI's shape. asked is the whole path.
func Check(mux *http.ServeMux, r *http.Request, asked string) error {
	handler, pattern := mux.Handler(r)
	if pattern != "" {
		return nil
	}
	probe := &probe{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status != http.StatusMethodNotAllowed {
		return unknown(r.Method, asked)
	}
	allow := probe.header.Get("Allow")
	return &openaierr.Error{
		Status: probe.status, Type: openaierr.TypeInvalidRequest, Code: "method_not_allowed",
		Header:  http.Header{"Allow": {allow}},
		Message: fmt.Sprintf("Not allowed to %s on %s. Use %s.", r.Method, asked, allow),
	}
}

func unknown(method, path string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s. Check the path for typos; the base URL of this API ends in /v1.", method, path),
	}
}

// probe learns what a handler would answer.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
