package arm

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const accountType = "Microsoft.CognitiveServices/accounts"

type account struct {
	group, name, location, kind string
	sku, tags                   any
	properties                  map[string]any // as they were put
	endpoint                    string
	state                       string
	keys                        [2]string
	deployments                 []*deployment
}

func (s *Server) accountID(a *account) string {
	return s.groupID(a.group) + "/providers/" + accountType + "/" + a.name
}

// describeAccount is the account as a GET answers it. That an AIServices account has its endpoint at cognitiveservices.azure.com,
// and OpenAI's among its endpoints by this name, is as public templates read it.
func (s *Server) describeAccount(a *account) map[string]any {
	properties := maps.Clone(a.properties)
	delete(properties, "restore")
	properties["provisioningState"] = a.state
	properties["endpoint"] = a.endpoint
	properties["endpoints"] = map[string]any{"OpenAI Language Model Instance API": a.endpoint}
	return map[string]any{
		"id": s.accountID(a), "name": a.name, "type": accountType, "location": a.location, "kind": a.kind,
		"sku": a.sku, "tags": a.tags, "properties": properties,
	}
}

func (s *Server) accountKey(c *call) string {
	return strings.ToLower(s.groupID(c.params["resourceGroupName"]) + "/providers/" + accountType + "/" + c.params["accountName"])
}

func (s *Server) findAccount(c *call) (*account, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return nil, err
	}
	if a := s.accounts[s.accountKey(c)]; a != nil {
		return a, nil
	}
	return nil, resourceNotFound(accountType, c.params["accountName"], g.name)
}

func (s *Server) getAccount(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	body := s.describeAccount(a)
	s.lookAt(s.accountID(a))
	return ok(body)
}

func (s *Server) listAccounts(*call) (answer, error) {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(s.accounts)) {
		list = append(list, s.describeAccount(s.accounts[key]))
	}
	return ok(map[string]any{"value": list})
}

// putAccount answers 201 with a state that is to be looked at again, as it was captured in 2022: there is no header that
// says where.
func (s *Server) putAccount(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	key, status := s.accountKey(c), http.StatusOK
	a := s.accounts[key]
	properties, _ := c.body["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	if a == nil {
		if a, err = s.newAccount(c, g, properties); err != nil {
			return answer{}, err
		}
		status = http.StatusCreated
	} else if err := s.busy(s.accountID(a)); err != nil {
		return answer{}, err
	}
	a.sku, a.tags, a.properties = c.body["sku"], c.body["tags"], properties
	a.state = "Creating"
	s.accounts[key] = a
	s.start(s.accountID(a), func() *Refusal {
		a.state = "Succeeded"
		return s.serve(a)
	})
	return answer{status, s.describeAccount(a), nil}, nil
}

// patchAccount changes single properties.
func (s *Server) patchAccount(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.busy(s.accountID(a)); err != nil {
		return answer{}, err
	}
	changed, _ := c.body["properties"].(map[string]any)
	maps.Copy(a.properties, changed)
	if why := s.serve(a); why != nil {
		return answer{}, why
	}
	return ok(s.describeAccount(a))
}

// newAccount makes an account, or restores one that was deleted.
func (s *Server) newAccount(c *call, g *group, properties map[string]any) (*account, error) {
	location := canonical(text(c.body, "location"))
	if s.region(location) == nil {
		return nil, locationNotAvailable(location, s.options.Regions)
	}
	key := s.accountKey(c)
	if old := s.deleted[key]; old != nil {
		if restore, _ := properties["restore"].(bool); !restore {
			return nil, softDeleted(s.accountID(old))
		}
		delete(s.deleted, key)
		return old, nil
	}
	a := &account{group: g.name, name: c.params["accountName"], location: location, kind: text(c.body, "kind")}
	a.keys = [2]string{newKey(), newKey()}
	if domain := text(properties, "customSubDomainName"); domain != "" && s.nameTaken(domain) {
		return nil, domainInUse(domain)
	}
	a.endpoint = "https://" + strings.ToLower(a.name) + ".cognitiveservices.azure.com/"
	return a, nil
}

func newKey() string { return rand.Text() + rand.Text() }

