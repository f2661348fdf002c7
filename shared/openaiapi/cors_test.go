package openaiapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

func TestCORS(t *testing.T) {
	const one, two = "https://a.example", "http://localhost:3000"
	const list = one + "," + two
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("data: a\n\n"))
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("data: b\n\n"))
		case "/error":
			telemetry.Fail(w, r, openaierr.Invalid("model", "x", "A message."))
		case "/failure":
			telemetry.Fail(w, r, errors.New("hidden"))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	tests := []struct {
		name, origins, line, origin string
		status                      int
		allow                       string // Access-Control-Allow-Origin
		untouched                   bool   // no header of this package
	}{
		{name: "a listed origin", origins: list, line: "POST /", origin: two, status: 401, allow: two},
		{name: "every origin", origins: "*", line: "POST /", origin: "https://x.example", status: 401, allow: "*"},
		{name: "another origin", origins: list, line: "POST /", origin: "https://x.example", status: 401},
		{name: "another scheme", origins: list, line: "POST /", origin: "http://a.example", status: 401},
		{name: "another port", origins: list, line: "POST /", origin: "https://a.example:3000", status: 401},
		{name: "a longer host", origins: list, line: "POST /", origin: "https://a.example.evil.example", status: 401},
		{name: "the whole list as an origin", origins: list, line: "POST /", origin: list, status: 401},
		{name: "null", origins: list, line: "POST /", origin: "null", status: 401},
		{name: "no origin", origins: list, line: "POST /", status: 401},
		{name: "no origin, every one", origins: "*", line: "POST /", status: 401},
		{name: "a preflight", origins: list, line: "OPTIONS /v1/models", origin: one, status: 204, allow: one},
		{name: "a preflight, every origin", origins: "*", line: "OPTIONS /v1/models", origin: one, status: 204, allow: "*"},
		{name: "a preflight of an unknown path", origins: list, line: "OPTIONS /v9/nothing", origin: one, status: 204, allow: one},
		{name: "a preflight of another origin", origins: list, line: "OPTIONS /v1/models", origin: "https://x.example", status: 204},
		{name: "OPTIONS without an origin", origins: list, line: "OPTIONS /v1/models", status: 401},
		{name: "an error", origins: list, line: "POST /error", origin: one, status: 400, allow: one},
		{name: "a failure", origins: list, line: "POST /failure", origin: one, status: 500, allow: one},
		{name: "a stream", origins: list, line: "POST /stream", origin: one, status: 200, allow: one},
		{name: "not set, a request", line: "POST /", origin: one, status: 401, untouched: true},
		{name: "not set, a preflight", line: "OPTIONS /", origin: one, status: 401, untouched: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.line, " ")
			r := httptest.NewRequest(method, path, nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "POST")
			}
			got := serve(openaiapi.CORS(tt.origins, next), r)
			header := got.Result().Header // as it was sent
			if got.Code != tt.status || header.Get("Access-Control-Allow-Origin") != tt.allow || header.Get("Vary") != "Origin" && !tt.untouched {
				t.Fatalf("got %d %v", got.Code, header)
			}
			preflight := got.Code == http.StatusNoContent
			if (got.record.Operation == "preflight") != preflight || preflight && got.Body.Len() > 0 {
				t.Errorf("operation %q, %s", got.record.Operation, got.Body)
			}
			for name, want := range map[string]bool{
				"Access-Control-Allow-Methods": preflight && tt.allow != "", "Access-Control-Allow-Headers": preflight && tt.allow != "",
				"Access-Control-Max-Age": preflight && tt.allow != "", "Access-Control-Expose-Headers": !preflight && tt.allow != "",
				"Access-Control-Allow-Credentials": false, "Vary": !tt.untouched,
			} {
				if (header.Get(name) != "") != want {
					t.Errorf("%s is %q", name, header.Get(name))
				}
			}
			if path == "/stream" && (!got.Flushed || got.Body.String() != "data: a\n\ndata: b\n\n") {
				t.Errorf("the stream is %q", got.Body)
			}
			if expose := names(header, "Access-Control-Expose-Headers"); tt.allow != "" && !preflight {
				for _, want := range []string{"x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "apim-request-id", "x-ratelimit-remaining-tokens", "*"} {
					if !slices.Contains(expose, want) {
						t.Errorf("a page may not read %s", want)
					}
				}
			}
		})
	}
}

// names returns the names that a header lists, in lower case as a browser compares them.
func names(h http.Header, name string) []string {
	return strings.Split(strings.ToLower(h.Get(name)), ", ")
}

func TestPreflightHeaders(t *testing.T) {
	long := strings.Repeat("x", 3000)
	tests := []struct {
		name         string
		asked        []string
		want, absent []string
	}{
		{"what the SDKs send", nil, []string{
			"authorization", "api-key", "content-type", "x-stainless-lang", "x-stainless-retry-count", "x-stainless-timeout", "openai-beta",
			"openai-organization", "openai-project", "idempotency-key", "x-ms-client-request-id",
		}, nil},
		{"what is asked for", []string{"x-ms-own,x-other"}, []string{"x-ms-own", "x-other", "authorization"}, nil},
		{"with spaces and capitals", []string{" X-Own , "}, []string{"x-own"}, []string{""}},
		{"on two lines", []string{"x-a", "x-b"}, []string{"x-a", "x-b"}, nil},
		{"not names", []string{"x a,x\"b,x:c,<d>,*,x-ok"}, []string{"x-ok"}, []string{"x a", "x\"b", "x:c", "<d>", "*"}},
		{"too much", []string{long + "a," + long + "b"}, []string{long + "a", "authorization"}, []string{long + "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodOptions, "/v1/models", nil)
			r.Header["Origin"], r.Header["Access-Control-Request-Method"] = []string{"https://a.example"}, []string{"DELETE"}
			r.Header["Access-Control-Request-Headers"] = tt.asked
			header := serve(openaiapi.CORS("*", http.NotFoundHandler()), r).Result().Header
			got := names(header, "Access-Control-Allow-Headers")
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("%.40s is not in %.2000q", want, got)
				}
			}
			for _, absent := range tt.absent {
				if slices.Contains(got, absent) {
					t.Errorf("%.40q is in %.2000q", absent, got)
				}
			}
			if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
				t.Errorf("a name stands twice in %q", got)
			}
			for _, method := range []string{"get", "post", "delete"} {
				if !slices.Contains(names(header, "Access-Control-Allow-Methods"), method) {
					t.Errorf("%s is not allowed", method)
				}
			}
		})
	}
}
