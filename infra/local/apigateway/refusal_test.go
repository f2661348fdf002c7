package apigateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/apigateway"
	"aoai-bridge/infra/local/template"
)

func TestGatewayResponses(t *testing.T) {
	own := template.GatewayResponse{
		StatusCode: 404,
		Headers:    map[string]string{"x-should-retry": "false"},
		Templates: map[string]string{
			"application/json": `{"m":$context.error.messageString,"n":"$context.error.message","t":"$context.error.responseType","r":"$context.requestId"}`,
			"text/plain":       "other",
		},
	}
	tests := []struct {
		name       string
		responses  map[string]template.GatewayResponse
		wantStatus int
		wantBody   string // REQUEST stands for the request's id
		wantRetry  string
	}{
		{name: "none", wantStatus: 403, wantBody: `{"message":"Missing Authentication Token"}`},
		{name: "by name", responses: map[string]template.GatewayResponse{"MISSING_AUTHENTICATION_TOKEN": own, "DEFAULT_4XX": {StatusCode: 499}}, wantStatus: 404, wantRetry: "false",
			wantBody: `{"m":"Missing Authentication Token","n":"Missing Authentication Token","t":"MISSING_AUTHENTICATION_TOKEN","r":"REQUEST"}`},
		{name: "default for its class", responses: map[string]template.GatewayResponse{"DEFAULT_4XX": own}, wantStatus: 404, wantRetry: "false",
			wantBody: `{"m":"Missing Authentication Token","n":"Missing Authentication Token","t":"MISSING_AUTHENTICATION_TOKEN","r":"REQUEST"}`},
		{name: "default for another class", responses: map[string]template.GatewayResponse{"DEFAULT_5XX": own}, wantStatus: 403, wantBody: `{"message":"Missing Authentication Token"}`},
		{name: "status alone", responses: map[string]template.GatewayResponse{"DEFAULT_4XX": {StatusCode: 418}}, wantStatus: 418, wantBody: `{"message":"Missing Authentication Token"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			apigateway.New(template.API{GatewayResponses: test.responses}, nil).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			header := http.Header{}
			for name, values := range w.Header() {
				header[http.CanonicalHeaderKey(name)] = values
			}
			requestID := header.Get("x-amzn-RequestId")
			if want := strings.ReplaceAll(test.wantBody, "REQUEST", requestID); w.Code != test.wantStatus || w.Body.String() != want {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.wantStatus, want)
			}
			if requestID == "" || header.Get("x-amzn-ErrorType") != "MissingAuthenticationTokenException" || header.Get("Content-Type") != "application/json" || header.Get("x-should-retry") != test.wantRetry {
				t.Errorf("headers %v", header)
			}
		})
	}
}
