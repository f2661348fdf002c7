// Package provision makes the Azure side of the bridge: a resource group, an Azure OpenAI resource, its deployments, and
// the entry of the Azure secret that tells the functions of them. It first reads what is there, so that a plan has only what
// is missing or otherwise: a second run changes nothing, and a run that failed is mended by another. How Azure is asked is
// left to resourcemanager.
package provision

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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

// What can be done with a resource that was deleted.
const (
	Restore = "restore"
	Purge   = "purge"
)

// A DeletedError is that a resource of the name was deleted, and that the request does not say what to do with it.
type DeletedError struct {
	Name, Location, Group string
	Restorable            bool // by the request that failed; otherwise only where it was
}

func (e *DeletedError) Error() string {
	what := fmt.Sprintf("a resource %s was deleted in %s less than 48 hours ago, and Azure keeps it and its name so long", e.Name, e.Location)
	if e.Restorable {
		return what + ": add RESTORE=1 to have it back, with the keys that it had, or PURGE=1 to have it gone for good and another one made"
	}
	return what + fmt.Sprintf(": add PURGE=1 to have it gone for good, or GROUP=%s LOCATION=%s RESTORE=1 to have it back where it was", e.Group, e.Location)
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
}

// validName is what can be the first label of an address; the OpenAPI's limits of accountName are 2 and 64 characters.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$`)

func (r *Request) complete() error {
	switch {
	case !validName.MatchString(r.Name):
		return fmt.Errorf("the resource's name is %q, want 2 to 64 lower-case letters, digits and hyphens, for example: make azure NAME=my-aoai LOCATION=eastus2", r.Name)
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

// planName finds out whether a resource of the name can be made, and what has to come before.
func (s *state) planName(ctx context.Context, p *Plan) error {
	deleted, err := s.findDeleted(ctx)
	if err != nil {
		return explain(err)
	}
	if deleted == nil {
		s.Deleted = ""
		return s.checkName(ctx)
	}
	e := &DeletedError{Name: s.Name, Location: canonical(rm.Text(deleted, "location")), Group: groupOf(rm.Text(deleted, "id"))}
	e.Restorable = e.Location == s.Location && strings.EqualFold(e.Group, s.Group)
	switch {
	case s.Deleted == Purge:
		p.add("purge the resource "+s.Name+" that was deleted", func(ctx context.Context) error { return s.maker.Azure.Delete(ctx, rm.Text(deleted, "id")) })
		return nil
	case s.Deleted == Restore && e.Restorable:
		return nil
	}
	return e
}

// groupOf is the resource group in an id.
func groupOf(id string) string {
	_, rest, _ := strings.Cut(id, "/resourceGroups/")
	group, _, _ := strings.Cut(rest, "/")
	return group
}

// checkName finds out whether the name is free, as all names of the world's resources share one domain.
func (s *state) checkName(ctx context.Context) error {
	free, err := s.isFree(ctx, s.Name)
	if err != nil || free {
		return explain(err)
	}
	for i := range 5 {
		proposal := proposedName(s.Subscription, s.Name, i)
		if free, err = s.isFree(ctx, proposal); err != nil {
			return explain(err)
		}
		if free {
			return fmt.Errorf("the name %s is taken by another resource of Azure's, anybody's: NAME=%s is free", s.Name, proposal)
		}
	}
	return fmt.Errorf("the name %s is taken by another resource of Azure's, anybody's: choose another NAME", s.Name)
}

func (s *state) isFree(ctx context.Context, name string) (bool, error) {
	answer, err := s.maker.Azure.Post(ctx, "/subscriptions/"+s.Subscription+"/providers/Microsoft.CognitiveServices/checkDomainAvailability",
		map[string]any{"subdomainName": name, "type": "Microsoft.CognitiveServices/accounts"})
	free, _ := answer["isSubdomainAvailable"].(bool)
	return free, err
}
