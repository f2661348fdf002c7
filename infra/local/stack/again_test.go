package stack_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/stack"
	"aoai-bridge/infra/local/testsync"
)

// A pair is two Azure resources that the functions of a stack use, the first one preferred.
type pair struct{ first, second *azureopenai.Server }

// startPair starts a stack whose Azure secret lists, for each number below n, two resources of the same servers with a
// deployment d0, d1 ... of a model of their own, m0, m1 ...: what a call leaves resting does not matter to the next.
func startPair(t *testing.T, n int) (pair, *stack.Stack, *testsync.LogBuffer) {
	t.Helper()
	s, logs := start(t, stack.Options{})
	deployments, resources := azureopenai.DefaultDeployments(), []string{}
	for i := range n {
		deployments = append(deployments, azureopenai.Deployment{Name: fmt.Sprint("d", i), Model: "gpt-4o-mini", Version: "2024-07-18", Type: "GlobalStandard"})
	}
	var p pair
	var urls []string
	for _, server := range []**azureopenai.Server{&p.first, &p.second} {
		*server = azureopenai.New(azureopenai.Options{APIKeys: []string{"k"}, Deployments: deployments})
		http := httptest.NewServer(*server)
		t.Cleanup(http.Close)
		urls = append(urls, http.URL)
	}
	const form = `{"name":"%[1]s-%[2]d","endpoint":%[3]q,"api_key":"k","deployments":[{"name":"d%[2]d","model":"m%[2]d"}%[4]s]}`
	for i := range n {
		resources = append(resources, fmt.Sprintf(form, "first", i, urls[0], ""), fmt.Sprintf(form, "second", i, urls[1], `,{"name":"img","model":"gpt-image-1"}`))
	}
	s.Secrets.Put(s.Template.Parameters["AzureSecretId"], `{"resources":[`+strings.Join(resources, ",")+`]}`)
	return p, s, logs
}

