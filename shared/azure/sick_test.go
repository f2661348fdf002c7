package azure_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
)

var (
	wrongKey = failure(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
	noAccess = failure(401, "PermissionDenied", "Principal does not have access to API/Operation.")
)

// captureLog has what the test logs written to a buffer.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

// TestSickResource has the first of two resources refuse the bridge: the second answers, and the first is left alone for
// a minute.
func TestSickResource(t *testing.T) {
	tests := []struct {
		name  string
		reply reply
		sick  bool
		code  string // of what a caller gets where there is no other
	}{
		{"a wrong key", wrongKey, true, "401"},
		{"a role that is missing", noAccess, true, "PermissionDenied"},
		{"401 of API Management", reply{Status: 401, Body: `{"statusCode":401,"message":"Access denied due to missing subscription key."}`}, true, "401"},
		{"401 of any form", reply{Status: 401, Body: "no"}, true, "401"},
		{"keys switched off", failure(403, "AuthenticationTypeDisabled", "Key based authentication is disabled for this resource."), true, "AuthenticationTypeDisabled"},
		{"a role, as a 403", failure(403, "PermissionDenied", "The principal lacks the required data action."), true, "PermissionDenied"},
		{"AuthorizationFailed", failure(403, "AuthorizationFailed", "m"), true, "AuthorizationFailed"},
		{"a network rule", failure(403, "403", "Access denied due to Virtual Network/Firewall rules."), true, "403"},
		{"no public access", failure(403, "403", "Public access is disabled. Please configure private endpoint."), true, "403"},
		{"another endpoint", failure(403, "403", "Traffic is not from an approved private endpoint."), true, "403"},
		{"a perimeter", failure(403, "Forbidden", "Access is denied by the network security perimeter."), true, "Forbidden"},
		{"API Management's quota", reply{Status: 403, Body: `{"statusCode":403,"message":"Out of call volume quota."}`}, false, ""},
		{"a quota of bandwidth", reply{Status: 403, Body: `{"statusCode":403,"message":"Out of bandwidth quota."}`}, false, ""},
		{"a policy", failure(403, "content_policy_violation", "Blocked by policy."), false, "content_policy_violation"},
		{"a model that the subscription may not use", failure(403, "Forbidden", "Your subscription has no access to this model."), false, "Forbidden"},
		{"a page", reply{Status: 403, Body: "<html>403 Forbidden: Web Application Firewall</html>"}, false, ""},
		{"a firewall that judges contents", failure(403, "Blocked", "The web application firewall has blocked the request."), false, "Blocked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := captureLog(t)
			first, second, s := two(t)
			if !tt.sick {
				first.QueueAnswer(tt.reply)
				r := s.do(t.Context(), chat("hi"), false)
				if failure := openaierr.From(r.err); r.Code != http.StatusForbidden || !strings.HasPrefix(failure.Code, tt.code) {
					t.Errorf("got %d %s", r.Code, r.Body)
				}
				if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 0 || r.Header().Get("X-Should-Retry") != "" {
					t.Errorf("asked %d and %d times, %v", a, b, r.Header())
				}
				return
			}
			for i, step := range []struct {
				advance time.Duration
				a, b    int
			}{{0, 1, 1}, {0, 0, 1}, {59 * time.Second, 0, 1}, {time.Second, 1, 1}} {
				s.advance(step.advance)
				if step.a > 0 {
					first.QueueAnswer(tt.reply)
				}
				s.do(t.Context(), chat("hi"), false).ok(t)
				if a, b := upstreamRequests(first), upstreamRequests(second); a != step.a || b != step.b || len(s.naps()) > 0 {
					t.Errorf("step %d: asked %d and %d times, want %d and %d", i, a, b, step.a, step.b)
				}
				if want := 1 + i/3; strings.Count(log.String(), "resource=first") != want {
					t.Errorf("step %d: the log has not said it %d times: %s", i, want, log)
				}
			}
			e, alone := one(t)
			e.QueueAnswer(tt.reply)
			r := alone.do(t.Context(), chat("hi"), false)
			r.refused(t, http.StatusBadGateway, tt.code)
			if r.Header().Get("X-Should-Retry") != "false" || upstreamRequests(e) != 1 {
				t.Errorf("got %v", r.Header())
			}
		})
	}
}

