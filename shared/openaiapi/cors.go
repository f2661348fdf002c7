package openaiapi

import (
	"net/http"
	"slices"
	"strings"

	"aoai-bridge/shared/telemetry"
)

// What a page of an allowed origin may send and read.
const (
	// PUT and PATCH are served nowhere, but without them here a page would see a network error and not the 405.
	allowedMethods = "DELETE, GET, HEAD, PATCH, POST, PUT"
	// maxAge is how long a browser may keep the answer to a preflight, in seconds. Chrome keeps none for longer than two hours.
	maxAge = "7200"
	// maxAsked bounds the names that are taken over from a preflight, in bytes: all headers of a streamed answer have 16 KB.
	maxAsked = 4096
	// nameCharacters are those of such a name. Others are possible, but no client of this API has them.
	nameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_."
)

// allowedHeaders are those that the SDKs of OpenAI and Azure send. There is no "*" among them: it does not cover
// Authorization, and no pattern such as x-stainless-* exists.
var allowedHeaders = []string{
	"accept", "api-key", "authorization", "content-type", "idempotency-key", "openai-beta", "openai-organization",
	"openai-project", "traceparent", "tracestate", "user-agent", "x-client-request-id", "x-ms-client-request-id", "x-ms-useragent",
	"x-request-id", "x-stainless-arch", "x-stainless-async", "x-stainless-custom-poll-interval", "x-stainless-helper-method",
	"x-stainless-lang", "x-stainless-os", "x-stainless-package-version", "x-stainless-poll-helper", "x-stainless-raw-response",
	"x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout",
}

// exposedHeaders are those of an answer that a script may read, besides the few that it always may. The "*" is for Azure's
// x-ms-* and others to come; browsers that are older than it have the names.
var exposedHeaders = strings.Join([]string{
	"allow", "apim-request-id", "azureml-model-session", "openai-model", "openai-processing-ms", "request-id", "retry-after",
	"retry-after-ms", "x-amzn-requestid", "x-envoy-upstream-service-time", "x-ms-client-request-id", "x-ms-deployment-name",
	"x-ms-rai-invoked", "x-ms-region", "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
	"x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
	"x-request-id", "x-should-retry", "*",
}, ", ")

// anyOrigin in place of a list lets pages of every origin call.
const anyOrigin = "*"

// CORS lets pages of other origins call next from a browser. origins are theirs, as a browser sends them and separated
// by commas, or "*" for every one; "" leaves everything as it is. A preflight is answered here, since a browser sends no
// key with it. No answer allows credentials: a key travels in a header, which the page itself has to set.
func CORS(origins string, next http.Handler) http.Handler {
	if origins == "" {
		return next
	}
	listed := strings.Split(origins, ",")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, origin, allow := w.Header(), r.Header.Get("Origin"), ""
		switch {
		case origin != "" && origins == anyOrigin:
			allow = anyOrigin
		case slices.Contains(listed, origin):
			allow = origin
		}
		header.Set("Vary", "Origin") // also if there is none: a cache must not give that answer to a page
		if allow != "" {
			header.Set("Access-Control-Allow-Origin", allow)
		}
		preflight := origin != "" && r.Method == http.MethodOptions // no operation has that method
		switch {
		case preflight && allow != "":
			header.Set("Access-Control-Allow-Methods", allowedMethods)
			header.Set("Access-Control-Allow-Headers", strings.Join(withAsked(r.Header), ", "))
			header.Set("Access-Control-Max-Age", maxAge)
		case allow != "":
			header.Set("Access-Control-Expose-Headers", exposedHeaders)
		}
		if preflight {
			telemetry.From(r.Context()).Operation = "preflight"
			w.WriteHeader(http.StatusNoContent) // without the headers above the browser does not send the request
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withAsked returns the allowed headers with those that a preflight asks for, as far as they are names: what an
// operation makes of a header is its own matter.
func withAsked(preflight http.Header) []string {
	names, size := slices.Clone(allowedHeaders), 0
	for _, value := range preflight["Access-Control-Request-Headers"] {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "" || strings.Trim(name, nameCharacters) != "" || slices.Contains(names, name) {
				continue
			}
			if size += len(name); size > maxAsked {
				return names
			}
			names = append(names, name)
		}
	}
	return names
}
