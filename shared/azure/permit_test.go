package azure_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/routing"
)

// twins is a secret of two resources with a deployment of one name for different models.
func twins(firstURL, secondURL string) string {
	const form = `{"name":%q,"endpoint":%q,"api_key":"k","deployments":[{"name":"prod","model":%q}]}`
	return fmt.Sprintf(`{"resources":[`+form+`,`+form+`]}`, "first", firstURL, "gpt-4o-mini", "second", secondURL, "gpt-4o")
}

// TestPermit is about which deployments a call may go to, whatever the others are like.
func TestPermit(t *testing.T) {
	deployments := func(model string) azureopenai.Options {
		return azureopenai.Options{Deployments: []azureopenai.Deployment{{Name: "prod", Model: model, Version: "2024-07-18", Type: "GlobalStandard"}}}
	}
	first, firstURL := emulator(t, deployments("gpt-4o-mini"))
	second, secondURL := emulator(t, deployments("gpt-4o"))
	only := func(models ...string) func(routing.Target) bool {
		return func(t routing.Target) bool { return t.Within(models) }
	}
	tests := []struct {
		name          string
		ask           string
		permit        func(routing.Target) bool
		fault         string // of the first
		status        int    // 0: an answer
		code          string
		first, second int // how often each is asked
	}{
		{"any", "prod", nil, "429;retry-after=1", 0, "", 1, 1},
		{"the first one's model", "prod", only("gpt-4o-mini"), "", 0, "", 1, 0},
		{"which is busy", "prod", only("gpt-4o-mini"), "429;retry-after=30", 429, "429", 1, 0},
		{"which is ill for a moment", "prod", only("gpt-4o-mini"), "503", 0, "", 2, 0},
		{"which fails", "prod", only("gpt-4o-mini"), "500", 500, "", 1, 0},
		{"the second one's", "prod", only("gpt-4o"), "", 0, "", 0, 1},
		{"neither", "prod", only("o3"), "", 403, "model_not_allowed", 0, 0},
		{"nobody's name", "o3", only("o3"), "", 404, "model_not_found", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, twins(firstURL, secondURL))
			if tt.fault != "" {
				addFault(t, first, tt.fault, 1)
			}
			call := post("chat/completions", tt.ask, messages("hi"))
			call.Permit = tt.permit
			r := s.do(t.Context(), call, false)
			if tt.status == 0 {
				r.ok(t)
			} else {
				r.refused(t, tt.status, tt.code)
			}
			if a, b := upstreamRequests(first), upstreamRequests(second); a != tt.first || b != tt.second {
				t.Errorf("the first was asked %d times, the second %d", a, b)
			}
		})
	}
}

// TestPermitAfterRenewal has the secret change while a call is under way: the new targets are judged too.
func TestPermitAfterRenewal(t *testing.T) {
	first, firstURL := emulator(t, azureopenai.Options{})
	const form = `{"endpoint":%q,"api_key":%q,"deployments":[{"name":"gpt-4o","model":%q}]}`
	s := open(t, fmt.Sprintf(form, firstURL, "k", "gpt-4o"))
	first.SetAPIKeys("new")
	call := chat("hi")
	call.Permit = func(t routing.Target) bool { return t.Model == "gpt-4o" }
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.store.Put(secretName, fmt.Sprintf(form, firstURL, "new", "gpt-5"))
	s.do(t.Context(), call, false).refused(t, http.StatusForbidden, "model_not_allowed")
	if n := upstreamRequests(first); n != 1 {
		t.Errorf("asked %d times, want once with the old key", n)
	}
}

// TestNamesThatNoPathHas is about a secret that lists no deployments, so that every name goes into the path.
func TestNamesThatNoPathHas(t *testing.T) {
	e, s := one(t)
	for _, name := range []string{".", "..", "../gpt-4o", "a/b", `a\b`, "%2e%2e", "..%2f", "a\nb"} {
		call := chat("hi")
		call.Name, call.Dated, call.InPath, call.Query = name, true, true, "api-version=2024-10-21"
		s.do(t.Context(), call, false).refused(t, http.StatusNotFound, "model_not_found")
		call.Permit = func(routing.Target) bool { return false }
		s.do(t.Context(), call, false).refused(t, http.StatusNotFound, "model_not_found")
	}
	if n := upstreamRequests(e); n != 0 {
		t.Errorf("Azure was asked %d times", n)
	}
}

// TestBegins is about a call that starts what goes on without it: it is sent again only where it cannot have begun.
func TestBegins(t *testing.T) {
	tests := []struct {
		fault string
		tries int
		final bool // the SDKs are told not to try again
	}{
		{"429;retry-after=1", 2, false}, {"500", 1, true}, {"502", 1, true}, {"503", 1, true}, {"504", 1, true}, {"408", 1, true},
		{"500;retry-after=1", 1, true}, {"close", 1, true}, {"lost", 1, true}, {"garbage;status=502", 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			first, second, s := two(t)
			addFault(t, first, tt.fault, 1)
			call := chat("hi")
			call.Begins = true
			r := s.do(t.Context(), call, false)
			if n := upstreamRequests(first) + upstreamRequests(second); n != tt.tries || (r.err == nil) != (tt.tries == 2) {
				t.Errorf("asked %d times: %d %v", n, r.Code, r.err)
			}
			if final := r.Header().Get("X-Should-Retry") == "false"; final != tt.final {
				t.Errorf("X-Should-Retry is %q", r.Header().Get("X-Should-Retry"))
			}
		})
	}
	t.Run("a refused connection", func(t *testing.T) {
		_, url := emulator(t, azureopenai.Options{})
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		call := chat("hi")
		call.Begins = true
		open(t, pair("http://"+listener.Addr().String(), url)).do(t.Context(), call, false).ok(t)
	})
}

func TestDeploymentsInHeaders(t *testing.T) {
	h := http.Header{
		"X-Ms-Spillover-Deployment": {"a", "b"}, "X-Ms-Oai-Image-Generation-Deployment": {"c"}, "X-Ms-Deployment": {"d"},
		// and what names none, or stays here:
		"X-Ms-Client-Request-Id": {"e"}, "X-Deployment": {"f"}, "X-Ms-Deployment-Name": {"g"}, "X-Ms-Authorization-Deployment": {"h"}, "Aoai-Deployment": {"i"},
	}
	var got []string
	for header, deployment := range azure.Deployments(h) {
		got = append(got, header+" "+deployment)
	}
	slices.Sort(got)
	want := []string{"x-ms-deployment d", "x-ms-oai-image-generation-deployment c", "x-ms-spillover-deployment a", "x-ms-spillover-deployment b"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