// TestSickAndOther is about a sick resource and another that cannot answer either: the caller gets what helps most.
func TestSickAndOther(t *testing.T) {
	missing := failure(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
	tests := []struct {
		name          string
		first, second reply
		status        int
		code          string
		final         bool
	}{
		{"both sick", wrongKey, noAccess, 502, "401", true},
		{"sick and busy", wrongKey, limited(429, "30"), 429, "429", false},
		{"busy and sick", limited(429, "30"), wrongKey, 429, "429", false},
		{"sick and failing", wrongKey, failure(500, "x", "m"), 500, "x", true},
		{"failing and sick", failure(500, "x", "m"), wrongKey, 500, "x", true},
		{"sick and without the deployment", wrongKey, missing, 502, "401", true},
		{"without the deployment and sick", missing, wrongKey, 502, "401", true},
		{"both without the deployment", missing, missing, 404, "DeploymentNotFound", false},
		{"without the deployment and busy", missing, limited(429, "30"), 429, "429", false},
		{"busy and without the deployment", limited(429, "30"), missing, 429, "429", false},
	}
	for _, tt := range tests {
		for _, retries := range []int{0, 2} {
			t.Run(fmt.Sprintf("%s, %d retries", tt.name, retries), func(t *testing.T) {
				first, second, s := two(t, func(o *azure.Options) { o.Env.MaxRetries = retries })
				first.QueueAnswer(tt.first)
				second.QueueAnswer(tt.second)
				r := s.do(t.Context(), chat("hi"), false)
				a, b := upstreamRequests(first), upstreamRequests(second)
				if retries == 0 && tt.first.Status != 401 && tt.first.Status != 404 { // a try that an operator has forbidden
					if b != 0 || r.Code != tt.first.Status {
						t.Errorf("got %d after %d and %d requests", r.Code, a, b)
					}
					return
				}
				r.refused(t, tt.status, tt.code)
				if final := r.Header().Get("X-Should-Retry") == "false"; final != tt.final || a != 1 || b != 1 {
					t.Errorf("asked %d and %d times, X-Should-Retry %q", a, b, r.Header().Get("X-Should-Retry"))
				}
			})
		}
	}
}

// TestNoTokenForOneResource is about a resource whose sign-in fails: it is as sick as one that refuses a key.
func TestNoTokenForOneResource(t *testing.T) {
	_, firstURL := emulator(t, azureopenai.Options{})
	second, secondURL := emulator(t, azureopenai.Options{})
	const deployments = `"deployments":[{"model":"gpt-4o"}]`
	s := open(t, fmt.Sprintf(`{"resources":[{"name":"first","endpoint":%q,"entra":{"tenant_id":%q,"client_id":%q,"client_secret":"wr0ng-secret","authority_host":%q},%s},
		{"name":"second","endpoint":%q,"api_key":"k",%s}]}`, firstURL, tenant, application, directories.secret.url, deployments, secondURL, deployments))
	log := captureLog(t)
	for range 2 {
		s.do(t.Context(), chat("hi"), false).ok(t)
	}
	if upstreamRequests(second) != 2 || strings.Count(log.String(), "AADSTS7000215") != 1 || strings.Contains(log.String(), "wr0ng-secret") {
		t.Errorf("the log has %s", log)
	}
}

// TestMissingDeployment is about a deployment that the secret lists and Azure does not have: it is left alone, and its
// resource is not.
func TestMissingDeployment(t *testing.T) {
	const form = `{"name":%q,"endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"},{"model":"gpt-4o-mini"}]}`
	first, firstURL := emulator(t, azureopenai.Options{Deployments: []azureopenai.Deployment{{Name: "gpt-4o-mini", Model: "gpt-4o-mini", Version: "2024-07-18", Type: "GlobalStandard"}}})
	second, secondURL := emulator(t, azureopenai.Options{})
	s := open(t, fmt.Sprintf(`{"resources":[`+form+`,`+form+`]}`, "first", firstURL, "second", secondURL))
	log := captureLog(t)
	for i, step := range []struct {
		model   string
		advance time.Duration
		a, b    int
	}{{"gpt-4o", 0, 1, 1}, {"gpt-4o", 0, 0, 1}, {"gpt-4o-mini", 0, 1, 0}, {"gpt-4o", time.Minute, 1, 1}} {
		s.advance(step.advance)
		call := chat("hi")
		call.Name = step.model
		s.do(t.Context(), call, false).ok(t)
		if a, b := upstreamRequests(first), upstreamRequests(second); a != step.a || b != step.b {
			t.Errorf("step %d: asked %d and %d times, want %d and %d", i, a, b, step.a, step.b)
		}
	}
	if n := strings.Count(log.String(), "deployment=gpt-4o "); n != 2 {
		t.Errorf("the log says it %d times, want once for each rest: %s", n, log)
	}
}

// TestSickBackground is about calls that begin work: a refusal says that nothing has begun.
func TestSickBackground(t *testing.T) {
	for _, r := range []reply{wrongKey, noAccess, failure(404, "DeploymentNotFound", "m"), limited(429, "30")} {
		first, second, s := two(t)
		first.QueueAnswer(r)
		call := chat("hi")
		call.Begins = true
		s.do(t.Context(), call, false).ok(t)
		if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 1 {
			t.Errorf("%d: asked %d and %d times", r.Status, a, b)
		}
	}
}

// TestFlex is about the tier that takes what capacity is left: where there is none, standard calls do not suffer.
func TestFlex(t *testing.T) {
	flex := func() *azure.Call {
		call := chat("hi")
		call.Tier = "flex"
		return call
	}
	tests := []struct {
		name   string
		failed *azure.Call // at the first
		reply  reply
		then   *azure.Call
		first  bool // the first is asked
	}{
		{"flex is used up: standard", flex(), limited(429, "30"), chat("hi"), true},
		{"flex is used up: flex", flex(), limited(429, "30"), flex(), false},
		{"standard is used up: standard", chat("hi"), limited(429, "30"), chat("hi"), false},
		{"the deployment is ill: standard", flex(), limited(503, "30"), chat("hi"), false},
		{"the deployment is gone: standard", flex(), failure(404, "DeploymentNotFound", "m"), chat("hi"), false},
		{"the resource is sick: standard", flex(), wrongKey, chat("hi"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second, s := two(t)
			first.QueueAnswer(tt.reply)
			s.do(t.Context(), tt.failed, false).ok(t)
			if a, b := upstreamRequests(first), upstreamRequests(second); a != 1 || b != 1 {
				t.Fatalf("asked %d and %d times", a, b)
			}
			s.do(t.Context(), tt.then, false).ok(t)
			if a := upstreamRequests(first); a != map[bool]int{true: 1}[tt.first] {
				t.Errorf("the first was asked %d times", a)
			}
		})
	}
}