// TestWhatCallersOfTwoResourcesSee is what users of gateways have reported: which resource answers, how often Azure is
// asked, and what an SDK is told when none does.
func TestWhatCallersOfTwoResourcesSee(t *testing.T) {
	t.Parallel()
	failure := func(status int, code, message string, headers ...string) azureopenai.Answer {
		a := azureopenai.Answer{Status: status, Body: fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message), Headers: map[string]string{}}
		for i := 0; i < len(headers); i += 2 {
			a.Headers[headers[i]] = headers[i+1]
		}
		return a
	}
	many := map[string]string{}
	for i := range 9 {
		many[fmt.Sprint("x-ms-own-", i)] = "1"
	}
	const unicode = "Failed to create completion as the model generated invalid Unicode output."
	tests := []struct {
		name          string
		first, second *azureopenai.Answer // nil: the server answers by itself
		member        string              // of the body
		header        map[string]string   // of the request
		status        int
		a, b          int               // how often each is asked
		want          map[string]string // headers of the answer; "" must not be there
		words         string            // of an error
		sent          map[string]string // headers that Azure gets
	}{
		{name: "a timeout of Azure's", first: new(failure(408, "Timeout", "The operation was timeout.")), status: 408, a: 1, want: map[string]string{"X-Should-Retry": "false"}, words: "The operation was timeout."},
		{name: "a timeout in front of Azure", first: new(failure(504, "GatewayTimeout", "m")), status: 504, a: 1, want: map[string]string{"X-Should-Retry": "false"}},
		{name: "a failure after the model ran", first: new(failure(500, "", unicode)), status: 500, a: 1, want: map[string]string{"X-Should-Retry": ""}, words: unicode},
		{name: "a failure", first: new(failure(500, "x", "m")), status: 200, a: 1, b: 1},
		{name: "a failure of both", first: new(failure(500, "x", "m")), second: new(failure(502, "x", "n")), status: 502, a: 1, b: 1, want: map[string]string{"X-Should-Retry": "false"}},
		{name: "a key that was rotated away", first: new(failure(401, "401", "Access denied due to invalid subscription key.")), status: 200, a: 1, b: 1},
		{name: "such a key in both", first: new(failure(401, "401", "m")), second: new(failure(401, "401", "m")), status: 502, a: 1, b: 1, want: map[string]string{"X-Should-Retry": "false"}, words: "Your key is fine"},
		{name: "a network rule", first: new(failure(403, "403", "Access denied due to Virtual Network/Firewall rules.")), status: 200, a: 1, b: 1},
		{name: "a deployment that is gone", first: new(failure(404, "DeploymentNotFound", "m")), status: 200, a: 1, b: 1},
		{name: "a quota of API Management's", first: &azureopenai.Answer{Status: 403, Body: `{"statusCode":403,"message":"Out of call volume quota."}`}, status: 403, a: 1, words: "Out of call volume quota."},
		{name: "busy", first: new(failure(429, "429", "m", "Retry-After", "7")), status: 200, a: 1, b: 1},
		{name: "busy, both for long", first: new(failure(429, "429", "m", "Retry-After", "9")), second: new(failure(429, "429", "m", "Retry-After", "7")), status: 429, a: 1, b: 1, want: map[string]string{"Retry-After": "7", "X-Should-Retry": ""}},
		{name: "a filter's name", header: map[string]string{"x-policy-id": "strict"}, status: 200, a: 1, sent: map[string]string{"X-Policy-Id": "strict"}},
		{name: "a preview's name", header: map[string]string{"aoai-evals": "preview"}, status: 200, a: 1, sent: map[string]string{"Aoai-Evals": "preview"}},
		{name: "a trace", header: map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, status: 200, a: 1, sent: map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Amzn-Trace-Id": "", "X-Forwarded-For": ""}},
		{name: "an image deployment, which the second has", header: map[string]string{"x-ms-oai-image-generation-deployment": "img"}, status: 200, b: 1, sent: map[string]string{"X-Ms-Oai-Image-Generation-Deployment": "img"}},
		{name: "the same by its model", header: map[string]string{"x-ms-oai-image-generation-deployment": "gpt-image-1"}, status: 200, b: 1, sent: map[string]string{"X-Ms-Oai-Image-Generation-Deployment": "img"}},
		{name: "an image deployment that nobody has", header: map[string]string{"x-ms-oai-image-generation-deployment": "nobody"}, status: 404, words: "x-ms-oai-image-generation-deployment"},
		{name: "more headers than Azure takes", header: many, status: 400, words: "x-ms-own-8"},
		{name: "what Azure tells", first: &azureopenai.Answer{Body: `{"id":"x"}`, Headers: map[string]string{"azure-openai-deployment-utilization": "27%", "x-ms-throttle-scope": "deployment", "Set-Cookie": "a=b"}},
			status: 200, a: 1, want: map[string]string{"Azure-Openai-Deployment-Utilization": "27%", "X-Ms-Throttle-Scope": "deployment", "Set-Cookie": ""}},
	}
	p, s, logs := startPair(t, len(tests))
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.first.Reset()
			p.second.Reset()
			if tt.first != nil {
				p.first.QueueAnswer(*tt.first)
			}
			if tt.second != nil {
				p.second.QueueAnswer(*tt.second)
			}
			r := call{path: "/v1/chat/completions", body: strings.Replace(hello, "gpt-4o-mini", fmt.Sprint("m", i), 1), header: tt.header}.do(t, s)
			body := mustText(t, r)
			first, second := p.first.Requests(), p.second.Requests()
			if r.StatusCode != tt.status || len(first) != tt.a || len(second) != tt.b {
				t.Fatalf("got %d after %d and %d calls, want %d after %d and %d: %s", r.StatusCode, len(first), len(second), tt.status, tt.a, tt.b, body)
			}
			if tt.status != 200 && !strings.Contains(decodeError(t, body).Message, tt.words) {
				t.Errorf("got %s", body)
			}
			for name, want := range tt.want {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			for name, want := range tt.sent {
				if got := append(first, second...)[0].Header.Get(name); got != want {
					t.Errorf("Azure got %s: %q, want %q", name, got, want)
				}
			}
		})
	}
	for resource, want := range map[string]int{`"first-5"`: 1, `"first-7"`: 1, `"first-8"`: 1, `"first-9"`: 0} {
		if n := strings.Count(logs.String(), `left alone for a minute, and another is asked","release":"unreleased","resource":`+resource); n != want {
			t.Errorf("the log says %d times why %s is left alone, want %d", n, resource, want)
		}
	}
}

