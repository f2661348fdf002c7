package openaiapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// An outcome is what a caller gets and what the record has.
type outcome struct {
	*httptest.ResponseRecorder
	record *telemetry.Call
}

func serve(h http.Handler, r *http.Request) outcome {
	ctx, record := telemetry.Start(r.Context(), "request")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(ctx))
	return outcome{w, record}
}

// error returns code and param of the error that the caller got, "" for null.
func (o outcome) error(t *testing.T) (code, param, message string) {
	t.Helper()
	var body struct {
		Error struct{ Code, Param, Message *string }
	}
	if err := json.Unmarshal(o.Body.Bytes(), &body); err != nil || body.Error.Message == nil {
		t.Fatalf("%d, not OpenAI's shape: %s", o.Code, o.Body)
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return text(body.Error.Code), text(body.Error.Param), *body.Error.Message
}

func TestRouter(t *testing.T) {
	var routes openaiapi.Router
	routes.Handle("GET /things/{id}", "things.get", func(w http.ResponseWriter, r *openaiapi.Request) error {
		return openaiapi.WriteJSON(w, map[string]any{"id": r.PathValue("id"), "dated": r.Path.Dated, "deployment": r.Path.Deployment, "q": r.Path.Query.Get("q")})
	})
	routes.Handle("DELETE /things/{id}", "things.delete", func(http.ResponseWriter, *openaiapi.Request) error {
		return &openaierr.Error{Status: 409, Code: "in_use", Message: "It is in use.", Cause: errors.New("a cause")}
	})
	routes.Elsewhere("POST /things/{id}")
	tests := []struct {
		name, line string
		status     int
		want       string // the answer, or the error's code
		operation  string
	}{
		{"OpenAI's path", "GET /v1/things/a?q=1", 200, `{"dated":false,"deployment":"","id":"a","q":"1"}`, "things.get"},
		{"Azure's", "GET /openai/v1/things/a", 200, `{"dated":false,"deployment":"","id":"a","q":""}`, "things.get"},
		{"with an api-version", "GET /openai/things/a?api-version=1", 200, `{"dated":true,"deployment":"","id":"a","q":""}`, "things.get"},
		{"with a deployment", "GET /openai/deployments/d/things/a?api-version=1", 200, `{"dated":true,"deployment":"d","id":"a","q":""}`, "things.get"},
		{"without the version", "GET /openai/things/a", 400, "missing_api_version", ""},
		{"an error", "DELETE /v1/things/a", 409, "in_use", "things.delete"},
		{"of another function", "POST /v1/things/a", 404, "unknown_url", ""},
		{"a wrong method", "PUT /v1/things/a", 405, "method_not_allowed", ""},
		{"unknown", "GET /v1/others", 404, "unknown_url", ""},
		{"another family", "GET /v2/things/a", 404, "unknown_url", ""},
		{"none", "GET /", 404, "unknown_url", ""},
		{"a doubled slash", "GET /v1//things/a", 404, "unknown_url", ""},
		{"dots", "GET /v1/x/../things/a", 404, "unknown_url", ""},
		{"escaped dots", "GET /v1/things/%2e%2e", 404, "unknown_url", ""},
		{"a deployment of dots", "GET /openai/deployments/../things/a?api-version=1", 404, "unknown_url", ""},
		{"a slash at the end", "GET /v1/things/a/", 404, "unknown_url", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			method, target, _ := strings.Cut(test.line, " ")
			o := serve(&routes, httptest.NewRequest(method, target, nil))
			if o.Code != test.status || o.record.Operation != test.operation {
				t.Fatalf("%d %s as %q, want %d", o.Code, o.Body, o.record.Operation, test.status)
			}
			if test.status == 200 {
				if o.Body.String() != test.want {
					t.Errorf("got %s", o.Body)
				}
				return
			}
			if code, _, _ := o.error(t); code != test.want || o.record.Code != test.want {
				t.Errorf("the code is %q and %q in the record", code, o.record.Code)
			}
		})
	}
	if allow := serve(&routes, httptest.NewRequest("PUT", "/v1/things/a", nil)).Header().Get("Allow"); allow != "DELETE, GET, HEAD, POST" {
		t.Errorf("Allow is %q", allow)
	}
}

// memoryBody is a body that is in memory, as lambdahttp has it.
type memoryBody struct {
	io.Reader
	all []byte
}

func (h memoryBody) Bytes() []byte { return h.all }
func (h memoryBody) Close() error  { return nil }

