package azure_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/rawjson"
)

// reply is what an emulator answers next; the zero reply lets it answer by itself.
type reply = azureopenai.Answer

func queue(e *azureopenai.Server, replies ...reply) {
	for _, r := range replies {
		e.QueueAnswer(r)
	}
}

func failure(status int, code, message string) reply {
	return reply{Status: status, Body: fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message)}
}

// limited is a 429 or a 503 with a Retry-After in seconds.
func limited(status int, after string) reply {
	r := failure(status, "429", "Please retry after some seconds.")
	r.Headers = map[string]string{"Retry-After": after}
	return r
}

const (
	envoy   = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
	unicode = "Failed to create completion as the model generated invalid Unicode output."
)

// TestSecondDeployment is about what a failure of the first deployment means for the second: whether it is asked, and
// what the SDKs are told when it fails as well.
func TestSecondDeployment(t *testing.T) {
	tests := []struct {
		name          string
		first, second []reply
		status        int // 0: an answer
		a, b          int // how often each is asked
		final         bool
	}{
		{name: "500", first: []reply{failure(500, "x", "The server had an error.")}, a: 1, b: 1},
		{name: "502", first: []reply{failure(502, "502", "Bad Gateway")}, a: 1, b: 1},
		{name: "502 with a page for a body", first: []reply{{Status: 502, Body: "<html>"}}, a: 1, b: 1},
		{name: "500 that wants to be left alone", first: []reply{limited(500, "30")}, a: 1, b: 1},
		{name: "503", first: []reply{failure(503, "x", "unable to process")}, a: 1, b: 1},
		{name: "503 of Envoy's", first: []reply{{Status: 503, Body: envoy}}, a: 1, b: 1},
		{name: "429", first: []reply{limited(429, "30")}, a: 1, b: 1},
		{name: "500 twice", first: []reply{failure(500, "x", "m")}, second: []reply{failure(500, "x", "m")}, status: 500, a: 1, b: 1, final: true},
		{name: "500, then 502", first: []reply{failure(500, "x", "m")}, second: []reply{failure(502, "x", "m")}, status: 502, a: 1, b: 1, final: true},
		{name: "503 of Envoy's twice", first: []reply{{Status: 503, Body: envoy}}, second: []reply{{Status: 503, Body: envoy}}, status: 503, a: 1, b: 1, final: true},
		{name: "500, then a request at fault", first: []reply{failure(500, "x", "m")}, second: []reply{failure(400, "x", "m")}, status: 400, a: 1, b: 1, final: true},
		{name: "500, then busy for long", first: []reply{failure(500, "x", "m")}, second: []reply{limited(429, "30")}, status: 429, a: 1, b: 1, final: true},
		{name: "500, then busy for a moment: the first is not asked again", first: []reply{failure(500, "x", "m")}, second: []reply{limited(429, "1")}, a: 1, b: 2},
		{name: "busy for long, then 500", first: []reply{limited(429, "30")}, second: []reply{failure(500, "x", "m")}, status: 500, a: 1, b: 1, final: true},
		{name: "busy for a moment, then 500: the other is the first", first: []reply{limited(429, "1")}, second: []reply{failure(500, "x", "m")}, a: 2, b: 1},
		{name: "both busy for long, which was free", first: []reply{limited(429, "40")}, second: []reply{limited(429, "30")}, status: 429, a: 1, b: 1},
		{name: "408", first: []reply{failure(408, "Timeout", "The operation was timeout.")}, status: 408, a: 1, final: true},
		{name: "408 that names a time", first: []reply{limited(408, "1")}, status: 408, a: 1, final: true},
		{name: "504", first: []reply{failure(504, "x", "m")}, status: 504, a: 1, final: true},
		{name: "504 with a page for a body", first: []reply{{Status: 504, Body: "upstream request timeout"}}, status: 504, a: 1, final: true},
		{name: "500 after the model ran", first: []reply{failure(500, "", unicode)}, status: 500, a: 1},
		{name: "502 after the model ran", first: []reply{failure(502, "", unicode)}, status: 502, a: 1},
		{name: "a model's error by its type", first: []reply{{Status: 500, Body: `{"error":{"message":"m","type":"model_error","param":null,"code":null}}`}}, status: 500, a: 1},
		{name: "a model's error by its words", first: []reply{failure(500, "", "The model produced invalid content. Consider modifying your prompt.")}, status: 500, a: 1},
		{name: "as text", first: []reply{{Status: 500, Body: unicode}}, status: 500, a: 1},
		{name: "busy, then after the model ran", first: []reply{limited(429, "30")}, second: []reply{failure(500, "", unicode)}, status: 500, a: 1, b: 1, final: true},
		{name: "501", first: []reply{failure(501, "x", "m")}, status: 501, a: 1},
		{name: "400", first: []reply{failure(400, "x", "m")}, status: 400, a: 1},
		{name: "404 of a path", first: []reply{failure(404, "404", "Resource not found")}, status: 404, a: 1},
		{name: "no such deployment", first: []reply{failure(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")}, a: 1, b: 1},
	}
	for _, call := range []*azure.Call{chat("hi"), chatStream("hi")} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s stream=%v", tt.name, call.Stream), func(t *testing.T) {
				first, second, s := two(t)
				queue(first, tt.first...)
				queue(second, tt.second...)
				r := s.do(t.Context(), call, false)
				if tt.status == 0 {
					r.ok(t)
				} else if r.Code != tt.status {
					t.Errorf("got %d %s, want %d", r.Code, r.Body, tt.status)
				}
				if a, b := upstreamRequests(first), upstreamRequests(second); a != tt.a || b != tt.b || r.record.Tries != a+b {
					t.Errorf("asked %d and %d times, %d by the record, want %d and %d", a, b, r.record.Tries, tt.a, tt.b)
				}
				if final := r.Header().Get("X-Should-Retry") == "false"; final != tt.final {
					t.Errorf("X-Should-Retry: %q", r.Header().Get("X-Should-Retry"))
				}
			})
		}
	}
}

