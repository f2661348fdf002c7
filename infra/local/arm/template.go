package arm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// deployTemplate carries out a template's resources at once, each after those that it depends on. It knows neither
// parameters nor expressions, nor any other mode than Incremental.
func (s *Server) deployTemplate(c *call) (answer, error) {
	g, err := s.findGroup(c)
	if err != nil {
		return answer{}, err
	}
	if text(c.body, "properties", "mode") != "Incremental" {
		return answer{}, invalidContent("This server knows no other mode than Incremental.")
	}
	list, _ := member(c.body, "properties", "template", "resources").([]any)
	waiting := make(map[string]map[string]any) // by type and name, as dependsOn has them
	var order []string
	for _, r := range list {
		resource, _ := r.(map[string]any)
		id := templateID(text(resource, "type"), text(resource, "name"))
		waiting[id] = resource
		order = append(order, id)
	}
	if hasExpression(list) {
		return answer{}, invalidTemplate("This server evaluates no expressions.")
	}
	for len(order) > 0 {
		i := slices.IndexFunc(order, func(id string) bool {
			on, _ := waiting[id]["dependsOn"].([]any)
			return !slices.ContainsFunc(on, func(id any) bool { return slices.Contains(order, id.(string)) })
		})
		if i < 0 {
			return answer{}, invalidTemplate("Circular dependency detected.")
		}
		resource := waiting[order[i]]
		on, _ := resource["dependsOn"].([]any)
		for _, id := range on {
			if waiting[id.(string)] == nil {
				return answer{}, invalidTemplate(fmt.Sprintf("The resource '%s' is not defined in the template.", id))
			}
		}
		if err := s.deployResource(c, g, order[i], resource); err != nil {
			return answer{}, err
		}
		order = slices.Delete(order, i, i+1)
	}
	return answer{http.StatusCreated, map[string]any{"name": c.params["deploymentName"], "properties": map[string]any{"provisioningState": "Succeeded"}}, nil}, nil
}

// hasExpression reports whether a string is to be evaluated: one in brackets, but not one that begins with two.
func hasExpression(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, "[") && !strings.HasPrefix(v, "[[") && strings.HasSuffix(v, "]")
	case []any:
		return slices.ContainsFunc(v, hasExpression)
	case map[string]any:
		for _, member := range v {
			if hasExpression(member) {
				return true
			}
		}
	}
	return false
}

// templateID is "Microsoft.X/accounts/a/deployments/d" for the type "Microsoft.X/accounts/deployments" and the name "a/d".
func templateID(kind, name string) string {
	kinds, names := strings.Split(kind, "/"), strings.Split(name, "/")
	id := kinds[0]
	for i, n := range names {
		if i+1 < len(kinds) {
			id += "/" + kinds[i+1] + "/" + n
		}
	}
	return id
}

// deployResource puts a resource as a client would, and waits for it.
func (s *Server) deployResource(c *call, g *group, id string, resource map[string]any) error {
	body := make(map[string]any)
	for name, value := range resource {
		if name != "type" && name != "apiVersion" && name != "name" && name != "dependsOn" {
			body[name] = value
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(c.Context(), http.MethodPut,
		"https://"+c.Host+s.groupID(g.name)+"/providers/"+id+"?api-version="+text(resource, "apiVersion"), bytes.NewReader(raw))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", c.Header.Get("Authorization"))
	if _, err := s.answer(r); err != nil {
		return err
	}
	for _, o := range s.operations {
		for o.underWay() {
			o.look()
		}
	}
	return nil
}

func invalidTemplate(message string) *Refusal { // the messages are worded here
	return &Refusal{http.StatusBadRequest, "InvalidTemplate", "Deployment template validation failed: '" + message + "'"}
}
