package awsjson_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/awsjson"
	"aoai-bridge/infra/local/faults"
)

type service struct{ faults.Switch }

var api = awsjson.API[*service]{
	Version: "1.1", Target: "any.", Message: "message",
	Operations: map[string]awsjson.Operation[*service]{
		"Greet": awsjson.Decoded(func(_ *service, in struct{ Name string }) (any, error) {
			switch in.Name {
			case "":
				return nil, awsjson.BadRequest("ValidationException", "%s is missing", "Name")
			case "nobody":
				return nil, errors.New("the door is shut")
			}
			return map[string]string{"Greeting": "Hello " + in.Name}, nil
		}),
		"Context": func(ctx context.Context, _ *service, body []byte) (any, error) {
			return map[string]any{"body": string(body), "over": ctx.Err() != nil}, nil
		},
	},
	Internal: awsjson.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "asked for"},
}

func TestServe(t *testing.T) {
	for _, tt := range []struct {
		name, target, body string
		fail               int
		status             int
		want               string
	}{
		{"an answer", "any.Greet", `{"Name":"you"}`, 0, 200, `{"Greeting":"Hello you"}`},
		{"not decoded", "any.Context", `x`, 0, 200, `{"body":"x","over":false}`},
		{"refused", "any.Greet", `{}`, 0, 400, `{"__type":"ValidationException","message":"Name is missing"}`},
		{"not JSON", "any.Greet", `{`, 0, 400, `{"__type":"SerializationException","message":"unexpected end of JSON input"}`},
		{"unknown", "any.Other", `{}`, 0, 400, `{"__type":"UnknownOperationException","message":"no operation \"any.Other\" here"}`},
		{"another service's", "other.Greet", `{}`, 0, 400, `{"__type":"UnknownOperationException","message":"no operation \"other.Greet\" here"}`},
		{"no target", "", `{}`, 0, 400, `{"__type":"UnknownOperationException","message":"no operation \"\" here"}`},
		{"internal", "any.Greet", `{"Name":"nobody"}`, 0, 500, `{"__type":"InternalFailure","message":"the door is shut"}`},
		{"made to fail", "any.Greet", `{"Name":"you"}`, 1, 500, `{"__type":"InternalFailure","message":"asked for"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &service{}
			s.FailNext(tt.fail)
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			w := httptest.NewRecorder()
			api.Serve(w, r, s)
			if got := strings.TrimSpace(w.Body.String()); w.Code != tt.status || got != tt.want {
				t.Errorf("got %d %s, want %d %s", w.Code, got, tt.status, tt.want)
			}
			if w.Header().Get("Content-Type") != "application/x-amz-json-1.1" || w.Header().Get("X-Amzn-Requestid") == "" {
				t.Errorf("header %v", w.Header())
			}
		})
	}
}
