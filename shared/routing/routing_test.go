package routing_test

import (
	"slices"
	"strings"
	"testing"

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

func TestBeside(t *testing.T) {
	spilling := azuresecret.Resource{Name: "spilling", Deployments: []azuresecret.Deployment{
		{Name: "reserved", Model: "gpt-4o", Type: "ProvisionedManaged"}, {Name: "spill", Model: "gpt-4o"}, {Name: "img", Model: "gpt-image-1"},
		{Name: "night", Model: "o3", Type: "GlobalBatch"},
	}}
	tests := []struct {
		name, resource, deployment, ask string
		want                            string // "" is none
	}{
		{"by deployment", "spilling", "reserved", "img", "img"},
		{"by model", "spilling", "reserved", "gpt-image-1", "img"},
		{"of the target's own model: another", "spilling", "reserved", "gpt-4o", "spill"},
		{"and the first of these", "spilling", "img", "gpt-4o", "reserved"},
		{"by the target's own name", "spilling", "reserved", "reserved", "reserved"},
		{"of the target's own model, of which there is one", "east", "chat", "gpt-4o", "chat"},
		{"another resource's", "east", "chat", "img", ""},
		{"a batch deployment", "spilling", "reserved", "night", ""},
		{"a batch deployment's model", "spilling", "reserved", "o3", ""},
		{"an open resource has any", "open", "gpt-4o", "img", "img"},
		{"an unknown resource has none", "gone", "gpt-4o", "gpt-4o", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := newTable(east, spilling, open).Beside(routing.Target{Resource: tt.resource, Deployment: tt.deployment}, tt.ask)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
}
