package azure

import (
	"iter"
	"net/http"
	"strings"
)

// requestHeaders reach Azure as the caller sent them. No others do: Azure answers 431 to more than
// ten headers of a caller's own (MicrosoftDocs/azure-ai-docs, quotas and limits), and the SDKs send
// as many about themselves.
var requestHeaders = []string{
	"Accept",
	"Content-Type",
	"X-Ms-Client-Request-Id",
	"X-Ms-Spillover-Deployment",
}

// Deployments yields the headers of a caller that reach Azure and name a deployment, by their names in lower case.
// These have the form x-ms-...-deployment.
func Deployments(from http.Header) iter.Seq2[string, string] {
	return func(yield func(header, deployment string) bool) {
		for _, name := range requestHeaders {
			if !strings.HasPrefix(name, "X-Ms-") || !strings.HasSuffix(name, "-Deployment") {
				continue
			}
			for _, value := range from[name] {
				if !yield(strings.ToLower(name), value) {
					return
				}
			}
		}
	}
}

// responseHeaders reach the caller as Azure sent them, and so do those that begin with one of
// responsePrefixes. What speaks of the connection or of Azure's own site does not.
var responseHeaders = []string{
	"Apim-Request-Id",
	"Azureml-Model-Session",
	"Content-Type",
	"Openai-Model",
	"Openai-Processing-Ms",
	"Request-Id",
	"Retry-After",
	"Retry-After-Ms",
	"X-Envoy-Upstream-Service-Time",
	"X-Ms-Client-Request-Id",
	"X-Ms-Deployment-Name",
	"X-Ms-Is-Spilled-Over",
	"X-Ms-Rai-Invoked",
	"X-Ms-Region",
	"X-Ms-Request-Id",
	"X-Request-Id",
	"X-Should-Retry",
}

var responsePrefixes = []string{"X-Ratelimit-", "Ms-Azureml-Model-Error-", "X-Ms-Spillover-"}

func pick(from http.Header, names []string) http.Header {
	picked := make(http.Header, len(names))
	for _, name := range names {
		if values := from[name]; values != nil {
			picked[name] = values
		}
	}
	return picked
}

func answerHeaders(from http.Header) http.Header {
	picked := pick(from, responseHeaders)
	for name, values := range from {
		for _, prefix := range responsePrefixes {
			if strings.HasPrefix(name, prefix) {
				picked[name] = values
			}
		}
	}
	return picked
}
