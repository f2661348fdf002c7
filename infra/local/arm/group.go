package arm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

type group struct {
	name, location string
	tags           any
}

func (s *Server) groupID(name string) string {
	return "/subscriptions/" + s.options.SubscriptionID + "/resourceGroups/" + name
}

func (s *Server) describeGroup(g *group) map[string]any {
	return map[string]any{
		"id": s.groupID(g.name), "name": g.name, "type": "Microsoft.Resources/resourceGroups", "location": g.location,
		"tags": g.tags, "properties": map[string]any{"provisioningState": "Succeeded"},
	}
}

func (s *Server) findGroup(c *call) (*group, error) {
	name := c.params["resourceGroupName"]
	if g := s.groups[strings.ToLower(name)]; g != nil {
		return g, nil
	}
	return nil, groupNotFound(name)
}

func (s *Server) getGroup(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	return ok(s.describeGroup(g))
}

func (s *Server) putGroup(c *call) (answer, error) {
	name := c.params["resourceGroupName"]
	location := canonical(text(c.body, "location"))
	if s.region(location) == nil {
		return answer{}, locationNotAvailable(location, s.options.Regions) // groups have more regions in Azure, and other words
	}
	g, status := s.groups[strings.ToLower(name)], http.StatusOK
	switch {
	case g == nil:
		g, status = &group{name: name, location: location}, http.StatusCreated
		s.groups[strings.ToLower(name)] = g
	case g.location != location:
		return answer{}, &Refusal{http.StatusConflict, "InvalidResourceGroupLocation", "Invalid resource group location '" + location +
			"'. The Resource group already exists in location '" + g.location + "'."}
	}
	g.tags = c.body["tags"]
	return answer{status, s.describeGroup(g), nil}, nil
}

// deleteGroup takes all that is in the group along. Accounts are kept for 48 hours as always.
func (s *Server) deleteGroup(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(s.accounts)) {
		if a := s.accounts[id]; strings.EqualFold(a.group, g.name) {
			a.deployments = nil
			s.softDelete(id)
		}
	}
	delete(s.groups, strings.ToLower(g.name))
	return s.started(c, "", nil)
}

func (s *Server) listResources(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.accounts)) {
		if a := s.accounts[id]; strings.EqualFold(a.group, g.name) {
			list = append(list, map[string]any{"id": s.accountID(a), "name": a.name, "type": accountType, "location": a.location, "kind": a.kind, "tags": a.tags})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.identities)) {
		if i := s.identities[id]; strings.EqualFold(i.group, g.name) {
			list = append(list, map[string]any{"id": s.identityID(i), "name": i.name, "type": identityType, "location": i.location, "tags": i.tags})
		}
	}
	return ok(map[string]any{"value": list})
}
