package azure_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
)

func TestModels(t *testing.T) {
	const listed = `{"endpoint":"https://r","api_key":"k","deployments":[{"name":"chat","model":"gpt-4o"},{"model":"o4-mini"},{"name":"night","model":"gpt-4o","type":"GlobalBatch"}]}`
	tests := []struct {
		name, secret string
		models       []string
		ok           bool
	}{
		{"listed", listed, []string{"chat", "gpt-4o", "o4-mini"}, true},
		{"an open resource", `{"endpoint":"https://r","api_key":"k"}`, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.secret)
			if models, ok, err := s.Models(t.Context()); err != nil || ok != tt.ok || !slices.Equal(models, tt.models) {
				t.Errorf("models %v %v, %v", models, ok, err)
			}
		})
	}
}

func TestUnknownModel(t *testing.T) {
	e, url := emulator(t, azureopenai.Options{})
	s := open(t, strings.Replace(single(url, "k"), "}", `,"deployments":[{"name":"chat","model":"gpt-4o"},{"name":"gpt-4o-mini-batch","model":"gpt-4o-mini","type":"GlobalBatch"}]}`, 1))
	for _, name := range []string{"gpt-9", "gpt-4o-mini", "gpt-4o-mini-batch"} {
		call := chat("hi")
		call.Name = name
		s.do(t.Context(), call, false).refused(t, http.StatusNotFound, "model_not_found")
	}
	if n := upstreamRequests(e); n != 0 {
		t.Errorf("Azure was asked %d times", n)
	}
}

// TestManyAtOnce has calls of all kinds share one Client.
func TestManyAtOnce(t *testing.T) {
	_, s := one(t)
	var calls sync.WaitGroup
	for i := range 64 {
		calls.Go(func() {
			call := chat("Say hello")
			if i%2 == 0 {
				call = chatStream("Say hello")
			}
			r := s.do(t.Context(), call, false)
			if r.err != nil || !strings.Contains(r.Body.String(), "hello") || !r.record.Usage.Known || r.record.Tries != 1 {
				t.Errorf("got %v, %s, record %+v", r.err, r.Body, r.record)
			}
		})
	}
	calls.Wait()
}
