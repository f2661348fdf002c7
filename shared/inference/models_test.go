package inference_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestListModels(t *testing.T) {
	const v1, dated = "GET /v1/models", "GET /openai/models?api-version=2024-10-21"
	listed := []string{"gpt-4o", "gpt-4o-mini", "gpt-5.4-mini", "main", "text-embedding-3-small"}
	tests := []struct {
		name, secret, line, caller string
		want                       []string // nil: Azure's own list
	}{
		{"all that are listed", deployments, v1, "any", listed},
		{"on Azure's path", deployments, dated, "any", listed},
		{"those that the caller may use", deployments, v1, "few", []string{"gpt-4o", "gpt-5.4-mini", "main"}},
		{"an open resource", "", v1, "any", nil},
		{"an open resource, on Azure's path", "", dated, "any", nil},
		{"an open resource and a caller who may use some", "", v1, "few", []string{"gpt-4o", "gpt-5.4-mini"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.secret)
			w, record := s.ask(withKey(tt.caller, request(tt.line, "")))
			var list struct {
				Object string
				Data   []struct {
					ID, Object string
					Created    *int64
					OwnedBy    string `json:"owned_by"`
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != 200 || list.Object != "list" || record.Operation != "models.list" {
				t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
			}
			asked := s.upstreamRequests()
			if tt.want == nil {
				if len(asked) != 1 || len(list.Data) < 10 || asked[0].Path != strings.TrimSuffix(strings.Replace(strings.TrimPrefix(tt.line, "GET "), "/v1", "/openai/v1", 1), "?api-version=2024-10-21") {
					t.Errorf("Azure was asked %v, got %d models", asked, len(list.Data))
				}
				return
			}
			var ids []string
			for _, m := range list.Data {
				if ids = append(ids, m.ID); m.Object != "model" || m.Created == nil || m.OwnedBy == "" {
					t.Errorf("%+v is not a model as OpenAI has it", m)
				}
			}
			if !slices.Equal(ids, tt.want) || len(asked) != 0 {
				t.Errorf("got %v, want %v; Azure was asked %d times", ids, tt.want, len(asked))
			}
		})
	}
}

func TestNobodysModels(t *testing.T) {
	s := open(t, `,"deployments":[{"model":"gpt-4o-mini"}]`)
	if w, _ := s.ask(withKey("few", request("GET /v1/models", ""))); w.Body.String() != `{"object":"list","data":[]}` {
		t.Errorf("got %s", w.Body)
	}
}

func TestRetrieveModel(t *testing.T) {
	tests := []struct {
		name, secret, model, caller string
		status                      int
		code                        string
		azure                       int // how often it is asked
	}{
		{"listed", deployments, "gpt-4o", "any", 200, "", 0},
		{"a deployment", deployments, "main", "few", 200, "", 0},
		{"not allowed", deployments, "gpt-4o-mini", "few", 403, "model_not_allowed", 0},
		{"unknown", deployments, "gpt-9", "any", 404, "model_not_found", 0},
		{"a batch deployment", deployments, "gpt-4o-mini-batch", "any", 404, "model_not_found", 0},
		{"an open resource", "", "gpt-4.1", "any", 200, "", 1},
		{"an open resource, not allowed", "", "gpt-4.1", "few", 403, "model_not_allowed", 0},
		{"an open resource, unknown", "", "gpt-9", "any", 404, "model_not_found", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.secret)
			w, record := s.ask(withKey(tt.caller, request("GET /v1/models/"+tt.model, "")))
			if n := len(s.upstreamRequests()); n != tt.azure || w.Code != tt.status || record.Model != tt.model {
				t.Fatalf("got %d %s; Azure was asked %d times", w.Code, w.Body, n)
			}
			if tt.code != "" {
				kind := map[bool]string{true: "permission_error", false: invalid}[tt.status == 403]
				checkError(t, w, tt.status, kind, "model", tt.code, tt.model)
			} else if !strings.Contains(w.Body.String(), `"id":"`+tt.model+`","object":"model"`) {
				t.Errorf("got %s", w.Body)
			}
		})
	}
}
