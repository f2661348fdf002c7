package jsonl

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// The operations that a line can ask for, as they come after /v1/ in its url.
const (
	ChatCompletions = "chat/completions"
	Responses       = "responses"
	Embeddings      = "embeddings"
)

// usual are the urls that nearly all lines have.
var usual = map[string]string{
	"/v1/" + ChatCompletions: ChatCompletions, "/v1/" + Responses: Responses, "/v1/" + Embeddings: Embeddings,
	"/" + ChatCompletions: ChatCompletions, "/" + Responses: Responses, "/" + Embeddings: Embeddings,
}

// EndpointOf is the operation of a url, "" if it is none of ours.
func EndpointOf(url string) string {
	endpoint, _ := parseURL(url)
	return endpoint
}

// parseURL returns the operation that a line's url names, "" if it is none of ours, and the deployment in it, "" if there
// is none. A url is a path with or without /openai, /v1 and slashes around it, /openai/deployments/NAME/OPERATION, or a
// whole address that ends in one of these. An address may have more before them, such as a gateway's stage. Its host
// does not matter: where a line goes is the Azure secret's to say. What comes after a question mark is left out.
func parseURL(text string) (endpoint, deployment string) {
	if endpoint, ok := usual[text]; ok {
		return endpoint, ""
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Opaque != "" {
		return "", ""
	}
	segments := strings.Split(strings.Trim(path.Clean("/"+u.EscapedPath()), "/"), "/")
	for _, endpoint := range []string{ChatCompletions, Responses, Embeddings} {
		before, ok := cutLast(segments, endpoint)
		if !ok {
			continue
		}
		if n := len(before); n >= 2 && strings.EqualFold(before[n-2], "deployments") {
			if deployment, err = url.PathUnescape(before[n-1]); err != nil {
				return "", ""
			}
			before = before[:n-2]
		} else {
			before, _ = cutLast(before, "v1")
		}
		if before, _ = cutLast(before, "openai"); len(before) > 0 && u.Host == "" {
			return "", ""
		}
		return endpoint, deployment
	}
	return "", ""
}

// cutLast cuts a path off the end of segments, if they end in it, in any case.
func cutLast(segments []string, path string) (before []string, ok bool) {
	last := strings.Split(path, "/")
	n := len(segments) - len(last)
	if n < 0 || !slices.EqualFunc(segments[n:], last, strings.EqualFold) {
		return segments, false
	}
	return segments[:n], true
}
