package openaiapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/urlpath"
)

// Path is the path of a request: its family, and what comes after that.
type Path struct {
	Full       string // the whole
	Dated      bool   // Azure's family with an api-version
	Deployment string // of /openai/deployments/{deployment}/
	Rest       string // "chat/completions"
	Query      url.Values
}

// parsePath reads the paths that OpenAI's SDKs call: OpenAI's own below /v1, Azure's below /openai/v1, and Azure's
// with an api-version.
func parsePath(r *http.Request) (p Path, err error) {
	p = Path{Full: r.URL.Path, Query: r.URL.Query()}
	switch {
	case strings.HasPrefix(p.Full, "/v1/"):
		p.Rest = p.Full[len("/v1/"):]
	case strings.HasPrefix(p.Full, "/openai/v1/"):
		p.Rest = p.Full[len("/openai/v1/"):]
	case strings.HasPrefix(p.Full, "/openai/"):
		p.Dated = true
		p.Rest = p.Full[len("/openai/"):]
		if rest, ok := strings.CutPrefix(p.Rest, "deployments/"); ok {
			if p.Deployment, p.Rest, _ = strings.Cut(rest, "/"); !urlpath.IsSegment(p.Deployment) {
				return p, p.unknownURL(r.Method)
			}
		}
		if p.Query.Get("api-version") == "" {
			return p, openaierr.Invalid("api-version", "missing_api_version",
				"Azure's paths need a version: add for example ?api-version=2024-10-21, or use a path under /v1.")
		}
	}
	for segment := range strings.SplitSeq(p.Rest, "/") { // the mux would redirect, and knows no family to go back to
		if !urlpath.IsSegment(segment) {
			return p, p.unknownURL(r.Method)
		}
	}
	return p, nil
}

// Escaped is what comes after the family, as a URL has it.
func (p Path) Escaped() string {
	segments := strings.Split(p.Rest, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return strings.Join(segments, "/")
}

func (p Path) unknownURL(method string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s. Check the path for typos; the base URL of this API ends in /v1.", method, p.Full),
	}
}
