package apigateway_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

// answering is an Invoker that answers with what it is told.
func answering(body io.Reader) apigateway.Invoker {
	return func(context.Context, string, []byte) (*lambda.Response, error) {
		return &lambda.Response{Body: io.NopCloser(body)}, nil
	}
}

// do calls the handler on one streaming or buffered route, "/{proxy+}".
func do(api template.API, r *http.Request, streaming bool, invoke apigateway.Invoker) *httptest.ResponseRecorder {
	api.Routes = []template.Route{{Path: "/{proxy+}", Method: "ANY", FunctionID: "f", Streaming: streaming}}
	w := httptest.NewRecorder()
	apigateway.New(api, invoke).ServeHTTP(w, r)
	return w
}

func TestRouting(t *testing.T) {
	routes := []template.Route{
		{Path: "/", Method: "GET"},
		{Path: "/v1/models", Method: "GET"},
		{Path: "/v1/models/{model}", Method: "ANY"},
		{Path: "/v1/models/{model}", Method: "DELETE"},
		{Path: "/v1/models/default", Method: "GET"},
		{Path: "/v1/responses/{proxy+}", Method: "ANY"},
		{Path: "/deployments/{deployment}/chat/completions", Method: "POST"},
		{Path: "/files/{file}", Method: "GET"},
		{Path: "/files/{rest+}", Method: "GET"},
	}
	for i := range routes {
		routes[i].FunctionID = routes[i].Method
	}
	catchAll := append(routes[1:len(routes):len(routes)], template.Route{Path: "/{proxy+}", Method: "ANY"})
	tests := []struct {
		name, method, target string
		routes               []template.Route
		want                 string // the resource; "" for none
		wantFunction         string
		wantParameters       map[string]string
	}{
		{name: "root", method: "GET", target: "/", want: "/"},
		{name: "exact", method: "GET", target: "/v1/models", want: "/v1/models"},
		{name: "trailing slash", method: "GET", target: "/v1/models/", want: "/v1/models"},
		{name: "variable", method: "GET", target: "/v1/models/gpt-4o", want: "/v1/models/{model}", wantFunction: "ANY", wantParameters: map[string]string{"model": "gpt-4o"}},
		{name: "method beats ANY", method: "DELETE", target: "/v1/models/gpt-4o", want: "/v1/models/{model}", wantFunction: "DELETE", wantParameters: map[string]string{"model": "gpt-4o"}},
		{name: "exact beats variable", method: "GET", target: "/v1/models/default", want: "/v1/models/default"},
		{name: "the method does not make another resource match", method: "POST", target: "/v1/models/default"},
		{name: "decoded parameter", method: "GET", target: "/v1/models/a%2Fb%20c", want: "/v1/models/{model}", wantParameters: map[string]string{"model": "a/b c"}},
		{name: "greedy", method: "GET", target: "/v1/responses/r/input_items/", want: "/v1/responses/{proxy+}", wantParameters: map[string]string{"proxy": "r/input_items"}},
		{name: "greedy takes one at least", method: "GET", target: "/v1/responses"},
		{name: "variable within", method: "POST", target: "/deployments/d/chat/completions", want: "/deployments/{deployment}/chat/completions", wantParameters: map[string]string{"deployment": "d"}},
		{name: "variable beats greedy", method: "GET", target: "/files/a", want: "/files/{file}", wantParameters: map[string]string{"file": "a"}},
		{name: "greedy where a variable ends", method: "GET", target: "/files/a/b", want: "/files/{rest+}", wantParameters: map[string]string{"rest": "a/b"}},
		{name: "wrong method", method: "POST", target: "/v1/models"},
		{name: "the stage is not part of the path", method: "GET", target: "/prod/v1/models"},
		{name: "catch-all", method: "POST", target: "/v1/nothing", routes: catchAll, want: "/{proxy+}", wantParameters: map[string]string{"proxy": "v1/nothing"}},
		{name: "catch-all beside a longer exact path", method: "POST", target: "/v1", routes: catchAll, want: "/{proxy+}", wantParameters: map[string]string{"proxy": "v1"}},
		{name: "catch-all has no root", method: "POST", target: "/", routes: catchAll},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			api := template.API{Routes: routes}
			if test.routes != nil {
				api.Routes = test.routes
			}
			var got struct {
				Resource       string
				PathParameters map[string]string
			}
			var function string
			handler := apigateway.New(api, func(_ context.Context, id string, payload []byte) (*lambda.Response, error) {
				function = id
				if err := json.Unmarshal(payload, &got); err != nil {
					t.Error(err)
				}
				return &lambda.Response{Body: io.NopCloser(strings.NewReader(`{"statusCode":200}`))}, nil
			})
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(test.method, test.target, nil))
			if got.Resource != test.want || !maps.Equal(got.PathParameters, test.wantParameters) {
				t.Errorf("got %q with %v, want %q with %v", got.Resource, got.PathParameters, test.want, test.wantParameters)
			}
			if test.wantFunction != "" && function != test.wantFunction {
				t.Errorf("function %s, want %s", function, test.wantFunction)
			}
			if test.want == "" && (w.Code != http.StatusForbidden || w.Body.String() != `{"message":"Missing Authentication Token"}`) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}