func TestReadObject(t *testing.T) {
	var read []byte
	var routes openaiapi.Router
	routes.Handle("POST /things", "things", func(w http.ResponseWriter, r *openaiapi.Request) error {
		object, err := r.ReadObject(openaiapi.Top, "model", "stream")
		read = object.Raw()
		return err
	})
	tests := []struct {
		name, body  string
		header      http.Header
		length      int64 // 0: the body's
		status      int
		code, param string
	}{
		{name: "an object", body: `{"model":"m","other":1,"other":2}`},
		{name: "a charset", body: `{}`, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}},
		{name: "not compressed", body: `{}`, header: http.Header{"Content-Encoding": {"identity"}}},
		{name: "a byte order mark", body: "\xef\xbb\xbf" + `{"model":"m"}`},
		{name: "nothing", status: 400, code: "empty_body"},
		{name: "a mark and nothing", body: "\xef\xbb\xbf", status: 400, code: "empty_body"},
		{name: "an array", body: `[]`, status: 400, code: "invalid_json"},
		{name: "no JSON", body: `{"model":`, status: 400, code: "invalid_json"},
		{name: "two objects", body: `{}{}`, status: 400, code: "invalid_json"},
		{name: "cut off", body: `{}`, length: 10, status: 400, code: "invalid_body"},
		{name: "a form", body: `{}`, header: http.Header{"Content-Type": {"multipart/form-data"}}, status: 415, code: "unsupported_content_type", param: "Content-Type"},
		{name: "compressed", body: `{}`, header: http.Header{"Content-Encoding": {"gzip"}}, status: 415, code: "unsupported_content_encoding", param: "Content-Encoding"},
		{name: "a doubled member", body: `{"model":"a","model":"b"}`, status: 400, code: "duplicate_parameter", param: "model"},
		{name: "a member in another case", body: `{"model":"a","Stream":true}`, status: 400, code: "unknown_parameter", param: "Stream"},
		{name: "too large", body: `{"x":"` + strings.Repeat("x", 33<<20) + `"}`, status: 413, code: "request_too_large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/things", strings.NewReader(test.body))
			for name, values := range test.header {
				r.Header[name] = values
			}
			if test.length > 0 {
				r.ContentLength = test.length
			}
			o := serve(&routes, r)
			if test.status == 0 {
				if want := strings.TrimPrefix(test.body, "\xef\xbb\xbf"); o.Code != 200 || string(read) != want {
					t.Errorf("%d %s, read %s", o.Code, o.Body, read)
				}
				return
			}
			if code, param, _ := o.error(t); o.Code != test.status || code != test.code || param != test.param {
				t.Errorf("%d %s", o.Code, o.Body)
			}
		})
	}
	t.Run("a body in memory is not copied", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/v1/things", nil)
		body := memoryBody{Reader: bytes.NewReader(nil), all: []byte(`{"model":"m"}`)}
		r.Body = body
		if serve(&routes, r); &read[0] != &body.all[0] {
			t.Error("it is")
		}
	})
}

func TestDecode(t *testing.T) {
	type things struct {
		Name  string `json:"name"`
		Inner *struct {
			Size int `json:"size"`
		} `json:"inner"`
	}
	tests := []struct{ name, body, want, param string }{
		{"all", `{"name":"a","inner":{"size":1},"other":{"Name":"b"}}`, `{"name":"a","inner":{"size":1}}`, ""},
		{"nothing", ``, `{"name":"","inner":null}`, ""},
		{"nulls", `{"name":null,"inner":null}`, `{"name":"","inner":null}`, ""},
		{"a wrong type", `{"name":1}`, "invalid_type", "name"},
		{"a wrong type within", `{"inner":{"size":"1"}}`, "invalid_type", "inner.size"},
		{"another case within", `{"inner":{"Size":1}}`, "unknown_parameter", "inner.Size"},
		{"doubled within", `{"inner":{"size":1,"size":2}}`, "duplicate_parameter", "inner.size"},
		{"an array", `[]`, "invalid_json", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var routes openaiapi.Router
			routes.Handle("POST /things", "things", func(w http.ResponseWriter, r *openaiapi.Request) error {
				var in things
				if err := r.Decode(&in); err != nil {
					return err
				}
				return openaiapi.WriteJSON(w, in)
			})
			o := serve(&routes, httptest.NewRequest("POST", "/v1/things", strings.NewReader(test.body)))
			if o.Code == 200 {
				if o.Body.String() != test.want {
					t.Errorf("got %s, want %s", o.Body, test.want)
				}
				return
			}
			if code, param, _ := o.error(t); code != test.want || param != test.param {
				t.Errorf("%d %s", o.Code, o.Body)
			}
		})
	}
}
