package arm

import (
	"net/http"
	"slices"
	"strings"
)

type deployment struct {
	name  string
	body  map[string]any // as it was put, with the version that it got
	usage string
	state string
}

func (s *Server) describeDeployment(a *account, d *deployment) map[string]any {
	properties := map[string]any{"provisioningState": d.state}
	if given, is := d.body["properties"].(map[string]any); is {
		for name, value := range given {
			properties[name] = value
		}
	}
	return map[string]any{
		"id": s.accountID(a) + "/deployments/" + d.name, "name": d.name, "type": accountType + "/deployments",
		"sku": d.body["sku"], "tags": d.body["tags"], "properties": properties,
	}
}

// index finds a deployment, -1 if there is none.
func (a *account) index(name string) int {
	return slices.IndexFunc(a.deployments, func(d *deployment) bool { return strings.EqualFold(d.name, name) })
}

func (s *Server) listDeployments(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	list := []any{}
	for _, d := range a.deployments {
		list = append(list, s.describeDeployment(a, d))
	}
	s.lookAt(s.accountID(a))
	return ok(map[string]any{"value": list})
}

func (s *Server) getDeployment(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	i := a.index(c.params["deploymentName"])
	if i < 0 {
		return answer{}, resourceNotFound(accountType+"/"+a.name+"/deployments", c.params["deploymentName"], a.group)
	}
	body := s.describeDeployment(a, a.deployments[i])
	s.lookAt(s.accountID(a))
	return ok(body)
}

// putDeployment answers with Azure-AsyncOperation, as the OpenAPI's x-ms-long-running-operation-options say.
func (s *Server) putDeployment(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.busy(s.accountID(a)); err != nil {
		return answer{}, err
	}
	d := &deployment{name: c.params["deploymentName"], body: c.body, state: "Creating"}
	i := a.index(d.name)
	if err := s.checkOffer(a, d, i); err != nil {
		return answer{}, err
	}
	status := http.StatusOK
	if i < 0 {
		status = http.StatusCreated
		a.deployments = append(a.deployments, d)
	} else {
		d.name = a.deployments[i].name
		a.deployments[i] = d
	}
	id := s.start(s.accountID(a), func() *Refusal {
		d.state = "Succeeded"
		return s.serve(a)
	})
	return answer{status, s.describeDeployment(a, d), map[string]string{"Azure-AsyncOperation": s.operationURL(c.Request, id), "Retry-After": "1"}}, nil
}

// checkOffer holds a deployment against what its region has, fills in the version, and finds its quota. i is the index of
// the one that it replaces, -1 for none.
func (s *Server) checkOffer(a *account, d *deployment, i int) error {
	name, version := text(d.body, "properties", "model", "name"), text(d.body, "properties", "model", "version")
	sku := text(d.body, "sku", "name")
	m, t := s.region(a.location).find(name, version, sku)
	switch {
	case m == nil:
		return modelNotSupported(name, version)
	case m.Retired != "":
		return modelDeprecated(name, m.Version, m.Retired[5:7]+"/"+m.Retired[8:]+"/"+m.Retired[:4])
	case t == nil:
		return skuNotSupported(sku, name, m.Version)
	}
	member(d.body, "properties", "model").(map[string]any)["version"] = m.Version
	d.usage = t.Usage
	needed, used := number(d.body, "sku", "capacity"), s.used(a.location, t.Usage)
	if i >= 0 && a.deployments[i].usage == t.Usage {
		used -= number(a.deployments[i].body, "sku", "capacity")
	}
	if needed > t.Limit-used {
		return insufficientQuota(needed, t.Label, used, t.Limit)
	}
	return nil
}

func (s *Server) deleteDeployment(c *call) (answer, error) {
	a, err := s.findAccount(c)
	if err != nil || a.index(c.params["deploymentName"]) < 0 {
		return answer{status: http.StatusNoContent}, nil
	}
	if err := s.busy(s.accountID(a)); err != nil {
		return answer{}, err
	}
	return s.started(c, s.accountID(a), func() *Refusal {
		i := a.index(c.params["deploymentName"])
		a.deployments = slices.Delete(a.deployments, i, i+1)
		return s.serve(a)
	})
}