// TestOnlyDeployment is about the same failures where there is no other: the SDK decides, as with Azure itself.
func TestOnlyDeployment(t *testing.T) {
	tests := []struct {
		name  string
		reply reply
		tries int
		final bool
	}{
		{"500", failure(500, "x", "m"), 1, false},
		{"502", failure(502, "x", "m"), 1, false},
		{"503 of Envoy's", reply{Status: 503, Body: envoy}, 1, false},
		{"503 of Envoy's in an error", failure(503, "503", envoy), 1, false},
		{"503", failure(503, "x", "m"), 3, false},
		{"429", limited(429, "1"), 3, false},
		{"408", failure(408, "Timeout", "m"), 1, true},
		{"504", failure(504, "x", "m"), 1, true},
		{"after the model ran", failure(500, "", unicode), 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			queue(e, tt.reply, tt.reply, tt.reply)
			r := s.do(t.Context(), chat("hi"), false)
			if n := upstreamRequests(e); n != tt.tries || r.Code != tt.reply.Status {
				t.Errorf("asked %d times, want %d: %d %s", n, tt.tries, r.Code, r.Body)
			}
			if final := r.Header().Get("X-Should-Retry") == "false"; final != tt.final {
				t.Errorf("X-Should-Retry: %q", r.Header().Get("X-Should-Retry"))
			}
		})
	}
}

// TestThirdDeployment has two fail in a way that may have been charged: that is enough.
func TestThirdDeployment(t *testing.T) {
	servers := make([]*azureopenai.Server, 3)
	resources := ""
	for i := range servers {
		server, url := emulator(t, azureopenai.Options{})
		servers[i] = server
		resources += fmt.Sprintf(`,{"name":"r%d","endpoint":%q,"api_key":"k","deployments":[{"model":"gpt-4o"}]}`, i, url)
	}
	secret := `{"resources":[` + resources[1:] + `]}`
	tests := []struct {
		name    string
		replies [3]reply
		want    [3]int
	}{
		{"500 and 500", [3]reply{failure(500, "x", "m"), failure(500, "x", "m"), {}}, [3]int{1, 1, 0}},
		{"429 and 500", [3]reply{limited(429, "30"), failure(500, "x", "m"), {}}, [3]int{1, 1, 1}},
		{"429 and 429", [3]reply{limited(429, "30"), limited(429, "30"), {}}, [3]int{1, 1, 1}},
		{"401, 401", [3]reply{failure(401, "401", "m"), failure(401, "401", "m"), {}}, [3]int{1, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, secret)
			for i, r := range tt.replies {
				if r.Status != 0 {
					servers[i].QueueAnswer(r)
				}
			}
			s.do(t.Context(), chat("hi"), false)
			for i, server := range servers {
				if n := upstreamRequests(server); n != tt.want[i] {
					t.Errorf("%d was asked %d times, want %d", i, n, tt.want[i])
				}
			}
		})
	}
}

// TestRetryAfterBeyondTheCap is about one deployment and the cap that is the parameter's default: the caller is told at once, and waits itself.
func TestRetryAfterBeyondTheCap(t *testing.T) {
	for after, told := range map[string]bool{"1": false, "2": false, "3": true, "7": true, "60": true} {
		t.Run(after, func(t *testing.T) {
			e, s := one(t, func(o *azure.Options) { o.Env.RetryAfterCap = 2 * time.Second })
			e.QueueAnswer(limited(429, after))
			r := s.do(t.Context(), chat("hi"), false)
			if told {
				r.refused(t, http.StatusTooManyRequests, "429")
				if got := r.Header().Get("Retry-After"); got != after || r.Header().Get("X-Should-Retry") != "" {
					t.Errorf("got %v", r.Header())
				}
			}
			if n, naps := upstreamRequests(e), len(s.naps()); told != (n == 1) || told != (naps == 0) {
				t.Errorf("asked %d times with %d sleeps", n, naps)
			}
		})
	}
}

