package azure_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
)

func never(o *azure.Options) { o.Env.MaxRetries = 0 }

// TestAzuresErrors sends every body that Azure was seen to send and compares what a caller gets.
func TestAzuresErrors(t *testing.T) {
	e, s := one(t, never)
	var got bytes.Buffer
	for line := range bytes.Lines(readFile(t, "testdata/errors.jsonl")) {
		var row struct {
			ID     string          `json:"id"`
			Status int             `json:"status"`
			Body   json.RawMessage `json:"body"`
		}
		mustDecode(t, line, &row)
		if string(row.Body) == "null" {
			row.Body = nil
		}
		e.QueueAnswer(azureopenai.Answer{Status: row.Status, Body: string(row.Body)})
		r := s.do(t.Context(), chat("hi"), false)
		fmt.Fprintf(&got, "%s %d %s\n", row.ID, r.Code, r.Body)
		keepsMembers(t, row.ID, row.Status, row.Body, r.Body.Bytes())
	}
	golden(t, "testdata/errors.golden", got.Bytes())
}

// keepsMembers checks OpenAI's four fields, and that no member of Azure's is lost but those that
// speak of our own credential.
func keepsMembers(t *testing.T, id string, status int, azures, ours []byte) {
	t.Helper()
	var before, after struct {
		Error map[string]json.RawMessage `json:"error"`
	}
	mustDecode(t, ours, &after)
	for _, name := range []string{"message", "type", "param", "code"} {
		if value, ok := after.Error[name]; !ok || (name == "message" || name == "type") && value[0] != '"' {
			t.Errorf("%s: %s is %s", id, name, value)
		}
	}
	if len(azures) == 0 || status == http.StatusUnauthorized || status == http.StatusForbidden {
		return
	}
	mustDecode(t, azures, &before)
	for name, value := range before.Error {
		if string(value) != "null" && !bytes.Equal(value, after.Error[name]) {
			t.Errorf("%s: %s was %s and is %s", id, name, value, after.Error[name])
		}
	}
}

