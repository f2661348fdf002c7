package provision

import (
	"encoding/json"
	"errors"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// Template returns what is wanted as an ARM template, for somebody who may deploy one and may not run commands. It has no
// expressions and no parameters, so that it says what will be made. Nothing is asked for it: default deployments
// are the first choices, in Azure's default version, whatever the quota is.
func Template(r Request) ([]byte, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	if r.Location == "" {
		return nil, errors.New("where? For example LOCATION=eastus2 or LOCATION=swedencentral")
	}
	s := &state{Request: r}
	account := s.accountBody()
	account["type"], account["apiVersion"], account["name"] = accountType, rm.CognitiveServicesVersion, r.Name
	resources := []map[string]any{account}
	before := accountType + "/" + r.Name
	for _, d := range r.deploymentsOrDefaults() {
		resource := map[string]any{"type": accountType + "/deployments", "apiVersion": rm.CognitiveServicesVersion, "name": r.Name + "/" + d.Name}
		for name, value := range d.Body {
			resource[name] = value
		}
		resource["dependsOn"] = []string{before} // one after the other: the resource takes no two changes at once
		before = accountType + "/" + r.Name + "/deployments/" + d.Name
		resources = append(resources, resource)
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema":        "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		"contentVersion": "1.0.0.0",
		"resources":      resources,
	}, "", "  ")
	return append(text, '\n'), err
}

const accountType = "Microsoft.CognitiveServices/accounts"

func (r *Request) deploymentsOrDefaults() []Deployment {
	if r.Deployments != nil {
		return r.Deployments
	}
	var chosen []Deployment
	for _, purpose := range defaults {
		name := purpose.models[0]
		chosen = append(chosen, newDeployment(name+purpose.suffix, name, "", purpose.sku, standardCapacity))
	}
	return chosen
}
