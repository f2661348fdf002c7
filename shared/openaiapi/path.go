package openaiapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

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
		p.dropDates()
	case strings.HasPrefix(p.Full, "/openai/v1/"):
		p.Rest = p.Full[len("/openai/v1/"):]
		p.dropDates()
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

// dropDates leaves out an api-version that is a date. Some clients of Azure's add one to every URL, and Azure answers
// 400 "API version not supported" to it on the paths that are not dated. "preview", "latest" and "v1" have a meaning there.
func (p *Path) dropDates() {
	const name = "api-version"
	versions := slices.DeleteFunc(p.Query[name], isDated)
	if len(versions) == 0 {
		p.Query.Del(name)
		return
	}
	p.Query[name] = versions
}

// isDated reports whether a version begins with a date, as 2024-10-21 and 2025-04-01-preview do.
func isDated(version string) bool {
	_, err := time.Parse(time.DateOnly, version[:min(len(version), len(time.DateOnly))])
	return err == nil
}

// elsewhere are OpenAI's operations that no function serves, by the first segment of their paths.
var elsewhere = []string{
	"assistants", "audio", "chatkit", "completions", "containers", "edits", "evals", "fine_tuning", "images", "moderations",
	"organization", "projects", "realtime", "skills", "threads", "vector_stores", "videos",
}

// isElsewhere reports whether the path is of one of those, or of stored chat completions.
func (p Path) isElsewhere() bool {
	first, _, _ := strings.Cut(p.Rest, "/")
	return slices.Contains(elsewhere, first) || strings.HasPrefix(p.Rest, "chat/completions/")
}

// notFound is the 404 for a path that no function serves.
func (p Path) notFound(method string) error {
	if !p.isElsewhere() {
		return p.unknownURL(method)
	}
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "not_served",
		Message: fmt.Sprintf("%s %s is not served here. What is: chat/completions, responses, conversations, embeddings, models, files, uploads, batches and tokens/estimate. For anything else call Azure OpenAI itself.", method, p.Full),
	}
}

func (p Path) unknownURL(method string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s. Check the path for typos; the base URL of this API ends in /v1.", method, p.Full),
	}
}