func TestOtherErrorBodies(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   string // of "error"
	}{
		{"the gateway's form", 404, `{ "statusCode": 404, "message": "Resource not found" }`,
			`{ "statusCode": 404, "message": "Resource not found" ,"type":"invalid_request_error","param":null,"code":null}`},
		{"a string for an error", 400, `{"error":"bad \u00e9"}`, `{"message":"bad \u00e9","type":"invalid_request_error","param":null,"code":null}`},
		{"a numeric code stays one", 404, `{"error":{"code":404,"message":"m"}}`, `{"code":404,"message":"m","type":"invalid_request_error","param":null}`},
		{"innererror, big integers and duplicates", 400, `{"error":{"innererror":{"n":12345678901234567890},"message":"a","x":1,"x":2}}`,
			`{"innererror":{"n":12345678901234567890},"message":"a","x":1,"x":2,"type":"invalid_request_error","param":null,"code":null}`},
		{"no message", 429, `{"error":{}}`, `{"message":"Azure OpenAI answered 429 without a message.","type":"rate_limit_error","param":null,"code":null}`},
		{"HTML", 502, "<html>", `{"message":"Azure OpenAI answered 502 with a body of 6 bytes that is not one of its errors.","type":"server_error","param":null,"code":"upstream_error"}`},
		{"nothing", 504, "", `{"message":"Azure OpenAI answered 504 with a body of 0 bytes that is not one of its errors.","type":"timeout_error","param":null,"code":"upstream_error"}`},
		{"an array", 500, `[]`, `{"message":"Azure OpenAI answered 500 with a body of 2 bytes that is not one of its errors.","type":"server_error","param":null,"code":"upstream_error"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t, never)
			e.QueueAnswer(azureopenai.Answer{Status: tt.status, Body: tt.body})
			r := s.do(t.Context(), chat("hi"), false)
			if want := `{"error":` + tt.want + `}`; r.Code != tt.status || r.Body.String() != want {
				t.Errorf("got  %d %s\nwant %d %s", r.Code, r.Body, tt.status, want)
			}
		})
	}
}

// TestErrorsOfOtherForms is about what stands before Azure: gateways, proxies, other servers of the API.
func TestErrorsOfOtherForms(t *testing.T) {
	key, long := strings.Repeat("0123456789abcdef", 2), strings.Repeat("é", 5000)
	tests := []struct {
		name   string
		status int
		body   string
		want   string // of the words
	}{
		{"detail", 404, `{"detail":"Not Found"}`, "Not Found"},
		{"a list of details, with the request in them", 422, `{"detail":[{"type":"missing","loc":["body","messages",0],"msg":"Field required","input":{"x":"pr0mpt"}},{"loc":["body"],"msg":"too short"}]}`,
			"body.messages.0: Field required; body: too short"},
		{"text", 400, "upstream connect error or disconnect/reset before headers. reset reason: overflow", "upstream connect error or disconnect/reset before headers. reset reason: overflow"},
		{"text of several lines", 502, "  no healthy\r\n\tupstream\x00\x1b[31m\n", "no healthy upstream [31m"},
		{"a page", 502, "<html><head><title>502 Bad Gateway</title><style>b{}</style></head><body><h1>Bad&nbsp;Gateway</h1><!-- x --></body></html>", "502 Bad Gateway Bad Gateway"},
		{"XML", 403 + 6, `<?xml version="1.0"?><Error><Code>Gone</Code><Message>It is gone &amp; lost</Message></Error>`, "Gone It is gone & lost"},
		{"problem details", 500, `{"type":"about:blank","title":"Internal","detail":"It broke.","status":500}`, "It broke."},
		{"OAuth's", 400, `{"error_description":"The grant is bad."}`, "The grant is bad."},
		{"a list of errors", 500, `{"errors":[{"message":"one"},{"message":"two"}]}`, "one; two"},
		{"a fault", 500, `{"fault":{"faultstring":"Policy failed","detail":{"errorcode":"x"}}}`, "Policy failed"},
		{"a capital letter", 500, `{"Message":"Service down"}`, "Service down"},
		{"an error without a message", 500, `{"error":{"detail":"deep"}}`, "deep"},
		{"JSON's text", 500, `"just text"`, "just text"},
		{"JSON that says nothing known", 500, `{"state":"down"}`, `{"state":"down"}`},
		{"half a document", 500, `{"detail":"Not F`, `{"detail":"Not F`},
		{"no UTF-8", 500, "caf\xe9 closed", "caf closed"},
		{"any length", 500, long, long[:2*500]},
		{"any length, for a string", 500, `{"error":"` + long + `"}`, long[:2*500]},
		{"a key, a host and an address", 500, "key " + key + " at https://my-resource.openai.azure.com/openai and my.azure-api.net and 192.0.2.7:443, see https://aka.ms/x",
			"key *** at ***/openai and *** and ***, see https://aka.ms/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t, never)
			e.QueueAnswer(azureopenai.Answer{Status: tt.status, Body: tt.body, Headers: map[string]string{"Content-Type": "text/plain"}})
			r := s.do(t.Context(), chat("hi"), false)
			var got struct {
				Error struct{ Message, Type string }
			}
			mustDecode(t, r.Body.Bytes(), &got)
			if want := fmt.Sprintf("Azure OpenAI answered %d: %s", tt.status, tt.want); r.Code != tt.status || got.Error.Message != want || got.Error.Type == "" {
				t.Errorf("got  %d %s\nwant %s", r.Code, r.Body, want)
			}
			failure := openaierr.From(r.err)
			if tt.name == "an error without a message" {
				return // it has Azure's own form, and no code
			}
			if want := fmt.Sprintf("azure answered %d: %s", tt.status, tt.want); failure.Cause == nil || failure.Cause.Error() != want || failure.Code != "upstream_error" {
				t.Errorf("the log has %q, %v", failure.Code, failure.Cause)
			}
		})
	}
}

// TestQuotesOfTheRequest is about errors that have the prompt in them: the caller, whose it is, sees it, the log does not.
func TestQuotesOfTheRequest(t *testing.T) {
	const prompt = "a pr0mpt of some length"
	tests := []struct{ name, body, log string }{
		{"text", "cannot read: " + prompt + "!", "azure answered 400: cannot read: ***!"},
		{"a part of it", "cannot read pr0mpt of some", "azure answered 400: cannot read***"},
		{"a page", "<h1>Bad</h1><pre>" + prompt + "</pre>", "azure answered 400: Bad ***"},
		{"JSON of any form", `{"state":"bad","request":"` + prompt + `"}`, `azure answered 400: {"state":"bad","reques***`},
		{"a word that both have", "no messages, please", "azure answered 400: no messages, please"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t, never)
			e.QueueAnswer(azureopenai.Answer{Status: 400, Body: tt.body})
			r := s.do(t.Context(), chat(prompt), false)
			if cause := openaierr.From(r.err).Cause; cause == nil || cause.Error() != tt.log || !strings.Contains(r.Body.String(), "pr0mpt") && tt.name != "a word that both have" {
				t.Errorf("the log has %v, the caller %s", cause, r.Body)
			}
		})
	}
}

func TestContentFilter(t *testing.T) {
	e, s := one(t)
	r := s.do(t.Context(), chat("trigger-violence"), false)
	r.refused(t, http.StatusBadRequest, "content_filter")
	if !strings.Contains(r.Body.String(), `"innererror":{"code":"ResponsibleAIPolicyViolation"`) || upstreamRequests(e) != 1 {
		t.Errorf("got %s", r.Body)
	}
}

