package azureopenai

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// setHeaders sets what Azure sends whatever the answer.
func (x *exchange) setHeaders() {
	h := x.w.Header()
	h.Set("Apim-Request-Id", x.server.uuid())
	h.Set("X-Request-Id", x.server.uuid())
	h.Set("X-Ms-Region", x.server.options.Region)
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload")
	h.Set("X-Content-Type-Options", "nosniff")
	if id, ok := firstHeader(x.r, "X-Ms-Client-Request-Id"); ok {
		h.Set("X-Ms-Client-Request-Id", id)
	} else {
		h.Set("X-Ms-Client-Request-Id", "Not-Set")
	}
	if x.deployment != nil {
		h.Set("X-Ms-Deployment-Name", x.deployment.Name)
		h.Set("Azureml-Model-Session", "d089-20240815073451")
	}
}

func (x *exchange) setRateHeaders(r rate) {
	seconds := itoa(int(r.reset.Seconds() + 0.999))
	h := x.w.Header()
	h.Set("X-Ratelimit-Limit-Requests", itoa(r.limitRequests))
	h.Set("X-Ratelimit-Limit-Tokens", itoa(r.limitTokens))
	h.Set("X-Ratelimit-Remaining-Requests", itoa(r.remainingRequests))
	h.Set("X-Ratelimit-Remaining-Tokens", itoa(r.remainingTokens))
	h.Set("X-Ratelimit-Reset-Requests", seconds)
	h.Set("X-Ratelimit-Reset-Tokens", seconds)
}

// setRetryAfter sets the headers that are not "".
func (x *exchange) setRetryAfter(seconds, ms string) {
	if seconds != "" {
		x.w.Header().Set("Retry-After", seconds)
	}
	if ms != "" {
		x.w.Header().Set("Retry-After-Ms", ms)
	}
}

// setServiceTime says how long the answer took so far, in milliseconds.
func (x *exchange) setServiceTime() {
	x.w.Header().Set("X-Envoy-Upstream-Service-Time", itoa(int(x.server.options.Now().Sub(x.start).Milliseconds())))
}