// TestFlexOfTwoResources has the first one run out of what is left over: standard calls still go there.
func TestFlexOfTwoResources(t *testing.T) {
	t.Parallel()
	p, s, _ := startPair(t, 1)
	body := strings.Replace(hello, "gpt-4o-mini", "m0", 1)
	ask := func(body string, first, second int) {
		t.Helper()
		status, answer := call{path: "/v1/chat/completions", body: body}.answer(t, s)
		if a, b := len(p.first.Requests()), len(p.second.Requests()); status != 200 || a != first || b != second {
			t.Errorf("%d after %d and %d calls, want %d and %d: %s", status, a, b, first, second, answer)
		}
		p.first.Reset()
		p.second.Reset()
	}
	p.first.QueueAnswer(azureopenai.Answer{Status: 429, Body: `{"error":{"code":"429","message":"No flex capacity."}}`, Headers: map[string]string{"Retry-After": "60"}})
	flex := strings.Replace(body, "{", `{"service_tier":"flex",`, 1)
	ask(flex, 1, 1)
	ask(flex, 0, 1)
	ask(body, 1, 0)
	ask(strings.Replace(body, "{", `{"service_tier":"default",`, 1), 1, 0)
}

// TestStoredResponseOfTwoResources looks for a response that only the second one has.
func TestStoredResponseOfTwoResources(t *testing.T) {
	t.Parallel()
	p, s, _ := startPair(t, 1)
	const found = `{"id":"resp_1"}`
	failed := azureopenai.Answer{Status: 500, Body: `{"error":{"code":"x","message":"first"}}`}
	missing := azureopenai.Answer{Status: 404, Body: `{"error":{"code":"not_found","message":"second"}}`}
	for _, test := range []struct {
		call          call
		first, second azureopenai.Answer
		status        int
	}{
		{call{method: "GET", path: "/v1/responses/resp_1"}, failed, azureopenai.Answer{Body: found}, 200},
		{call{method: "DELETE", path: "/v1/responses/resp_1"}, failed, azureopenai.Answer{Body: found}, 200},
		{call{path: "/v1/responses/resp_1/cancel"}, failed, azureopenai.Answer{Body: found}, 200},
		{call{method: "GET", path: "/v1/responses/resp_1/input_items"}, missing, azureopenai.Answer{Body: found}, 200},
		{call{method: "GET", path: "/v1/responses/resp_1"}, failed, missing, 500},
		{call{method: "GET", path: "/v1/responses/resp_1"}, missing, failed, 500},
		{call{method: "GET", path: "/v1/responses/resp_1"}, missing, missing, 404},
	} {
		p.first.QueueAnswer(test.first)
		p.second.QueueAnswer(test.second)
		status, body := test.call.answer(t, s)
		// One that has failed is left alone for a moment, so that it need not be the first one asked.
		if a, b := len(p.first.Requests()), len(p.second.Requests()); status != test.status || a > 1 || b != 1 {
			t.Errorf("%s %s: %d after %d and %d calls: %s", test.call.method, test.call.path, status, a, b, body)
		}
		p.first.Reset()
		p.second.Reset()
	}
}