// serve tells the data plane what an account has now.
func (s *Server) serve(a *account) *Refusal {
	if s.options.DataPlane == nil {
		return nil
	}
	endpoint, err := s.options.DataPlane.Serve(s.served(a))
	if err != nil {
		return &Refusal{http.StatusInternalServerError, "InternalServerError", err.Error()}
	}
	a.endpoint = endpoint
	return nil
}

func (s *Server) served(a *account) Account {
	served := Account{Name: a.name, Region: s.region(a.location).Label}
	if disabled, _ := a.properties["disableLocalAuth"].(bool); !disabled {
		served.Keys = a.keys[:]
	}
	for _, d := range a.deployments {
		if d.state == "Succeeded" {
			served.Deployments = append(served.Deployments, Deployment{d.name, text(d.body, "properties", "model", "name"),
				text(d.body, "properties", "model", "version"), text(d.body, "sku", "name"), number(d.body, "sku", "capacity")})
		}
	}
	return served
}

// Seed adds an account that somebody has made before, in a group of its own, with deployments whatever the quota is. The
// account has two keys; if fewer are given, others are made.
func (s *Server) Seed(groupName, location, kind, endpoint string, made Account) Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[strings.ToLower(groupName)] = &group{name: groupName, location: location}
	a := &account{group: groupName, name: made.Name, location: location, kind: kind, endpoint: endpoint, state: "Succeeded"}
	a.sku = map[string]any{"name": "S0"}
	a.properties = map[string]any{"customSubDomainName": made.Name, "publicNetworkAccess": "Enabled", "disableLocalAuth": len(made.Keys) == 0}
	a.keys = [2]string{newKey(), newKey()}
	copy(a.keys[:], made.Keys)
	for _, d := range made.Deployments {
		a.deployments = append(a.deployments, &deployment{name: d.Name, state: "Succeeded", body: map[string]any{
			"sku":        map[string]any{"name": d.Type, "capacity": float64(d.Capacity)},
			"properties": map[string]any{"model": map[string]any{"format": "OpenAI", "name": d.Model, "version": d.Version}},
		}})
	}
	s.accounts[strings.ToLower(s.accountID(a))] = a
	return s.served(a)
}

// deleteAccount keeps the account for 48 hours, in which its name stays taken.
func (s *Server) deleteAccount(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{status: http.StatusNoContent}, nil
	}
	if err := s.busy(s.accountID(a)); err != nil {
		return answer{}, err
	}
	if len(a.deployments) > 0 {
		var ids []string
		for _, d := range a.deployments {
			ids = append(ids, accountType+"/"+a.name+"/deployments/"+d.name)
		}
		return answer{}, nestedResources(ids)
	}
	key := s.accountKey(c)
	return s.started(c, s.accountID(a), func() *Refusal {
		s.softDelete(key)
		return nil
	})
}

func (s *Server) softDelete(key string) {
	a := s.accounts[key]
	delete(s.accounts, key)
	s.deleted[key] = a
	if s.options.DataPlane != nil {
		s.options.DataPlane.Remove(a.name)
	}
}

func (s *Server) listDeleted(*call) (answer, error) {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(s.deleted)) {
		a := s.deleted[key]
		d := s.describeAccount(a)
		d["id"] = "/subscriptions/" + s.options.SubscriptionID + "/providers/Microsoft.CognitiveServices/locations/" + a.location +
			"/resourceGroups/" + a.group + "/deletedAccounts/" + a.name
		d["type"] = "Microsoft.CognitiveServices/deletedAccounts"
		list = append(list, d)
	}
	return ok(map[string]any{"value": list})
}

func (s *Server) purge(c *call) (answer, error) {
	key := s.accountKey(c)
	if s.deleted[key] == nil {
		return answer{status: http.StatusNoContent}, nil
	}
	return s.started(c, "", func() *Refusal {
		delete(s.deleted, key)
		return nil
	})
}

func (s *Server) listKeys(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"key1": a.keys[0], "key2": a.keys[1]})
}

func (s *Server) regenerateKey(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	switch text(c.body, "keyName") {
	case "Key1":
		a.keys[0] = newKey()
	case "Key2":
		a.keys[1] = newKey()
	default:
		return answer{}, invalidContent("The key's name is neither Key1 nor Key2.") // unverified
	}
	if why := s.serve(a); why != nil {
		return answer{}, why
	}
	return ok(map[string]any{"key1": a.keys[0], "key2": a.keys[1]})
}
