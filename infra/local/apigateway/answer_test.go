package apigateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

const nul = "\x00\x00\x00\x00\x00\x00\x00\x00"

func TestStreamedAnswers(t *testing.T) {
	long := strings.Repeat("a", 100<<10)
	tests := []struct {
		name, method, answer string
		wantStatus           int
		wantBody             string
		wantHeader           http.Header // of the answer's own
	}{
		{name: "whole", answer: `{"statusCode":201,"headers":{"content-type":"text/plain"}}` + nul + "body", wantStatus: 201, wantBody: "body", wantHeader: http.Header{"Content-Type": {"text/plain"}}},
		{name: "empty body", answer: `{"statusCode":204}` + nul, wantStatus: 204},
		{name: "no status", answer: `{}` + nul + "body", wantStatus: 200, wantBody: "body"},
		{name: "status as text", answer: `{"statusCode":"404"}` + nul, wantStatus: 404},
		{name: "NULs in the body", answer: `{}` + nul + nul + "\x00", wantStatus: 200, wantBody: nul + "\x00"},
		{name: "long", answer: `{}` + nul + long, wantStatus: 200, wantBody: long},
		{name: "no body to HEAD", method: "HEAD", answer: `{}` + nul + "body", wantStatus: 200, wantBody: "body"}, // net/http drops it
		{name: "both kinds of headers", answer: `{"headers":{"x-a":"1","X-B":"2","x-c":true},"multiValueHeaders":{"X-A":["1","3"],"X-D":["4","5"]},"cookies":["a=b","c=d"]}` + nul, wantStatus: 200,
			wantHeader: http.Header{"X-A": {"1", "3"}, "X-B": {"2"}, "X-C": {"true"}, "X-D": {"4", "5"}, "Set-Cookie": {"a=b", "c=d"}}},
		{name: "remapped headers", answer: `{"headers":{"content-length":"7","www-authenticate":"Bearer"}}` + nul + "body", wantStatus: 200, wantBody: "body",
			wantHeader: http.Header{"x-amzn-Remapped-Content-Length": {"7"}, "x-amzn-Remapped-WWW-Authenticate": {"Bearer"}}},
		{name: "prelude of the largest size", answer: `{"headers":{"x-a":"` + long[:16384-len(`{"headers":{"x-a":""}}`)-8] + `"}}` + nul + "body", wantStatus: 200, wantBody: "body",
			wantHeader: http.Header{"X-A": {long[:16384-len(`{"headers":{"x-a":""}}`)-8]}}},
		{name: "prelude too long", answer: `{"headers":{"x-a":"` + long[:16384-len(`{"headers":{"x-a":""}}`)-7] + `"}}` + nul, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "no prelude", answer: `{"statusCode":200,"body":"a"}`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "no JSON", answer: `hello` + nul, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "bad status", answer: `{"statusCode":99}` + nul, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "bad header", answer: `{"headers":{"a":1}}` + nul, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "null", answer: "null" + nul, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "nothing", wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "end with data": iotest.DataErrReader,
	}
	for _, test := range tests {
		for how, reader := range readers {
			t.Run(test.name+", "+how, func(t *testing.T) {
				method := test.method
				if method == "" {
					method = "GET"
				}
				w := do(template.API{}, httptest.NewRequest(method, "/a", nil), true, answering(reader(strings.NewReader(test.answer))))
				if w.Code != test.wantStatus || w.Body.String() != test.wantBody {
					t.Fatalf("got %d %.100q, want %d %.100q", w.Code, w.Body, test.wantStatus, test.wantBody)
				}
				header := w.Result().Header
				for name, want := range test.wantHeader {
					if got := header[name]; !reflect.DeepEqual(got, want) {
						t.Errorf("%s: %.100q, want %.100q", name, got, want)
					}
				}
				if test.wantHeader["Content-Type"] == nil && header.Get("Content-Type") != "application/json" {
					t.Errorf("content type %q", header.Get("Content-Type"))
				}
			})
		}
	}
}

func TestBufferedAnswers(t *testing.T) {
	tests := []struct {
		name, answer, accept string
		binary               []string
		wantStatus           int
		wantBody             string
	}{
		{name: "whole", answer: `{"statusCode":201,"headers":{},"multiValueHeaders":null,"body":"ü","isBase64Encoded":false}`, wantStatus: 201, wantBody: "ü"},
		{name: "empty", answer: `{}`, wantStatus: 200},
		{name: "base64, asked for", answer: `{"body":"Yf9i","isBase64Encoded":true}`, accept: "image/png, */*", binary: []string{"image/*"}, wantStatus: 200, wantBody: "a\xffb"},
		{name: "base64, not asked for", answer: `{"body":"Yf9i","isBase64Encoded":true}`, accept: "*/*", binary: []string{"image/*"}, wantStatus: 200, wantBody: "Yf9i"},
		{name: "base64, broken", answer: `{"body":"?","isBase64Encoded":true}`, binary: []string{"*/*"}, wantStatus: 500, wantBody: `{"message":"Internal server error"}`},
		{name: "another member", answer: `{"statusCode":200,"extra":1}`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "no object", answer: `"hello"`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "null", answer: `null`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "something after it", answer: `{} {}`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "a streamed one", answer: `{"statusCode":200}` + nul + "body", wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
		{name: "largest", answer: `{"body":"` + strings.Repeat("a", 6291556-len(`{"body":""}`)) + `"}`, wantStatus: 200, wantBody: strings.Repeat("a", 6291556-len(`{"body":""}`))},
		{name: "too large", answer: `{"body":"` + strings.Repeat("a", 6291557-len(`{"body":""}`)) + `"}`, wantStatus: 502, wantBody: `{"message":"Internal server error"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/a", nil)
			r.Header.Set("Accept", test.accept)
			w := do(template.API{BinaryMediaTypes: test.binary}, r, false, answering(strings.NewReader(test.answer)))
			if w.Code != test.wantStatus || w.Body.String() != test.wantBody {
				t.Errorf("got %d %.100q, want %d %.100q", w.Code, w.Body, test.wantStatus, test.wantBody)
			}
		})
	}
}

// quiet answers with some bytes, then is silent until the invocation is called off.
func quiet(some string, every time.Duration, times int) apigateway.Invoker {
	return func(ctx context.Context, _ string, _ []byte) (*lambda.Response, error) {
		if some == "" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r, w := io.Pipe()
		go func() {
			io.WriteString(w, some)
			for range times {
				select {
				case <-time.After(every):
					io.WriteString(w, ".")
				case <-ctx.Done():
				}
			}
			<-ctx.Done()
			w.CloseWithError(ctx.Err())
		}()
		return &lambda.Response{Body: r}, nil
	}
}

func TestPatience(t *testing.T) {
	tests := []struct {
		name      string
		invoke    apigateway.Invoker
		streaming bool
		timeout   time.Duration
		want      time.Duration
		wantBody  string // of a broken answer; "" for a 504
	}{
		{name: "buffered, default", invoke: quiet("", 0, 0), want: 29 * time.Second},
		{name: "buffered, begun", invoke: quiet("{", 0, 0), timeout: 10 * time.Second, want: 10 * time.Second},
		{name: "streaming, nothing", invoke: quiet("", 0, 0), streaming: true, timeout: 15 * time.Minute, want: 5 * time.Minute},
		{name: "streaming, half a prelude", invoke: quiet("{", 0, 0), streaming: true, timeout: 15 * time.Minute, want: 5 * time.Minute},
		{name: "streaming, silent", invoke: quiet("{}"+nul+"a", 0, 0), streaming: true, timeout: 15 * time.Minute, want: 5 * time.Minute, wantBody: "a"},
		{name: "streaming, silent later", invoke: quiet("{}"+nul+"a", 4*time.Minute, 2), streaming: true, timeout: 15 * time.Minute, want: 13 * time.Minute, wantBody: "a.."},
		{name: "streaming, never silent", invoke: quiet("{}"+nul+"a", 4*time.Minute, 9), streaming: true, timeout: 15 * time.Minute, want: 15 * time.Minute, wantBody: "a..."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := apigateway.New(template.API{Routes: []template.Route{
					{Path: "/a", Method: "ANY", Streaming: test.streaming, Timeout: test.timeout},
				}}, test.invoke)
				w := httptest.NewRecorder()
				start := time.Now()
				broken := brokenOff(func() { handler.ServeHTTP(w, httptest.NewRequest("GET", "/a", nil)) })
				if got := time.Since(start); got != test.want {
					t.Errorf("after %v, want %v", got, test.want)
				}
				if test.wantBody != "" {
					if !broken || w.Body.String() != test.wantBody {
						t.Errorf("broken %t after %q, want it after %q", broken, w.Body, test.wantBody)
					}
				} else if w.Code != http.StatusGatewayTimeout || w.Body.String() != `{"message":"Endpoint request timed out"}` {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

// brokenOff reports whether a handler breaks its answer off.
func brokenOff(serve func()) (broken bool) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			broken = true
		} else if p != nil {
			panic(p)
		}
	}()
	serve()
	return false
}

func TestBrokenAnswers(t *testing.T) {
	failure := &lambda.FunctionError{Type: "E", Message: "m"}
	tests := []struct {
		name, some string
		streaming  bool
		wantBroken bool
	}{
		{name: "buffered", some: `{"statusCode":200}`},
		{name: "before the prelude's end", some: `{"statusCode":200}`, streaming: true},
		{name: "at the body's begin", some: `{"statusCode":200}` + nul, streaming: true, wantBroken: true},
		{name: "in the body", some: `{"statusCode":200}` + nul + "some", streaming: true, wantBroken: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w *httptest.ResponseRecorder
			broken := brokenOff(func() {
				body := io.MultiReader(strings.NewReader(test.some), iotest.ErrReader(failure))
				w = do(template.API{}, httptest.NewRequest("GET", "/a", nil), test.streaming, answering(body))
			})
			if broken != test.wantBroken {
				t.Fatalf("broken %t", broken)
			}
			if !broken && w.Code != http.StatusBadGateway {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

func TestInvokeErrors(t *testing.T) {
	tests := []struct {
		err        error
		wantStatus int
		wantType   string
	}{
		{lambda.ErrThrottled, 500, "INTEGRATION_FAILURE"},
		{lambda.ErrNotFound, 500, "INTEGRATION_FAILURE"},
		{lambda.ErrClosed, 500, "INTEGRATION_FAILURE"},
		{fmt.Errorf("wrapped: %w", lambda.ErrTooLarge), 413, "REQUEST_TOO_LARGE"},
		{&lambda.FunctionError{Type: "E", Message: "m"}, 502, "DEFAULT_5XX"},
		{errors.New("anything else"), 500, "INTEGRATION_FAILURE"},
	}
	words := template.GatewayResponse{Templates: map[string]string{"application/json": "$context.error.responseType"}}
	api := template.API{GatewayResponses: map[string]template.GatewayResponse{"DEFAULT_4XX": words, "DEFAULT_5XX": words}}
	for _, test := range tests {
		t.Run(test.err.Error(), func(t *testing.T) {
			w := do(api, httptest.NewRequest("GET", "/a", nil), true, func(context.Context, string, []byte) (*lambda.Response, error) {
				return nil, test.err
			})
			if w.Code != test.wantStatus || w.Body.String() != test.wantType {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.wantStatus, test.wantType)
			}
		})
	}
}
