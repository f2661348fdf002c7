package routing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/routing"
)

func newTable(resources ...azuresecret.Resource) *routing.Table {
	return routing.New(&azuresecret.Secret{Resources: resources})
}

var (
	east = azuresecret.Resource{Name: "east", Deployments: []azuresecret.Deployment{
		{Name: "chat", Model: "gpt-4o", Type: "GlobalStandard"},
		{Name: "gpt-4o-mini", Model: "gpt-4o-mini"},
		{Name: "night", Model: "gpt-4o", Type: "GlobalBatch"},
		{Name: "zone-night", Model: "o4-mini", Type: "DataZoneBatch"},
	}}
	west = azuresecret.Resource{Name: "west", Deployments: []azuresecret.Deployment{
		{Name: "gpt-4o", Model: "gpt-4o", Type: "ProvisionedManaged"},
		{Name: "gpt-4o-mini", Model: "gpt-4o-mini", Type: "Standard"},
	}}
	open = azuresecret.Resource{Name: "open"}
)

func TestOnline(t *testing.T) {
	tests := []struct {
		name      string
		resources []azuresecret.Resource
		ask       string
		want      string // resource/deployment of each target, best first
	}{
		{"by model, in the secret's order", []azuresecret.Resource{east, west}, "gpt-4o-mini", "east/gpt-4o-mini west/gpt-4o-mini"},
		{"by deployment, before those that serve the model", []azuresecret.Resource{east, west}, "gpt-4o", "west/gpt-4o east/chat"},
		{"by deployment alone", []azuresecret.Resource{east, west}, "chat", "east/chat"},
		{"never a batch deployment by its name", []azuresecret.Resource{east, west}, "night", ""},
		{"nor by its model", []azuresecret.Resource{east, west}, "o4-mini", ""},
		{"unknown", []azuresecret.Resource{east, west}, "gpt-9", ""},
		{"an open resource takes any name", []azuresecret.Resource{open}, "gpt-9", "open/gpt-9"},
		{"but comes last", []azuresecret.Resource{open, east}, "chat", "east/chat open/chat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(tt.resources...).Online(tt.ask) {
				got = append(got, target.Resource+"/"+target.Deployment)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestBatch(t *testing.T) {
	sized := azuresecret.Resource{Name: "sized", Deployments: []azuresecret.Deployment{{Name: "night", Model: "gpt-4o", Type: "GlobalBatch", Capacity: 90}}}
	tests := []struct {
		name      string
		resources []azuresecret.Resource
		ask       string
		want      string // resource/deployment of each target, best first
	}{
		{"by model", []azuresecret.Resource{east, sized}, "gpt-4o", "east/night sized/night"},
		{"by deployment", []azuresecret.Resource{east}, "zone-night", "east/zone-night"},
		{"never an online deployment", []azuresecret.Resource{east, west}, "gpt-4o-mini", ""},
		{"an open resource takes any name", []azuresecret.Resource{open}, "gpt-9", "open/gpt-9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(tt.resources...).Batch(tt.ask) {
				got = append(got, target.Resource+"/"+target.Deployment)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	if target := newTable(sized).Batch("night")[0]; target.EnqueuedTokens != 90_000 || target.Type != "GlobalBatch" {
		t.Errorf("got %+v", target)
	}
}

func TestModels(t *testing.T) {
	tests := []struct {
		name      string
		resources []azuresecret.Resource
		want      []string
		ok        bool
	}{
		{"models and deployments, sorted, none twice, none of batch", []azuresecret.Resource{west, east}, []string{"chat", "gpt-4o", "gpt-4o-mini"}, true},
		{"one resource takes any name", []azuresecret.Resource{open, west}, []string{"gpt-4o", "gpt-4o-mini"}, false},
		{"none is listed", []azuresecret.Resource{open}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := newTable(tt.resources...).Models(); !slices.Equal(got, tt.want) || ok != tt.ok {
				t.Errorf("got %v %v, want %v %v", got, ok, tt.want, tt.ok)
			}
		})
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
	resource := func(name string, deployments ...azuresecret.Deployment) azuresecret.Resource {
		return azuresecret.Resource{Name: name, Deployments: deployments}
	}
	twins := []azuresecret.Resource{
		resource("a", azuresecret.Deployment{Name: "prod", Model: "gpt-4o-mini"}), resource("b", azuresecret.Deployment{Name: "prod", Model: "gpt-5"}),
	}
	renamed := []azuresecret.Resource{
		resource("a", azuresecret.Deployment{Name: "gpt-4o", Model: "gpt-4o"}), resource("b", azuresecret.Deployment{Name: "gpt-4o", Model: "gpt-5"}),
	}
	tests := []struct {
		name      string
		resources []azuresecret.Resource
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
		{"an open resource alone", []azuresecret.Resource{open}, "gpt-4o", "gpt-5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, target := range newTable(tt.resources...).Online(tt.ask) {
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
