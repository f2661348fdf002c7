package arm

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// A Directory knows what identities trust.
type Directory interface {
	// Trust replaces the tokens that stand for an identity. No tokens and the identity is gone.
	Trust(clientID string, tokens []Token)
}

// Token says whose tokens stand for an identity.
type Token struct{ Issuer, Subject, Audience string }

const (
	identityType   = "Microsoft.ManagedIdentity/userAssignedIdentities"
	maxCredentials = 20 // of an identity: Entra's documentation of workload identity federation
)

type identity struct {
	group, name, location string
	tags                  any
	clientID, principalID string
	credentials           map[string]map[string]any // properties, by name
}

func (s *Server) identityID(i *identity) string {
	return s.groupID(i.group) + "/providers/" + identityType + "/" + i.name
}

func (s *Server) identityKey(c *call) string {
	return strings.ToLower(s.groupID(c.params["resourceGroupName"]) + "/providers/" + identityType + "/" + c.params["resourceName"])
}

func (s *Server) describeIdentity(i *identity) map[string]any {
	return map[string]any{
		"id": s.identityID(i), "name": i.name, "type": identityType, "location": i.location, "tags": i.tags,
		"properties": map[string]any{"tenantId": s.options.TenantID, "principalId": i.principalID, "clientId": i.clientID},
	}
}

func (s *Server) findIdentity(c *call) (*identity, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return nil, err
	}
	if i := s.identities[s.identityKey(c)]; i != nil {
		return i, nil
	}
	return nil, resourceNotFound(identityType, c.params["resourceName"], g.name)
}

func (s *Server) getIdentity(c *call) (answer, error) {
	i, err := s.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	return ok(s.describeIdentity(i))
}

func (s *Server) putIdentity(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	i, status := s.identities[s.identityKey(c)], http.StatusOK
	if i == nil {
		i, status = &identity{group: g.name, name: c.params["resourceName"], location: canonical(text(c.body, "location")),
			clientID: uuid.NewString(), principalID: uuid.NewString(), credentials: make(map[string]map[string]any)}, http.StatusCreated
		s.identities[s.identityKey(c)] = i
	}
	i.tags = c.body["tags"]
	return answer{status, s.describeIdentity(i), nil}, nil
}

func (s *Server) deleteIdentity(c *call) (answer, error) {
	i, err := s.findIdentity(c)
	if err != nil {
		return answer{status: http.StatusNoContent}, nil
	}
	delete(s.identities, s.identityKey(c))
	i.credentials = nil
	s.trust(i)
	return answer{status: http.StatusOK}, nil
}

func (s *Server) describeCredential(i *identity, name string) map[string]any {
	return map[string]any{
		"id": s.identityID(i) + "/federatedIdentityCredentials/" + name, "name": name,
		"type": identityType + "/federatedIdentityCredentials", "properties": i.credentials[name],
	}
}

func (s *Server) listCredentials(c *call) (answer, error) {
	i, err := s.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(i.credentials)) {
		list = append(list, s.describeCredential(i, name))
	}
	return ok(map[string]any{"value": list})
}

func (s *Server) getCredential(c *call) (answer, error) {
	i, err := s.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	name := c.params["federatedIdentityCredentialResourceName"]
	if i.credentials[name] == nil {
		return answer{}, resourceNotFound(identityType+"/"+i.name+"/federatedIdentityCredentials", name, i.group)
	}
	return ok(s.describeCredential(i, name))
}

func (s *Server) putCredential(c *call) (answer, error) {
	i, err := s.findIdentity(c)
	if err != nil {
		return answer{}, err
	}
	name := c.params["federatedIdentityCredentialResourceName"]
	properties, _ := c.body["properties"].(map[string]any)
	for other, p := range i.credentials {
		if other != name && p["issuer"] == properties["issuer"] && p["subject"] == properties["subject"] {
			return answer{}, &Refusal{http.StatusConflict, "Conflict", "Issuer and subject combination already exists for this Managed Identity."} // the code is unverified
		}
	}
	_, there := i.credentials[name]
	if !there && len(i.credentials) == maxCredentials {
		return answer{}, &Refusal{http.StatusBadRequest, "BadRequest", "Too many Federated Identity Credentials for this Managed Identity."} // unverified
	}
	i.credentials[name] = properties
	s.trust(i)
	status := http.StatusCreated
	if there {
		status = http.StatusOK
	}
	return answer{status, s.describeCredential(i, name), nil}, nil
}

func (s *Server) trust(i *identity) {
	if s.options.Directory == nil {
		return
	}
	var tokens []Token
	for _, p := range i.credentials {
		audiences, _ := p["audiences"].([]any)
		for _, audience := range audiences {
			a, _ := audience.(string)
			tokens = append(tokens, Token{text(p, "issuer"), text(p, "subject"), a})
		}
	}
	s.options.Directory.Trust(i.clientID, tokens)
}

// The roles that let an identity call OpenAI's API.
var openAIRoles = []string{
	"5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", // Cognitive Services OpenAI User
	"a001fd3d-188f-4b5d-821b-7da978bf7442", // Cognitive Services OpenAI Contributor
}

type roleAssignment struct {
	scope, name     string
	principal, role string
	properties      map[string]any
}

func (s *Server) assignmentKey(c *call) string {
	return strings.ToLower("/" + c.params["scope"] + "/" + c.params["roleAssignmentName"])
}

func (s *Server) describeAssignment(a *roleAssignment) map[string]any {
	return map[string]any{
		"id": a.scope + "/providers/Microsoft.Authorization/roleAssignments/" + a.name, "name": a.name,
		"type": "Microsoft.Authorization/roleAssignments", "properties": a.properties,
	}
}

func (s *Server) getAssignment(c *call) (answer, error) {
	a := s.assignments[s.assignmentKey(c)]
	if a == nil {
		return answer{}, &Refusal{http.StatusNotFound, "RoleAssignmentNotFound", "The role assignment '" + c.params["roleAssignmentName"] + "' is not found."}
	}
	return ok(s.describeAssignment(a))
}

func (s *Server) putAssignment(c *call) (answer, error) {
	properties, _ := c.body["properties"].(map[string]any)
	principal := text(properties, "principalId")
	known := false
	for _, i := range s.identities {
		known = known || i.principalID == principal
	}
	if !known {
		return answer{}, &Refusal{http.StatusBadRequest, "PrincipalNotFound", "Principal " + principal + " does not exist in the directory " + s.options.TenantID +
			". Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be " +
			"related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or " +
			"Group.  See https://aka.ms/docs-principaltype"}
	}
	a := &roleAssignment{"/" + c.params["scope"], c.params["roleAssignmentName"], principal, lastSegment(text(properties, "roleDefinitionId")), properties}
	s.assignments[s.assignmentKey(c)] = a
	return answer{http.StatusCreated, s.describeAssignment(a), nil}, nil
}

// MayUse reports whether an identity has a role with which it may call an account, given there or in the account's group.
func (s *Server) MayUse(accountName, clientID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.identities {
		if i.clientID != clientID {
			continue
		}
		for _, account := range s.accounts {
			if account.name != accountName {
				continue
			}
			for _, a := range s.assignments {
				if a.principal == i.principalID && slices.Contains(openAIRoles, a.role) &&
					strings.HasPrefix(strings.ToLower(s.accountID(account))+"/", strings.ToLower(a.scope)+"/") {
					return true
				}
			}
		}
	}
	return false
}
