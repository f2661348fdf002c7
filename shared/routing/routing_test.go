package routing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/config"
	"aoai-bridge/shared/routing"
)

func newTable(t *testing.T, resources ...config.Resource) *routing.Table {
	t.Helper()
	table, err := routing.New(&config.Azure{Resources: resources})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var (
	east = config.Resource{Name: "east", Deployments: []config.Deployment{
		{Name: "chat", Model: "gpt-4o", Type: "GlobalStandard"},
		{Name: "gpt-4o-mini", Model: "gpt-4o-mini"},
		{Name: "night", Model: "gpt-4o", Type: "GlobalBatch"},
		{Name: "zone-night", Model: "o4-mini", Type: "DataZoneBatch"},
	}}
	west = config.Resource{Name: "west", Deployments: []config.Deployment{
		{Name: "gpt-4o", Model: "gpt-4o", Type: "ProvisionedManaged"},
		{Name: "gpt-4o-mini", Model: "gpt-4o-mini", Type: "Standard"},
	}}
	open = config.Resource{Name: "open"}
)

func TestOnline(t *testing.T) {
	tests := []struct {
		name      string
		resources []config.Resource
		ask       string
		want      string // resource/deployment of each target, best first
	}{
		{"by model, in the secret's order", []config.Resource{east, west}, "gpt-4o-mini", "east/gpt-4o-mini west/gpt-4o-mini"},
		{"by deployment, before those that serve the model", []config.Resource{east, west}, "gpt-4o", "west/gpt-4o east/chat"},
		{"by deployment alone", []config.Resource{east, west}, "chat", "east/chat"},
		{"never a batch deployment by its name", []config.Resource{east, west}, "night", ""},
		{"nor by its model", []config.Resource{east, west}, "o4-mini", ""},
		{"unknown", []config.Resource{east, west}, "gpt-9", ""},
		{"an open resource takes any name", []config.Resource{open}, "gpt-9", "open/gpt-9"},
		{"but comes last", []config.Resource{open, east}, "chat", "east/chat open/chat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(t, tt.resources...).Online(tt.ask) {
				got = append(got, target.Resource+"/"+target.Deployment)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestBatch(t *testing.T) {
	sized := config.Resource{Name: "sized", Deployments: []config.Deployment{{Name: "night", Model: "gpt-4o", Type: "GlobalBatch", Capacity: 90}}}
	tests := []struct {
		name      string
		resources []config.Resource
		ask       string
		want      string // resource/deployment of each target, best first
	}{
		{"by model", []config.Resource{east, sized}, "gpt-4o", "east/night sized/night"},
		{"by deployment", []config.Resource{east}, "zone-night", "east/zone-night"},
		{"never an online deployment", []config.Resource{east, west}, "gpt-4o-mini", ""},
		{"an open resource takes any name", []config.Resource{open}, "gpt-9", "open/gpt-9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(t, tt.resources...).Batch(tt.ask) {
				got = append(got, target.Resource+"/"+target.Deployment)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	if target := newTable(t, sized).Batch("night")[0]; target.EnqueuedTokens != 90_000 || target.Type != "GlobalBatch" {
		t.Errorf("got %+v", target)
	}
}

func TestModels(t *testing.T) {
	tests := []struct {
		name      string
		resources []config.Resource
		want      []string
		ok        bool
	}{
		{"models and deployments, sorted, none twice, none of batch", []config.Resource{west, east}, []string{"chat", "gpt-4o", "gpt-4o-mini"}, true},
		{"one resource takes any name", []config.Resource{open, west}, []string{"gpt-4o", "gpt-4o-mini"}, false},
		{"none is listed", []config.Resource{open}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := newTable(t, tt.resources...).Models(); !slices.Equal(got, tt.want) || ok != tt.ok {
				t.Errorf("got %v %v, want %v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestUnknownType(t *testing.T) {
	_, err := routing.New(&config.Azure{Resources: []config.Resource{open, {Name: "r", Deployments: []config.Deployment{
		{Name: "a", Model: "m"}, {Name: "b", Model: "m", Type: "globalstandard"},
	}}}})
	for _, want := range []string{`resources[1].deployments[1].type "globalstandard"`, "GlobalStandard"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a mention of %s", err, want)
		}
	}
}

func TestOrder(t *testing.T) {
	a, b, c := routing.Target{Resource: "a"}, routing.Target{Resource: "b"}, routing.Target{Resource: "c"}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type rest struct {
		target routing.Target
		until  time.Duration
	}
	tests := []struct {
		name  string
		rests []rest
		at    time.Duration
		want  []routing.Target
	}{
		{"nobody rests", nil, 0, []routing.Target{a, b, c}},
		{"who rests is last", []rest{{a, 5}}, 0, []routing.Target{b, c, a}},
		{"the order of the others stays", []rest{{b, 5}}, 0, []routing.Target{a, c, b}},
		{"all rest: who is free soonest is first", []rest{{a, 9}, {b, 5}, {c, 7}}, 0, []routing.Target{b, c, a}},
		{"a rest ends", []rest{{a, 5}}, 5, []routing.Target{a, b, c}},
		{"a shorter rest does not cut a longer one", []rest{{a, 9}, {a, 1}}, 5, []routing.Target{b, c, a}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h routing.Health
			for _, r := range tt.rests {
				h.Rest(r.target, now.Add(r.until))
			}
			targets := []routing.Target{a, b, c}
			if got := h.Order(targets, now.Add(tt.at)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if !slices.Equal(targets, []routing.Target{a, b, c}) {
				t.Errorf("the argument was changed to %v", targets)
			}
		})
	}
}

func TestRestsUntil(t *testing.T) {
	var h routing.Health
	target, until := routing.Target{Resource: "a"}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := h.RestsUntil(target); !got.IsZero() {
		t.Errorf("got %v before any rest", got)
	}
	h.Rest(target, until)
	if got := h.RestsUntil(target); !got.Equal(until) {
		t.Errorf("got %v, want %v", got, until)
	}
}

// TestWithin is about what a key that is bound to names may use of two resources.
func TestWithin(t *testing.T) {
	resource := func(name string, deployments ...config.Deployment) config.Resource {
		return config.Resource{Name: name, Deployments: deployments}
	}
	twins := []config.Resource{
		resource("a", config.Deployment{Name: "prod", Model: "gpt-4o-mini"}), resource("b", config.Deployment{Name: "prod", Model: "gpt-5"}),
	}
	renamed := []config.Resource{
		resource("a", config.Deployment{Name: "gpt-4o", Model: "gpt-4o"}), resource("b", config.Deployment{Name: "gpt-4o", Model: "gpt-5"}),
	}
	tests := []struct {
		name      string
		resources []config.Resource
		bound     string
		ask       string
		want      string // resource/model of each target
	}{
		{"one name for two models, bound to one", twins, "gpt-4o-mini", "prod", "a/gpt-4o-mini"},
		{"bound to the other", twins, "gpt-5", "prod", "b/gpt-5"},
		{"bound to the name", twins, "prod", "prod", "a/gpt-4o-mini b/gpt-5"},
		{"bound to the name, asked for a model", twins, "prod", "gpt-5", "b/gpt-5"},
		{"bound to neither", twins, "o3", "prod", ""},
		{"a deployment called like another model", renamed, "gpt-4o", "gpt-4o", "a/gpt-4o"},
		{"bound to what it serves", renamed, "gpt-5", "gpt-4o", "b/gpt-5"},
		{"such a name that no resource has for a model", renamed[1:], "gpt-4o", "gpt-4o", "b/gpt-5"},
		{"an open resource goes by the name", append(twins[:1:1], open), "gpt-4o-mini", "prod", "a/gpt-4o-mini"},
		{"and by the model's", append(twins[:1:1], open), "gpt-4o-mini", "gpt-4o-mini", "a/gpt-4o-mini open/gpt-4o-mini"},
		{"an open resource alone", []config.Resource{open}, "gpt-4o", "gpt-5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(t, tt.resources...).Online(tt.ask) {
				if target.Within([]string{tt.bound}) {
					got = append(got, target.Resource+"/"+target.Model)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}
