package apigateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
	"aoai-bridge/infra/local/testsync"
)

func TestMain(m *testing.M) { bootstraps.Main(m) }

// serve starts an API whose function "f" is testdata/bootstrap: /buffered buffers, all else streams.
func serve(t *testing.T, f lambda.Function) string {
	t.Helper()
	f.Name, f.Bootstrap = "f", bootstraps.Of(t, "./testdata/bootstrap")
	host := lambda.NewHost(io.Discard, f)
	t.Cleanup(func() { host.Close() })
	server := httptest.NewServer(apigateway.New(template.API{Stage: "prod", Routes: []template.Route{
		{Path: "/buffered", Method: "POST", FunctionID: "f"},
		{Path: "/lost", Method: "GET", FunctionID: "nobody", Streaming: true},
		{Path: "/{proxy+}", Method: "ANY", FunctionID: "f", Streaming: true, Timeout: time.Minute},
	}}, host.Invoke))
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStreamedAnswer(t *testing.T) {
	base := serve(t, lambda.Function{})
	response, err := http.Post(base+"/some/where", "application/json", strings.NewReader(`{"a":"ü"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, want := readAll(t, response.Body), `POST /{proxy+} {"a":"ü"}`; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	if response.StatusCode != http.StatusCreated {
		t.Errorf("status %d", response.StatusCode)
	}
	h := response.Header
	if h.Get("Content-Type") != "text/event-stream" || !slices.Equal(h["X-Two"], []string{"1", "2"}) || !slices.Equal(h["Set-Cookie"], []string{"a=b", "c=d"}) {
		t.Errorf("headers %v", h)
	}
	if h.Get("x-amzn-RequestId") == "" || h.Get("x-amz-apigw-id") == "" {
		t.Errorf("no request ids in %v", h)
	}
}

func TestBufferedAnswer(t *testing.T) {
	response, err := http.Post(serve(t, lambda.Function{})+"/buffered", "", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := readAll(t, response.Body); got != "hello" || response.StatusCode != http.StatusAccepted || response.Header.Get("X-One") != "1" {
		t.Errorf("got %q, %d, %v", got, response.StatusCode, response.Header)
	}
}

func TestFirstByteComesFirst(t *testing.T) {
	base, g := serve(t, lambda.Function{}), testsync.NewGate(t)
	response := get(t, base+"/gated?gate="+g.URL)
	first := make([]byte, len("first"))
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("got %q, %v", first, err)
	}
	g.Wait(t) // the function is not done
	g.Open()
	if got := readAll(t, response.Body); got != "second" {
		t.Errorf("got %q", got)
	}
}

func TestBrokenEnd(t *testing.T) {
	for _, path := range []string{"/broken", "/exit-later"} {
		t.Run(path, func(t *testing.T) {
			base, g := serve(t, lambda.Function{}), testsync.NewGate(t)
			response := get(t, base+path+"?gate="+g.URL)
			g.Wait(t) // the header is out
			g.Open()
			if got, err := io.ReadAll(response.Body); string(got) != "some" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %q, %v; want a broken end", got, err)
			}
		})
	}
}

func TestFailureBeforeTheAnswer(t *testing.T) {
	base := serve(t, lambda.Function{})
	tests := []struct {
		path string
		want int
	}{
		{"/fail", http.StatusBadGateway},
		{"/exit", http.StatusBadGateway},
		{"/lost", http.StatusInternalServerError},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			response := get(t, base+test.path)
			if got := readAll(t, response.Body); response.StatusCode != test.want || got != `{"message":"Internal server error"}` {
				t.Errorf("got %d %s, want %d", response.StatusCode, got, test.want)
			}
		})
	}
}

func TestThrottled(t *testing.T) {
	base, g := serve(t, lambda.Function{MaxInstances: 1}), testsync.NewGate(t)
	held := get(t, base+"/gated?gate="+g.URL)
	g.Wait(t)
	refused := get(t, base+"/any")
	if got := readAll(t, refused.Body); refused.StatusCode != http.StatusInternalServerError || got != `{"message":"Internal server error"}` {
		t.Errorf("got %d %s", refused.StatusCode, got)
	}
	g.Open()
	readAll(t, held.Body)
}

func TestCallerGoesAway(t *testing.T) {
	base, g := serve(t, lambda.Function{MaxInstances: 1}), testsync.NewGate(t)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/endless?gate="+g.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, len("first"))); err != nil {
		t.Fatal(err)
	}
	cancel()
	g.Wait(t) // the function has learnt of it
	g.Open()
}

func TestRequestLimits(t *testing.T) {
	base := serve(t, lambda.Function{})
	tests := []struct {
		name string
		size int
		want int
	}{
		{name: "more than the gateway takes", size: 10485761, want: http.StatusRequestEntityTooLarge},
		{name: "more than Lambda takes", size: 6291456, want: http.StatusRequestEntityTooLarge},
		{name: "large", size: 6 << 20 * 9 / 10, want: http.StatusCreated},
	}
	for _, test := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %t", test.name, chunked), func(t *testing.T) {
				var body io.Reader = bytes.NewReader(bytes.Repeat([]byte("a"), test.size))
				if chunked {
					body = io.MultiReader(body) // of no known length
				}
				response, err := http.Post(base+"/any", "text/plain", body)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				got := readAll(t, response.Body)
				if response.StatusCode != test.want {
					t.Fatalf("status %d, want %d", response.StatusCode, test.want)
				}
				if test.want == http.StatusCreated && len(got) != len("POST /{proxy+} ")+test.size {
					t.Errorf("%d bytes arrived", len(got))
				}
				if test.want != http.StatusCreated && got != `{"message":"Request Too Long"}` {
					t.Errorf("got %s", got)
				}
			})
		}
	}
}
