package apigateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// changing are the members that are another at every call.
var changing = regexp.MustCompile(`"requestId": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"` +
	`|"extendedRequestId": "[\w-]{15}="` +
	`|"requestTime": "\d{2}/[A-Z][a-z]{2}/\d{4}(:\d{2}){3} \+0000"` +
	`|"requestTimeEpoch": \d{13}` +
	`|Root=1-[0-9a-f]{8}-[0-9a-f]{24}`)

// eventOf returns the event that a request becomes, indented.
func eventOf(t *testing.T, api template.API, r *http.Request) string {
	t.Helper()
	var event bytes.Buffer
	apigateway.New(api, func(_ context.Context, _ string, payload []byte) (*lambda.Response, error) {
		if err := json.Indent(&event, payload, "", "  "); err != nil {
			t.Errorf("%v: %s", err, payload)
		}
		event.WriteByte('\n')
		return nil, lambda.ErrNotFound
	}).ServeHTTP(httptest.NewRecorder(), r)
	return event.String()
}

func TestEvent(t *testing.T) {
	full := httptest.NewRequest("POST", "http://api.example.com:8080/v1/models/a%20b?api-version=2024-10-21&x=1&x=%C3%BC+2", strings.NewReader(`{"text":"<a> & \"ü\""}`))
	full.RemoteAddr = "203.0.113.7:50000"
	full.Header = http.Header{
		"Content-Type":    {"application/json"},
		"User-Agent":      {"curl/8"},
		"Authorization":   {"Bearer sk-test"},
		"X-Many":          {"one", "two"},
		"X-Forwarded-For": {"198.51.100.1"},
		"Connection":      {"keep-alive"},
		"Content-Length":  {"24"},
	}
	bare := httptest.NewRequest("GET", "http://api.example.com/v1/models", nil)
	bare.RemoteAddr = "[2001:db8::1]:50000"

	api := template.API{Stage: "prod", Routes: []template.Route{
		{Path: "/v1/models/{model}", Method: "POST"}, {Path: "/v1/models", Method: "GET"},
	}}
	tests := []struct {
		golden  string
		request *http.Request
	}{{"testdata/event.json", full}, {"testdata/event_bare.json", bare}}
	for _, test := range tests {
		t.Run(test.golden, func(t *testing.T) {
			got := changing.ReplaceAllStringFunc(eventOf(t, api, test.request), func(s string) string {
				if name, _, ok := strings.Cut(s, ": "); ok {
					return name + `: "..."`
				}
				return "..."
			})
			if *update {
				if err := os.WriteFile(test.golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(test.golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func TestEventBody(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		binary                  []string
		want                    string // "null" for none
		wantBase64              bool
	}{
		{name: "text", contentType: "application/json", body: `{"a":1}`, want: `{"a":1}`},
		{name: "none", contentType: "application/json", want: "null"},
		{name: "binary data as text", contentType: "application/octet-stream", body: "a\xff\xfeb", want: "a\ufffd\ufffdb"},
		{name: "binary media type", contentType: "Image/PNG; a=b", binary: []string{"image/png"}, body: "a\xffb", want: "Yf9i", wantBase64: true},
		{name: "another media type", contentType: "image/jpeg", binary: []string{"image/png"}, body: "ab", want: "ab"},
		{name: "a kind of media types", contentType: "image/jpeg", binary: []string{"image/*"}, body: "ab", want: "YWI=", wantBase64: true},
		{name: "all media types", contentType: "text/plain", binary: []string{"*/*"}, body: "ab", want: "YWI=", wantBase64: true},
		{name: "no content type is JSON", binary: []string{"application/json"}, body: "ab", want: "YWI=", wantBase64: true},
		{name: "no content type is not binary", binary: []string{"image/*"}, body: "ab", want: "ab"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/a", strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			api := template.API{BinaryMediaTypes: test.binary, Routes: []template.Route{{Path: "/a", Method: "ANY"}}}
			var got struct {
				Body            *string
				IsBase64Encoded bool
			}
			if err := json.Unmarshal([]byte(eventOf(t, api, r)), &got); err != nil {
				t.Fatal(err)
			}
			body := "null"
			if got.Body != nil {
				body = *got.Body
			}
			if body != test.want || got.IsBase64Encoded != test.wantBase64 {
				t.Errorf("got %q, base64 %t; want %q, %t", body, got.IsBase64Encoded, test.want, test.wantBase64)
			}
		})
	}
}