// TestStreamThatBeginsWithAnError is one that Azure refuses: the caller gets no stream but the error.
func TestStreamThatBeginsWithAnError(t *testing.T) {
	_, s := one(t)
	r := s.do(t.Context(), chatStream("trigger-violence"), false)
	r.refused(t, http.StatusBadRequest, "content_filter")
	if got := r.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestRefusedCredential(t *testing.T) {
	oldKey, newKey := strings.Repeat("0123456789abcdef", 2), strings.Repeat("Ab1", 28)
	const principal = "842d7e21-e602-4dc1-812e-947fd5833cb3"
	tests := []struct {
		name   string
		status int
		body   string
		code   string
		log    string
	}{
		{"a wrong key", 401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`, "401",
			"azure answered 401: 401: Access denied due to invalid subscription key or wrong API endpoint."},
		{"a role that is missing", 401, `{"error":{"code":"PermissionDenied","message":"The principal ` + principal + ` lacks the required data action"}}`, "PermissionDenied",
			"azure answered 401: PermissionDenied: The principal " + principal + " lacks the required data action"},
		{"keys switched off", 403, `{"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication is disabled for this resource."}}`, "AuthenticationTypeDisabled",
			"azure answered 403: AuthenticationTypeDisabled: Key based authentication is disabled for this resource."},
		{"a network rule", 403, `{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}`, "403",
			"azure answered 403: 403: Access denied due to Virtual Network/Firewall rules."},
		{"one that quotes the request", 401, `{"error":{"code":"401","message":"m","request":"pr0mpt"},"messages":["pr0mpt"]}`, "401", "azure answered 401: 401: m"},
		{"a proxy's page that quotes the request", 401, `<html>pr0mpt</html>`, "401",
			"azure answered 401 with a body of 19 bytes that is not one of its errors"},
		{"keys in the message and in the code", 401, `{"error":{"code":"` + oldKey + `","message":"Incorrect API key provided: ` + oldKey + `, ` + newKey + `."}}`, "***",
			"azure answered 401: ***: Incorrect API key provided: ***, ***."},
		{"a message of any length", 401, `{"error":{"code":"401","message":"` + strings.Repeat("é", 5000) + `"}}`, "401",
			"azure answered 401: 401: " + strings.Repeat("é", 300)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Status: tt.status, Body: tt.body})
			r := s.do(t.Context(), chat("hi"), false)
			failure := r.refused(t, http.StatusBadGateway, tt.code)
			if r.Header().Get("X-Should-Retry") != "false" || failure.Type != "upstream_authentication_error" {
				t.Errorf("got %v %s", r.Header(), r.Body)
			}
			if strings.Contains(r.Body.String(), principal) || failure.Cause.Error() != tt.log {
				t.Errorf("the caller gets %s, the log %v", r.Body, failure.Cause)
			}
			if n := upstreamRequests(e); n != 1 {
				t.Errorf("asked %d times although the secret is the same", n)
			}
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	large := `{"data":"` + strings.Repeat("x", 2<<20) + `"}`
	tests := []struct {
		name, fault string
		body        string // of a literal answer; "" lets the emulator answer
		code        string // "" is a broken end
	}{
		{"no JSON", "garbage", "", "upstream_invalid_response"},
		{"an empty body", "", "", "upstream_invalid_response"},
		{"half of it, ended cleanly", "partial", "", "upstream_invalid_response"},
		{"half of it, then cut", "cut", "", "upstream_connection_lost"},
		{"half of it, then reset", "reset", "", "upstream_connection_lost"},
		{"half of a large one, after its first byte is out", "cut", large, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			if tt.fault != "" {
				addFault(t, e, tt.fault, 1)
			}
			if tt.fault == "" || tt.body != "" {
				e.QueueAnswer(azureopenai.Answer{Body: tt.body})
			}
			r := s.do(t.Context(), chat("hi"), false)
			if tt.code != "" {
				r.refused(t, http.StatusBadGateway, tt.code)
			} else if r.err != azure.ErrBroken || !strings.HasPrefix(large, r.Body.String()) || r.record.Err == nil {
				t.Errorf("got %v with %d bytes, in the log %v", r.err, r.Body.Len(), r.record.Err)
			}
			if n := upstreamRequests(e); n != 1 {
				t.Errorf("asked %d times, although it may have been paid for", n)
			}
		})
	}
}

// TestPaidForTwice is about the SDKs: what may have been charged tells them not to try again.
func TestPaidForTwice(t *testing.T) {
	e, s := one(t, func(o *azure.Options) { o.Env.IdleTimeout = brief })
	for _, fault := range []string{"close", "cut", "garbage", "hang;after=10"} {
		addFault(t, e, fault, 1)
		if r := s.do(t.Context(), chat("hi"), false); r.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("%s: %d %s with %v", fault, r.Code, r.Body, r.Header())
		}
		if n := upstreamRequests(e); n != 1 {
			t.Errorf("%s: asked %d times", fault, n)
		}
	}
}
