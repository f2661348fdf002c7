// Package provision makes the Azure side of the bridge: a resource group, an Azure OpenAI resource, its deployments, and
// the entry of the Azure secret in which the functions find them. It first reads what is there, so that a plan has only what
// is missing or otherwise: a second run changes nothing, and a run that failed is mended by another. How Azure is asked is
// left to resourcemanager.
package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aoai-bridge/infra/awssecret"
	rm "aoai-bridge/infra/azure/resourcemanager"
)

// Tag marks what this package has made. Nothing else is ever deleted.
const Tag = "aoai-bridge"

// Request is what is wanted.
type Request struct {
	Subscription string // id; "" for the only one
	Group        string // "" for one with the resource's name
	Name         string // of the resource, and the first label of its address
	Location     string
	Kind         string       // AIServices or OpenAI
	Deployments  []Deployment // nil for the defaults
	Federation   *Federation  // nil: the functions sign in with a key
	Deleted      string       // what becomes of a resource of this name that was deleted within 48 hours: Restore or Purge
}

// A Maker makes plans and carries them out.
type Maker struct {
	Azure  *rm.Client
	Secret *awssecret.Secret
}

// A Step is one change.
type Step struct {
	What string // "make the deployment gpt-4o: ..."
	Note string // what there is to know of it, "" for nothing
	Ask  string // a question that decides whether it is done, "" for none
	// Needed says that nothing of the plan is done where the answer is no.
	Needed bool
	do     func(context.Context) error
}

// A Plan is what there is to do, and what there is to know before.
type Plan struct {
	Subscription string // its name and id
	There        []string
	Steps        []Step
	Charges      []string // what costs money from the moment it is made
	Warnings     []string
	After        string // what to know once all is done, or ""
}

func (r *Request) complete() error {
	switch {
	case !resourceName.MatchString(r.Name):
		return badName(r.Name)
	case r.Kind != "AIServices" && r.Kind != "OpenAI":
		return fmt.Errorf("KIND is %q, want AIServices or OpenAI", r.Kind)
	}
	if r.Group == "" {
		r.Group = r.Name
	}
	r.Location = canonical(r.Location)
	return nil
}

// canonical is a region's name, "eastus2", for its display name, "East US 2".
func canonical(region string) string { return strings.ToLower(strings.ReplaceAll(region, " ", "")) }

// state is what there is, and where.
type state struct {
	Request
	maker       *Maker
	group       map[string]any // nil where there is none
	account     map[string]any
	deployments map[string]map[string]any // by name
	federated   *federated                // nil where none is wanted
}

func (s *state) groupPath() string {
	return "/subscriptions/" + s.Subscription + "/resourceGroups/" + s.Group
}

func (s *state) accountPath() string {
	return s.groupPath() + "/providers/Microsoft.CognitiveServices/accounts/" + s.Name
}

// Plan reads what there is and returns what is to be done. It changes nothing.
func (m *Maker) Plan(ctx context.Context, r Request) (*Plan, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	p := &Plan{}
	s, err := m.read(ctx, r, p)
	if err != nil {
		return nil, err
	}
	if s.group == nil {
		p.add("make the resource group "+s.Group+" in "+s.Location, s.makeGroup)
	} else {
		p.There = append(p.There, "resource group "+s.Group)
	}
	if s.account == nil {
		if err := s.planName(ctx, p); err != nil {
			return nil, err
		}
		verb := "make"
		if s.Deleted == Restore {
			verb = "restore"
		}
		p.add(fmt.Sprintf("%s the resource %s in %s, kind %s", verb, s.Name, s.Location, s.Kind), s.makeAccount)
	} else {
		p.There = append(p.There, fmt.Sprintf("resource %s in %s, kind %s", s.Name, s.Location, rm.Text(s.account, "kind")))
		if !isReady(s.account) {
			p.add("finish the resource "+s.Name, s.makeAccount)
		}
	}
	if err := s.planDeployments(ctx, p); err != nil {
		return nil, err
	}
	if s.Federation != nil {
		if err := s.planFederation(ctx, p); err != nil {
			return nil, err
		}
	}
	return p, s.planSecret(ctx, p)
}

func (p *Plan) add(what string, do func(context.Context) error) {
	p.Steps = append(p.Steps, Step{What: what, do: do})
}

// Apply carries the steps out in turn. before is called before each of them.
func (p *Plan) Apply(ctx context.Context, before func(Step)) error {
	for _, step := range p.Steps {
		before(step)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.What, explain(err))
		}
	}
	return nil
}

// read asks what there is, and where what is not there belongs.
func (m *Maker) read(ctx context.Context, r Request, p *Plan) (*state, error) {
	s, err := m.find(ctx, r, p)
	if err != nil {
		return nil, err
	}
	there := s.group
	if s.account != nil {
		there = s.account
	}
	location := canonical(rm.Text(there, "location"))
	switch {
	case s.Location == "" && location == "":
		return nil, errors.New("where? For example LOCATION=eastus2 or LOCATION=swedencentral")
	case s.Location == "":
		s.Location = location
	case s.account != nil && s.Location != location:
		return nil, fmt.Errorf("the resource %s is in %s, not in %s, and cannot move: leave LOCATION out, or choose another NAME", s.Name, location, s.Location)
	}
	return s, nil
}

// find asks what there is.
func (m *Maker) find(ctx context.Context, r Request, p *Plan) (*state, error) {
	s := &state{Request: r, maker: m, deployments: make(map[string]map[string]any)}
	var err error
	if s.Subscription, p.Subscription, err = m.subscription(ctx, r.Subscription); err != nil {
		return nil, explain(err)
	}
	if err := s.checkProviders(ctx); err != nil {
		return nil, err
	}
	if s.group, err = m.get(ctx, s.groupPath()); err != nil {
		return nil, explain(err)
	}
	if s.group != nil {
		if s.account, err = m.get(ctx, s.accountPath()); err != nil {
			return nil, explain(err)
		}
	}
	if s.account == nil {
		return s, nil
	}
	rows, err := m.Azure.List(ctx, s.accountPath()+"/deployments")
	if err != nil {
		return nil, explain(err)
	}
	for _, row := range rows {
		s.deployments[rm.Text(row, "name")] = row
	}
	return s, nil
}

// get reads a resource; nil means that there is none.
func (m *Maker) get(ctx context.Context, path string) (map[string]any, error) {
	object, err := m.Azure.Get(ctx, path)
	if rm.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// subscription finds the one that is wanted, or the only one.
func (m *Maker) subscription(ctx context.Context, wanted string) (id, label string, err error) {
	rows, err := m.Azure.List(ctx, "/subscriptions")
	if err != nil {
		return "", "", err
	}
	var names []string
	for _, row := range rows {
		id, name := rm.Text(row, "subscriptionId"), rm.Text(row, "displayName")
		label := name + " (" + id + ")"
		if wanted == id || wanted == name || wanted == "" && len(rows) == 1 {
			return id, label, nil
		}
		names = append(names, label)
	}
	switch {
	case len(rows) == 0:
		return "", "", errors.New("this sign-in has no Azure subscription: sign in with another account, or have yourself given a role in one")
	case wanted == "":
		return "", "", fmt.Errorf("this sign-in has several subscriptions, choose one with SUBSCRIPTION=: %s", strings.Join(names, ", "))
	}
	return "", "", fmt.Errorf("this sign-in has no subscription %s; it has %s", wanted, strings.Join(names, ", "))
}

// isReady reports whether Azure has finished what it was asked for.
func isReady(resource map[string]any) bool {
	return rm.Text(resource, "properties", "provisioningState") == "Succeeded"
}
