// Package routing decides which deployment to ask next: from what the Azure secret lists and from
// what each deployment last said. It is pure: no I/O, and the time comes from outside.
package routing

import (
	"slices"

	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/catalog"
)

// Target is a deployment of a resource.
type Target struct {
	Resource   string // the resource's name
	Deployment string // "" where a call needs a resource only
	Model      string // what the deployment serves, as far as is known
	Type       catalog.DeploymentType
	// Alias is set where no listed model has the deployment's name, so that a key may be bound to that.
	Alias bool
	// EnqueuedTokens is how many tokens a batch deployment holds at once, 0 where that is not known.
	EnqueuedTokens int64
}

// Within reports whether a key that is bound to names may use the target: its model is among them, or the
// deployment's name if that is an alias. Otherwise a key bound to a model could use a deployment that is
// named after this model and serves another.
func (t Target) Within(names []string) bool {
	return slices.Contains(names, t.Model) || t.Alias && slices.Contains(names, t.Deployment)
}

// tokensPerBatchUnit is what a unit of a batch deployment's capacity stands for: Azure names the limit
// of enqueued tokens in thousands (learn.microsoft.com/answers/questions/2285577).
const tokensPerBatchUnit = 1000

// Table knows the deployments of one version of the Azure secret.
type Table struct {
	online    []Target // in the secret's order, which is the order of preference
	batch     []Target // likewise
	open      []string // resources that list no deployments and take any model's name for one
	resources []string
}

// New makes a Table.
func New(azure *azuresecret.Secret) *Table {
	t, models := &Table{}, map[string]bool{}
	for _, r := range azure.Resources {
		for _, d := range r.Deployments {
			models[d.Model] = true
		}
	}
	for _, r := range azure.Resources {
		t.resources = append(t.resources, r.Name)
		if len(r.Deployments) == 0 {
			t.open = append(t.open, r.Name)
		}
		for _, d := range r.Deployments {
			target := Target{Resource: r.Name, Deployment: d.Name, Model: d.Model, Type: d.Type, Alias: !models[d.Name]}
			if d.Type.Batch() {
				target.EnqueuedTokens = int64(d.Capacity) * tokensPerBatchUnit
				t.batch = append(t.batch, target)
			} else {
				t.online = append(t.online, target)
			}
		}
	}
	return t
}

// Online returns where a model, or a deployment of that name, can be called at once, best first.
func (t *Table) Online(name string) []Target { return t.find(t.online, name) }

// Batch returns where a batch for a model, or a deployment of that name, can be sent, best first.
func (t *Table) Batch(name string) []Target { return t.find(t.batch, name) }

func (t *Table) find(among []Target, name string) []Target {
	var named, serving []Target
	for _, target := range among {
		switch name {
		case target.Deployment:
			named = append(named, target)
		case target.Model:
			serving = append(serving, target)
		}
	}
	targets := append(named, serving...)
	for _, resource := range t.open {
		targets = append(targets, Target{Resource: resource, Deployment: name, Model: name})
	}
	return targets
}

// Anywhere returns every resource, for a call that names no model.
func (t *Table) Anywhere() []Target {
	targets := make([]Target, len(t.resources))
	for i, name := range t.resources {
		targets[i].Resource = name
	}
	return targets
}

// All returns the deployments of all types that the secret lists.
func (t *Table) All() []Target { return slices.Concat(t.online, t.batch) }

// Lists reports whether the secret lists the target's deployment.
func (t *Table) Lists(target Target) bool {
	return target.Deployment != "" && !slices.Contains(t.open, target.Resource)
}

// Beside returns the deployment of a target's own resource that a name stands for, for a call that needs a second one
// there: one of that name, or one that serves the model so named and is not the target's. ok is false where the
// resource has none.
func (t *Table) Beside(target Target, name string) (deployment string, ok bool) {
	if slices.Contains(t.open, target.Resource) {
		return name, true
	}
	for _, o := range t.online {
		switch {
		case o.Resource != target.Resource:
		case o.Deployment == name:
			return name, true
		case o.Model == name && (!ok || deployment == target.Deployment):
			deployment, ok = o.Deployment, true
		}
	}
	return deployment, ok
}

// Models returns the names that callers can ask for, sorted; ok is false where a resource takes any.
func (t *Table) Models() (names []string, ok bool) {
	for _, target := range t.online {
		names = append(names, target.Model, target.Deployment)
	}
	slices.Sort(names)
	return slices.Compact(names), len(t.open) == 0
}
