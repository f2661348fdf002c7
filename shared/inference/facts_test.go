package inference_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// a day on which the catalog's sources are some days old
var modelsDay = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

type described struct {
	ID              string
	ContextWindow   *int     `json:"context_window"`
	ContextLength   *int     `json:"context_length"`
	MaxModelLen     *int     `json:"max_model_len"`
	MaxOutput       *int     `json:"max_output_tokens"`
	Reads           []string `json:"input_modalities"`
	DeploymentTypes []string `json:"deployment_types"`
	Prices          []struct {
		Type       string
		Zones      []string
		Tier       string   `json:"service_tier"`
		Input      *float64 `json:"usd_per_million_input"`
		Output     *float64 `json:"usd_per_million_output"`
		Source     string
		SourceDate string `json:"source_date"`
		Reason     string
	}
	Retirement *struct {
		Date, Version, Source string
		SourceDate            string `json:"source_date"`
		Passed                bool
	}
	Notes []string
}

// get asks for one model, and has the list say the same of it.
func (s *stage) get(t *testing.T, caller, id string) (d described, text string) {
	t.Helper()
	s.SetClock(func() time.Time { return modelsDay })
	w, _ := s.ask(withKey(caller, request("GET /v1/models/"+id, "")))
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusOK || d.ID != id {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	list, _ := s.ask(withKey(caller, request("GET /v1/models", "")))
	var all struct{ Data []json.RawMessage }
	if err := json.Unmarshal(list.Body.Bytes(), &all); err != nil || list.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", list.Code, list.Body, err)
	}
	if !slices.ContainsFunc(all.Data, func(row json.RawMessage) bool { return string(row) == w.Body.String() }) {
		t.Errorf("the list has no row like\n%s", w.Body)
	}
	return d, w.Body.String()
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func TestModelFacts(t *testing.T) {
	const sold = `,"deployments":[{"name":"main","model":"gpt-4.1","type":"GlobalStandard"},{"name":"eu","model":"gpt-4.1","type":"DataZoneStandard"},` +
		`{"name":"night","model":"gpt-4.1","type":"GlobalBatch"},{"name":"ptu","model":"gpt-5","type":"ProvisionedManaged"},{"model":"gpt-4o"},{"model":"gpt-4o-2024-08-06","type":"GlobalStandard"},` +
		`{"name":"own","model":"my-model","type":"GlobalStandard"},{"name":"none","model":"unheard-of"},{"model":"gpt-6-sol","type":"DataZoneStandard"}],` +
		`"models":{"my-model":{"like":"gpt-4o","context":5000,"retirement":"2026-12-01"}},"prices":{"my-model":{"GlobalStandard":{"input":7,"output":8}}}`
	const every = "GlobalStandard 2.5/10, DataZoneStandard us eu 2.75/11, Standard ?, GlobalBatch 1.25/5, DataZoneBatch us eu 1.375/5.5"
	tests := []struct {
		id, caller     string
		window, output int    // 0 is null
		types          string // null: -
		prices         string // type zones tier input/output, ...; the source's date is checked
		retires        string // date version
		note           string
	}{
		{"gpt-4.1", "any", 300000, 32768, "GlobalStandard DataZoneStandard GlobalBatch", "GlobalStandard 2/8, DataZoneStandard us eu 2.2/8.8, GlobalBatch 1/4", "2027-04-14", "editions of the models page"},
		{"main", "any", 300000, 32768, "GlobalStandard", "GlobalStandard 2/8", "2027-04-14", ""},
		{"ptu", "any", 400000, 128000, "ProvisionedManaged", "ProvisionedManaged ?", "2027-02-09", ""},
		{"gpt-4o", "any", 128000, 16384, "-", every, "2027-01-14 2024-05-13", ""},
		{"gpt-4o-2024-08-06", "any", 128000, 16384, "GlobalStandard", "GlobalStandard 2.5/10", "2027-04-14", ""},
		{"own", "any", 5000, 16384, "GlobalStandard", "GlobalStandard 7/8", "2026-12-01", ""},
		{"none", "any", 0, 0, "-", "", "", "does not know"},
		{"gpt-6-sol", "any", 1050000, 128000, "DataZoneStandard", "DataZoneStandard us 2.2/11, DataZoneStandard eu 2.4/12", "2028-03-11", ""},
		{"gpt-4o", "few", 128000, 16384, "-", every, "2027-01-14 2024-05-13", ""},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			got, text := open(t, sold).get(t, tt.caller, tt.id)
			if number(got.ContextWindow) != tt.window || !reflect.DeepEqual(got.ContextWindow, got.ContextLength) || !reflect.DeepEqual(got.ContextWindow, got.MaxModelLen) {
				t.Errorf("the window is not %d: %s", tt.window, text)
			}
			if number(got.MaxOutput) != tt.output {
				t.Errorf("the output is not %d: %s", tt.output, text)
			}
			types := strings.Join(got.DeploymentTypes, " ")
			if got.DeploymentTypes == nil {
				types = "-"
			}
			if types != tt.types {
				t.Errorf("types %s, want %s", types, tt.types)
			}
			var prices []string
			for _, p := range got.Prices {
				row := strings.Join(append([]string{p.Type}, p.Zones...), " ")
				switch {
				case p.Tier != "":
					continue
				case p.Input == nil && p.Reason != "" && p.Source == "":
					row += " ?"
				case p.Input == nil || p.Output == nil || p.Source == "" || (p.SourceDate == "") != (p.Source == "override"):
					t.Errorf("a price without a rate, its source or the source's date: %s", text)
				default:
					row += fmt.Sprintf(" %g/%g", *p.Input, *p.Output)
				}
				prices = append(prices, row)
			}
			if got := strings.Join(prices, ", "); got != tt.prices {
				t.Errorf("prices %s, want %s", got, tt.prices)
			}
			retires := ""
			if r := got.Retirement; r != nil {
				retires = strings.TrimSpace(r.Date + " " + r.Version)
				if r.Passed || (r.SourceDate == "") != (r.Source == "override") {
					t.Errorf("retirement %+v", r)
				}
			}
			if retires != tt.retires {
				t.Errorf("retires %s, want %s", retires, tt.retires)
			}
			if notes := strings.Join(got.Notes, " "); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

// A key sees the types that it may use, and no other's.
func TestModelFactsOfTwins(t *testing.T) {
	const twins = `,"deployments":[{"name":"gpt-4o","model":"gpt-5","type":"GlobalStandard"},{"name":"prod","model":"gpt-4o","type":"DataZoneStandard"}]`
	for caller, want := range map[string]string{
		"any": "[GlobalStandard DataZoneStandard] 128000 16384 [a deployment of this name serves gpt-4o]", "few": "[DataZoneStandard] 128000 16384 []",
	} {
		got, text := open(t, twins).get(t, caller, "gpt-4o")
		if what := fmt.Sprint(got.DeploymentTypes, " ", number(got.ContextWindow), " ", number(got.MaxOutput), " ", got.Notes); what != want {
			t.Errorf("%s gets %s, want %s: %s", caller, what, want, text)
		}
	}
}

// A price that cannot be read takes nothing else away: the catalog's stays.
func TestModelFactsWithoutPrices(t *testing.T) {
	got, text := open(t, `,"deployments":[{"model":"gpt-4o","type":"GlobalStandard"}],"prices":{"gpt-4o":{"GlobalStandard":{}}}`).get(t, "any", "gpt-4o")
	if number(got.ContextWindow) != 128000 || fmt.Sprint(got.DeploymentTypes) != "[GlobalStandard]" || !strings.Contains(text, `"usd_per_million_input":2.5`) {
		t.Errorf("got %s", text)
	}
}

// Azure's own rows keep their members, and get those that they lack.
func TestModelFactsOfAzuresRows(t *testing.T) {
	s := open(t, "")
	got, text := s.get(t, "any", "gpt-4.1")
	if number(got.ContextWindow) != 1047576 || got.DeploymentTypes != nil || len(got.Prices) < 5 || !strings.HasPrefix(text, `{"id":"gpt-4.1","object":"model","created":1735689600,"owned_by":"system",`) {
		t.Errorf("got %s", text)
	}
	const path = "/openai/models/gpt-4.1?api-version=2024-10-21"
	theirs, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.upstream+path, nil)
	theirs.Header.Set("Api-Key", azureKey)
	answer, err := http.DefaultClient.Do(theirs)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var want, have map[string]json.RawMessage
	if err := json.NewDecoder(answer.Body).Decode(&want); err != nil || want["capabilities"] == nil {
		t.Fatalf("Azure's own row is %v: %v", want, err)
	}
	w, _ := s.ask(request("GET "+path, ""))
	if err := json.Unmarshal(w.Body.Bytes(), &have); err != nil || have["prices"] == nil {
		t.Fatalf("got %s: %v", w.Body, err)
	}
	for name, value := range want {
		if string(have[name]) != string(value) {
			t.Errorf("%s is %s, Azure has %s", name, have[name], value)
		}
	}
}

// What Azure has under one of our names, and what is no row of a model, stays. What is no object is an error.
func TestModelsOfAnotherForm(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       string // in the answer
	}{
		{"a window of its own", `{"object":"list","data":[{"id":"gpt-4o","context_window":7}]}`, 200, `[{"id":"gpt-4o","context_window":7,"context_length":128000,`},
		{"rows that are none", ` {"data":[1,{"id":2},{}],"next":"x"}`, 200, ` {"data":[1,{"id":2},{}],"next":"x"}`},
		{"no rows", `{"object":"list","data":[]}`, 200, `{"object":"list","data":[]}`},
		{"a model that nobody knows", `{"data":[{"id":"x"}]}`, 200, `{"data":[{"id":"x","context_window":null,`},
		{"no object", `[]`, 502, "upstream_invalid_response"},
		{"no JSON", `{"data":[`, 502, "upstream_invalid_response"},
		{"too long", `{"data":["` + strings.Repeat("x", 4<<20) + `"]}`, 502, "upstream_invalid_response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(tt.body))
			}))
			defer upstream.Close()
			s := open(t, "")
			s.store.Put("azure", fmt.Sprintf(`{"endpoint":%q,"api_key":"k"}`, upstream.URL))
			w, _ := s.ask(request("GET /v1/models", ""))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %.300s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if length := w.Header().Get("Content-Length"); length != strconv.Itoa(w.Body.Len()) {
				t.Errorf("Content-Length %s of %d bytes", length, w.Body.Len())
			}
		})
	}
}

// OpenAI's SDK reads lists and rows as before, and has our members among a row's extra fields.
func TestModelFactsBySDK(t *testing.T) {
	for name, listed := range map[string]string{"listed": deployments, "Azure's own": ""} {
		t.Run(name, func(t *testing.T) {
			s := open(t, listed)
			server := httptest.NewServer(s.http)
			defer server.Close()
			client := openai.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("any"), option.WithMaxRetries(0))
			page, err := client.Models.List(t.Context())
			if err != nil || len(page.Data) < 5 {
				t.Fatalf("%v, %v", page, err)
			}
			one, err := client.Models.Get(t.Context(), "gpt-4o-mini")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range append(page.Data, *one) {
				if m.ID == "" || m.Object != "model" || m.OwnedBy == "" {
					t.Errorf("got %s", m.RawJSON())
				}
				if m.ID == "gpt-4o-mini" && m.JSON.ExtraFields["max_model_len"].Raw() != "128000" {
					t.Errorf("got %s", m.RawJSON())
				}
			}
		})
	}
}
