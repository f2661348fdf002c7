package azure_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// TestHeaderThatHTTPCannotCarry is about values of a caller's that net/http refuses to send: they are the
// caller's mistake, not a failure of the deployment.
func TestHeaderThatHTTPCannotCarry(t *testing.T) {
	values := map[string]bool{ // and whether they can be sent
		"a\nb": false, "a\r\nX-Injected: b": false, "a\x00": false, "\x1b[0m": false, "a\x7f": false,
		"a\tb": true, "é": true, "a b": true, "": true,
	}
	for _, name := range []string{"Accept", "Content-Type", "X-Ms-Client-Request-Id", "X-Ms-Of-Next-Year", "X-Policy-Id", "Traceparent", "Tracestate", "Aoai-Evals", "X-Ms-Spillover-Deployment"} {
		for value, sent := range values {
			t.Run(fmt.Sprintf("%s %q", name, value), func(t *testing.T) {
				first, second, s := two(t)
				call := get("models")
				call.Header = http.Header{name: {"gpt-4o", value}}
				if call.Name = "gpt-4o"; sent && name == "X-Ms-Spillover-Deployment" && value != "" {
					return // it names a deployment that is not there
				}
				if sent {
					s.do(t.Context(), call, false).ok(t)
					return
				}
				r := s.do(t.Context(), call, false)
				failure := r.refused(t, http.StatusBadRequest, "invalid_header")
				if failure.Param != name || failure.Type != "invalid_request_error" || !strings.Contains(failure.Message, name) {
					t.Errorf("got %s", r.Body)
				}
				if a, b := upstreamRequests(first), upstreamRequests(second); a+b > 0 || r.record.Tries > 0 || len(s.naps()) > 0 {
					t.Errorf("asked %d and %d times", a, b)
				}
				s.do(t.Context(), chat("hi"), false).ok(t)
				if upstreamRequests(first) != 1 {
					t.Error("the deployment rests for what it was never asked")
				}
			})
		}
	}
}

func TestURLThatCannotBe(t *testing.T) {
	tests := []struct {
		name string
		edit func(*azure.Call)
	}{
		{"a path with a wrong escape", func(c *azure.Call) { c.Path = "responses/%zz" }},
		{"a path with a line break", func(c *azure.Call) { c.Path = "responses/a\nb" }},
		{"a query with a control character", func(c *azure.Call) { c.Query = "limit=1\x00" }},
		{"a method that is none", func(c *azure.Call) { c.Method = "GET IT" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second, s := two(t)
			call := get("models")
			call.Name = "gpt-4o"
			tt.edit(call)
			r := s.do(t.Context(), call, false)
			r.refused(t, http.StatusBadRequest, "invalid_url")
			s.do(t.Context(), chat("hi"), false).ok(t)
			if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 0 || r.record.Tries > 0 {
				t.Errorf("asked %d and %d times, want the next call alone", a, b)
			}
		})
	}
}

// TestKnownDeployment is about the metrics of a deployment, which cost: a name becomes one only if the
// secret lists it, or Azure has answered under it.
func TestKnownDeployment(t *testing.T) {
	tests := []struct {
		name, model, fault string
		listed, known      bool
	}{
		{"listed", "gpt-4o", "", true, true},
		{"listed, while Azure is ill", "gpt-4o", "503", true, true},
		{"listed, while it cannot be reached", "gpt-4o", "close", true, true},
		{"answered", "gpt-4o", "", false, true},
		{"made up", "made-up", "", false, false},
		{"made up, while Azure is ill", "made-up", "503", false, false},
		{"made up, while Azure has no room", "made-up", "429;retry-after=60", false, false},
		{"made up, while Azure cannot be reached", "made-up", "close", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, url := emulator(t, azureopenai.Options{})
			secret := single(url, "k")
			if tt.listed {
				secret = strings.TrimSuffix(secret, "}") + `,"deployments":[{"model":"gpt-4o"}]}`
			}
			s := open(t, secret)
			if tt.fault != "" {
				addFault(t, e, tt.fault, -1)
			}
			call := chat("hi")
			call.Name = tt.model
			r := s.do(t.Context(), call, false)
			if r.record.Known != tt.known || r.record.Deployment != tt.model {
				t.Errorf("%s is known: %v, want %v (%v)", r.record.Deployment, r.record.Known, tt.known, r.err)
			}
		})
	}
}

// TestFailuresNameNoHost has calls fail in every way a connection can, and looks for what no log may have
// in the error and in the call's line.
func TestFailuresNameNoHost(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	dropped, _ := dropper(t, true)
	quoting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		fmt.Fprintf(c, "HTTP/1.1 2x0 pr0mpt %s\r\n\r\n", r.Header.Get("Api-Key"))
		c.Close()
	}))
	t.Cleanup(quoting.Close)
	cut, cutURL := emulator(t, azureopenai.Options{APIKeys: []string{"k3y-value"}})
	addFault(t, cut, "reset", -1)
	entra := fmt.Sprintf(`"entra":{"tenant_id":%q,"client_id":%q,"client_secret":"wr0ng-secret","authority_host":%q}`, tenant, application, directories.secret.url)
	const key = `"api_key":"k3y-value"`
	tests := []struct{ name, endpoint, credential, want string }{
		{"nobody listens", "http://" + closed.Addr().String(), key, "connection refused"},
		{"a certificate nobody knows", secure.URL, key, "TLS: certificate signed by unknown authority"},
		{"a reset after the request", dropped, key, "connection reset|EOF"},
		{"an answer that quotes the request", quoting.URL, key, "malformed HTTP answer"},
		{"an answer that breaks off", cutURL, key, "connection reset|unexpected EOF"},
		{"Entra refuses", "https://my-resource.openai.azure.com", entra, "AADSTS7000215"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, fmt.Sprintf(`{"endpoint":%q,%s}`, tt.endpoint, tt.credential), never)
			r := s.do(t.Context(), chat("pr0mpt"), false)
			if r.err == nil {
				t.Fatalf("got %d %s", r.Code, r.Body)
			}
			r.record.Status, r.record.Err = r.Code, openaierr.From(r.err).Cause
			var log bytes.Buffer
			telemetry.NewLog(&log, "aoai-bridge", "chat").Write(t.Context(), r.record)
			found := false
			for want := range strings.SplitSeq(tt.want, "|") {
				found = found || strings.Contains(r.err.Error(), want) && strings.Contains(log.String(), want)
			}
			if !found {
				t.Errorf("the error does not say %s: %v\n%s", tt.want, r.err, log.String())
			}
			hidden := []string{"pr0mpt", "k3y-value", "wr0ng-secret", "127.0.0.1", "://", "my-resource", "eyJ"}
			for _, address := range []string{tt.endpoint, closed.Addr().String(), secure.URL, directories.secret.url} {
				if u, err := url.Parse(address); err == nil && u.Port() != "" {
					hidden = append(hidden, ":"+u.Port())
				}
			}
			for _, secret := range hidden {
				if strings.Contains(r.err.Error(), secret) || strings.Contains(log.String(), secret) || strings.Contains(r.Body.String(), secret) {
					t.Errorf("%q is in the error, the log or the answer: %v\n%s%s", secret, r.err, log.String(), r.Body)
				}
			}
		})
	}
}