// nobody is the URL of a server that has gone.
func nobody(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

// TestLookup is about calls whose thing is in one resource, which is not known: every other is asked, whatever the first
// one says.
func TestLookup(t *testing.T) {
	found, missing := reply{Body: `{"id":"resp_1"}`}, failure(404, "not_found", "m")
	tests := []struct {
		name          string
		first, second []reply
		fault         string // of the first
		status        int
		a, b          int
	}{
		{name: "the first has it", first: []reply{found}, status: 200, a: 1},
		{name: "the second has it", first: []reply{missing}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "none has it", first: []reply{missing}, second: []reply{missing}, status: 404, a: 1, b: 1},
		{name: "the first fails", first: []reply{failure(500, "x", "m")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first is too slow", first: []reply{failure(504, "x", "m")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first refuses", first: []reply{failure(400, "x", "m")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first forbids", first: []reply{failure(403, "x", "m")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first takes no key", first: []reply{failure(401, "401", "m")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first is busy", first: []reply{limited(429, "60")}, second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first does not answer", fault: "close", second: []reply{found}, status: 200, a: 1, b: 1},
		{name: "the first fails, and the second has it not", first: []reply{failure(500, "x", "m")}, second: []reply{missing}, status: 500, a: 1, b: 1},
		{name: "the first has it not, and the second fails", first: []reply{missing}, second: []reply{failure(500, "x", "m")}, status: 500, a: 1, b: 1},
		{name: "both fail", first: []reply{failure(500, "x", "m")}, second: []reply{failure(400, "x", "m")}, status: 500, a: 1, b: 1},
		{name: "neither takes the key", first: []reply{failure(401, "401", "m")}, second: []reply{failure(401, "401", "m")}, status: 502, a: 1, b: 1},
		{name: "the first has it, but is busy for a moment", first: []reply{limited(429, "1"), found}, second: []reply{missing}, status: 200, a: 2, b: 1},
		{name: "or ill for a moment", first: []reply{failure(503, "x", "m"), found}, second: []reply{missing}, status: 200, a: 2, b: 1},
		{name: "the first is busy, and the second has it not", first: []reply{limited(429, "60")}, second: []reply{missing}, status: 429, a: 1, b: 1},
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
		for _, tt := range tests {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				first, second, s := two(t)
				if tt.fault != "" {
					addFault(t, first, tt.fault, 1)
				}
				queue(first, tt.first...)
				queue(second, tt.second...)
				call := get("responses/resp_1")
				if call.Method = method; method == http.MethodPost {
					call.Path += "/cancel"
				}
				r := s.do(t.Context(), call, true)
				if a, b := upstreamRequests(first), upstreamRequests(second); r.Code != tt.status || a != tt.a || b != tt.b {
					t.Errorf("got %d %s after %d and %d requests, want %d after %d and %d", r.Code, r.Body, a, b, tt.status, tt.a, tt.b)
				}
			})
		}
	}
	t.Run("more resources than tries", func(t *testing.T) {
		e, url := emulator(t, azureopenai.Options{})
		e.QueueAnswer(found)
		resources := ""
		for i := range 5 {
			resources += fmt.Sprintf(`{"name":"r%d","endpoint":%q,"api_key":"k"},`, i, nobody(t))
		}
		s := open(t, `{"resources":[`+resources+fmt.Sprintf(`{"name":"r9","endpoint":%q,"api_key":"k"}]}`, url), never)
		s.do(t.Context(), get("responses/resp_1"), true).ok(t)
	})
	t.Run("what makes something is not sent on", func(t *testing.T) {
		first, second, s := two(t)
		first.QueueAnswer(failure(504, "x", "m"))
		call := chat("hi")
		body := call.Body("gpt-4o")
		call.Name, call.Body = "", func(string) rawjson.Pieces { return body }
		if r := s.do(t.Context(), call, true); r.Code != 504 || upstreamRequests(first) != 1 || upstreamRequests(second) != 0 {
			t.Errorf("got %d %s", r.Code, r.Body)
		}
		first.QueueAnswer(missing)
		second.QueueAnswer(found)
		if r := s.do(t.Context(), call, true); r.Code != 200 {
			t.Errorf("got %d %s, want what the resource says that has it", r.Code, r.Body)
		}
	})
}
