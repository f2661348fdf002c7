package azure_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
)

func TestRequestHeaders(t *testing.T) {
	e, s := one(t)
	call := chat("hi")
	call.Header = http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"},
		"X-Ms-Client-Request-Id": {"mine"}, "X-Ms-Spillover-Deployment": {"spill"}, "X-Ms-Oai-Image-Generation-Deployment": {"img"}, "X-Ms-Of-Next-Year": {"1"},
		"Aoai-Evals": {"preview"}, "X-Policy-Id": {"strict"}, "Traceparent": {"00-1-2-01"}, "Tracestate": {"a=1"},
		// and what must not reach Azure:
		"Authorization": {"Bearer sk-callers-own"}, "Api-Key": {"sk-callers-own"}, "Cookie": {"a=b"}, "Accept-Encoding": {"gzip"}, "X-Forwarded-For": {"10.0.0.1"},
		"X-Stainless-Lang": {"python"}, "User-Agent": {"OpenAI/Python"}, "Openai-Organization": {"org"}, "Idempotency-Key": {"1"}, "Host": {"gateway"},
		"X-Ms-Authorization-Auxiliary": {"Bearer a"}, "X-Ms-Authorization": {"Bearer b"}, "X-Ms-Copy-Source-Authorization": {"Bearer c"},
		"X-Ms-Token-Aad-Access-Token": {"d"}, "X-Ms-Client-Principal": {"e"}, "X-Ms-Client-Principal-Id": {"f"},
		"X-Amzn-Trace-Id": {"Root=1"}, "X-Amz-Cf-Id": {"1"}, "Via": {"1.1 cloudfront"}, "Cloudfront-Is-Mobile-Viewer": {"false"}, "Forwarded": {"for=1"},
		"Proxy-Authorization": {"Basic a"}, "Te": {"trailers"}, "Upgrade": {"h2c"}, "Connection": {"keep-alive, x-ms-for-this-hop"}, "X-Ms-For-This-Hop": {"1"},
		"X-Policy": {"1"}, "Traceparent-Of-Others": {"1"}, "Xms-Client": {"1"},
	}
	s.do(t.Context(), call, false).ok(t)
	r := last(t, e)
	want := http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(r.Body))}, "User-Agent": {"aoai-bridge/unreleased"}, "Accept-Encoding": {"identity"},
		"X-Ms-Client-Request-Id": {"mine"}, "X-Ms-Spillover-Deployment": {"spill"}, "X-Ms-Oai-Image-Generation-Deployment": {"img"}, "X-Ms-Of-Next-Year": {"1"},
		"Aoai-Evals": {"preview"}, "X-Policy-Id": {"strict"}, "Traceparent": {"00-1-2-01"}, "Tracestate": {"a=1"},
	}
	for name, values := range r.Header {
		if got, allowed := values[0], want[name]; len(values) != 1 || len(allowed) != 1 || got != allowed[0] {
			t.Errorf("%s: %q reached Azure, want %q", name, values, allowed)
		}
		delete(want, name)
	}
	if len(want) > 0 || r.Auth != "api-key" {
		t.Errorf("missing %v, credential %s", want, r.Auth)
	}
}

// TestTooManyHeaders is about the bound on a caller's own: more would be a 431 of Azure's.
func TestTooManyHeaders(t *testing.T) {
	many := func(n int) http.Header {
		h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
		for i := range n {
			h.Set(fmt.Sprintf("x-ms-own-%02d", i), "1")
		}
		for i := range 30 {
			h.Set(fmt.Sprintf("x-stainless-%d", i), "1")
		}
		return h
	}
	with := func(h http.Header, name string, values ...string) http.Header {
		h[http.CanonicalHeaderKey(name)] = values
		return h
	}
	tests := []struct {
		name   string
		header http.Header
		param  string // "" is an answer
		named  []string
	}{
		{"none", many(0), "", nil},
		{"eight", many(8), "", nil},
		{"eight, and what does not go there", with(many(8), "x-ms-authorization-auxiliary", "a"), "", nil},
		{"nine", many(9), "x-ms-own-08", []string{"x-ms-own-00", "x-ms-own-08", "you send 9"}},
		{"of every kind", with(with(with(many(6), "traceparent", "1"), "x-policy-id", "1"), "aoai-evals", "1"), "x-policy-id", []string{"aoai-evals", "traceparent", "x-policy-id"}},
		{"one with many values", with(many(0), "x-ms-one", "1", "2", "3", "4", "5", "6", "7", "8", "9"), "x-ms-one", []string{"x-ms-one", "you send 9"}},
		{"hundreds", many(300), "x-ms-own-99", []string{"x-ms-own-00", "and 284 more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			call := chat("hi")
			call.Header = tt.header
			r := s.do(t.Context(), call, false)
			if tt.param == "" {
				r.ok(t)
				return
			}
			failure := r.refused(t, http.StatusBadRequest, "too_many_headers")
			for _, name := range tt.named {
				if !strings.Contains(failure.Message, name) {
					t.Errorf("%q is not in %s", name, failure.Message)
				}
			}
			if failure.Param != tt.param || strings.Contains(failure.Message, "stainless") || upstreamRequests(e) != 0 {
				t.Errorf("got %s", r.Body)
			}
		})
	}
}

// TestHeaderNames is about names that net/http refuses to send.
func TestHeaderNames(t *testing.T) {
	for _, name := range []string{"X-Ms-a b", "X-Ms-a:b", "X-Ms-\r\nX-Injected", "Aoai-é", "X-Ms-(a)"} {
		e, s := one(t)
		call := chat("hi")
		call.Header = http.Header{name: {"1"}}
		r := s.do(t.Context(), call, false)
		if failure := r.refused(t, http.StatusBadRequest, "invalid_header"); failure.Param != name || upstreamRequests(e) != 0 {
			t.Errorf("got %s", r.Body)
		}
	}
}

