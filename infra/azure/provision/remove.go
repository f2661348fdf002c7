package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// PlanRemoval returns how to take away what a resource's plan has made: its deployments, the resource, its group if nothing
// else is in it, and its entry in the secret. What does not carry the tag stays.
func (m *Maker) PlanRemoval(ctx context.Context, r Request) (*Plan, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	r.Location = "" // wherever it is
	p := &Plan{}
	s, err := m.find(ctx, r, p)
	if err != nil {
		return nil, err
	}
	deleted, err := s.findDeleted(ctx)
	if err != nil {
		return nil, explain(err)
	}
	switch {
	case s.account != nil:
		if !isTagged(s.account) {
			return nil, fmt.Errorf("the resource %s does not carry the tag %s, so make azure has not made it and does not delete it", s.Name, Tag)
		}
		for _, name := range slices.Sorted(maps.Keys(s.deployments)) {
			p.add("delete the deployment "+name, func(ctx context.Context) error { return m.Azure.Delete(ctx, s.accountPath()+"/deployments/"+name) })
		}
		p.add("delete the resource "+s.Name, func(ctx context.Context) error { return m.Azure.Delete(ctx, s.accountPath()) })
		s.planPurge(p, fmt.Sprintf("/subscriptions/%s/providers/Microsoft.CognitiveServices/locations/%s/resourceGroups/%s/deletedAccounts/%s",
			s.Subscription, canonical(rm.Text(s.account, "location")), s.Group, s.Name))
	case isTagged(deleted):
		p.There = append(p.There, "resource "+s.Name+", deleted less than 48 hours ago")
		s.planPurge(p, rm.Text(deleted, "id")) // it may have been in another group than the request's
	}
	if err := s.planIdentityRemoval(ctx, p); err != nil {
		return nil, explain(err)
	}
	if err := s.planGroupRemoval(ctx, p); err != nil {
		return nil, err
	}
	return p, s.planEntryRemoval(ctx, p)
}

func isTagged(resource map[string]any) bool { return rm.Text(resource, "tags", Tag) != "" }

// findDeleted returns the resource of this name that was deleted within 48 hours, nil if there is none.
func (s *state) findDeleted(ctx context.Context) (map[string]any, error) {
	rows, err := s.maker.Azure.List(ctx, "/subscriptions/"+s.Subscription+"/providers/Microsoft.CognitiveServices/deletedAccounts")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if strings.EqualFold(rm.Text(row, "name"), s.Name) {
			return row, nil
		}
	}
	return nil, nil
}

// planPurge adds the purge of a deleted resource, which has a path of its own.
func (s *state) planPurge(p *Plan, path string) {
	p.Steps = append(p.Steps, Step{
		What: "purge the resource " + s.Name,
		Ask: "Purge the resource, so that it cannot be restored? Until then, for 48 hours, its name is taken, and provisioned capacity that it " +
			"had may be charged.",
		do: func(ctx context.Context) error { return s.maker.Azure.Delete(ctx, path) },
	})
}

// planIdentityRemoval takes the identity away that FEDERATION has made. Its role goes with the resource.
func (s *state) planIdentityRemoval(ctx context.Context, p *Plan) error {
	if s.group == nil {
		return nil
	}
	path := (&federated{state: s}).identityPath()
	identity, err := s.maker.get(ctx, path)
	if err != nil || !isTagged(identity) {
		return err
	}
	p.add("delete the identity "+s.identityName(), func(ctx context.Context) error { return s.maker.Azure.Delete(ctx, path) })
	return nil
}

// planGroupRemoval deletes a group that was made for the resource, and that has nothing else in it now nor when it is deleted.
func (s *state) planGroupRemoval(ctx context.Context, p *Plan) error {
	if s.group == nil || !isTagged(s.group) {
		return nil
	}
	others, err := s.others(ctx)
	switch {
	case err != nil:
		return explain(err)
	case len(others) > 0:
		p.There = append(p.There, fmt.Sprintf("resource group %s, which stays: %s is in it", s.Group, strings.Join(others, ", ")))
		return nil
	}
	p.add("delete the resource group "+s.Group, func(ctx context.Context) error {
		others, err := s.others(ctx)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return fmt.Errorf("%s is in the group by now: it stays", strings.Join(others, ", "))
		}
		return s.maker.Azure.Delete(ctx, s.groupPath())
	})
	return nil
}

// others are the names of what is in the group besides the resource.
func (s *state) others(ctx context.Context) (names []string, err error) {
	rows, err := s.maker.Azure.List(ctx, s.groupPath()+"/resources")
	for _, row := range rows {
		if id := rm.Text(row, "id"); !strings.EqualFold(id, s.accountPath()) && !strings.EqualFold(id, (&federated{state: s}).identityPath()) {
			names = append(names, rm.Text(row, "name"))
		}
	}
	return names, err
}

func (s *state) planEntryRemoval(ctx context.Context, p *Plan) error {
	secret := s.maker.Secret
	text, found, err := secret.Read(ctx)
	if err != nil || !found {
		return err
	}
	e := entry{name: s.Name, endpoint: endpointOf(s.account)}
	if _, had, err := e.removeFrom(text); err != nil || !had {
		return err
	}
	p.After = noticed()
	p.add(fmt.Sprintf("take %s out of the secret %s in AWS %s", s.Name, secret.ID, secret.Region), func(ctx context.Context) error {
		return secret.Update(ctx, func(text []byte) ([]byte, error) {
			text, _, err := e.removeFrom(text)
			return text, err
		})
	})
	return nil
}