// TestDeploymentInHeader has a header name a deployment that the call needs besides its own: the resources that have it
// are asked, and get its name there.
func TestDeploymentInHeader(t *testing.T) {
	const image = "X-Ms-Oai-Image-Generation-Deployment"
	const form = `{"resources":[
		{"name":"first","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"},{"name":"spill","model":"gpt-4o"}]},
		{"name":"second","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"},{"name":"img","model":"gpt-image-1"},{"name":"night","model":"o3","type":"GlobalBatch"}]}]}`
	tests := []struct {
		name   string
		header http.Header
		asked  string // "" is none
		sent   string
	}{
		{"by deployment", http.Header{image: {"img"}}, "second", "img"},
		{"by model", http.Header{image: {"gpt-image-1"}}, "second", "img"},
		{"any such header", http.Header{"X-Ms-Of-Next-Year-Deployment": {"gpt-image-1"}}, "second", "img"},
		{"its own model", http.Header{"X-Ms-Spillover-Deployment": {"gpt-4o"}}, "first", "gpt-4o"},
		{"spillover", http.Header{"X-Ms-Spillover-Deployment": {"spill"}}, "first", "spill"},
		{"none", http.Header{image: {""}}, "first", ""},
		{"unknown", http.Header{image: {"nobody"}}, "", ""},
		{"a batch deployment", http.Header{image: {"night"}}, "", ""},
		{"two that no resource has both of", http.Header{image: {"img"}, "X-Ms-Spillover-Deployment": {"spill"}}, "", ""},
		{"two that one has", http.Header{image: {"gpt-image-1"}, "X-Ms-Spillover-Deployment": {"gpt-4o"}}, "second", "img"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, firstURL := emulator(t, azureopenai.Options{})
			second, secondURL := emulator(t, azureopenai.Options{})
			s := open(t, fmt.Sprintf(form, firstURL, secondURL))
			call := chat("hi")
			call.Header = tt.header
			r := s.do(t.Context(), call, false)
			if tt.asked == "" {
				failure := r.refused(t, http.StatusNotFound, "model_not_found")
				if _, ok := tt.header[http.CanonicalHeaderKey(failure.Param)]; !ok || upstreamRequests(first)+upstreamRequests(second) > 0 {
					t.Errorf("got %s", r.Body)
				}
				return
			}
			r.ok(t)
			e := map[string]*azureopenai.Server{"first": first, "second": second}[r.record.Resource]
			if got := last(t, e).Header; r.record.Resource != tt.asked || got.Get(image)+got.Get("X-Ms-Of-Next-Year-Deployment") != tt.sent && got.Get("X-Ms-Spillover-Deployment") != tt.sent {
				t.Errorf("%s got %v", r.record.Resource, got)
			}
		})
	}
	t.Run("an open resource", func(t *testing.T) {
		e, s := one(t)
		call := chat("hi")
		call.Header = http.Header{image: {"nobody-knows"}}
		s.do(t.Context(), call, false).ok(t)
		if got := last(t, e).Header.Get(image); got != "nobody-knows" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a call without a model", func(t *testing.T) {
		first, firstURL := emulator(t, azureopenai.Options{})
		_, secondURL := emulator(t, azureopenai.Options{})
		s := open(t, fmt.Sprintf(form, firstURL, secondURL))
		first.QueueAnswer(reply{Body: `{}`})
		call := get("responses/resp_1")
		call.Header = http.Header{image: {"img"}}
		s.do(t.Context(), call, true).ok(t)
		if upstreamRequests(first) != 1 {
			t.Error("the resource that has the response was not asked")
		}
	})
	t.Run("the caller's header stays", func(t *testing.T) {
		_, firstURL := emulator(t, azureopenai.Options{})
		_, secondURL := emulator(t, azureopenai.Options{})
		s := open(t, fmt.Sprintf(form, firstURL, secondURL))
		call := chat("hi")
		call.Header = http.Header{image: {"gpt-image-1"}}
		s.do(t.Context(), call, false).ok(t)
		if got := call.Header.Get(image); got != "gpt-image-1" {
			t.Errorf("it became %q", got)
		}
	})
}

// TestCredentialsStayApart has the first resource fail that takes a key: the second, which takes a token, gets no key.
func TestCredentialsStayApart(t *testing.T) {
	first, firstURL := emulator(t, azureopenai.Options{})
	second, secondURL := emulator(t, azureopenai.Options{APIKeys: []string{}, VerifyBearer: directories.secret.Verify})
	s := open(t, fmt.Sprintf(`{"resources":[{"name":"first","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"}]},
		{"name":"second","endpoint":%q,"entra":{"tenant_id":%q,"client_id":%q,"authority_host":%q%s},"deployments":[{"model":"gpt-4o"}]}]}`,
		firstURL, secondURL, tenant, application, directories.secret.url, withSecret))
	for _, r := range []reply{limited(429, "30"), failure(500, "x", "m"), wrongKey} {
		s.advance(2 * time.Minute)
		first.QueueAnswer(r)
		s.do(t.Context(), chat("hi"), false).ok(t)
		if got := last(t, second); got.Auth != "bearer token" || got.Header.Get("Api-Key") != "" {
			t.Errorf("the second got %s and %v", got.Auth, got.Header)
		}
	}
}
