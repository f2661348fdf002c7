package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// Deployment is one that is wanted.
type Deployment struct {
	Name string
	Body map[string]any // of the PUT: sku, properties and what else Azure takes
}

func (d Deployment) model() string   { return rm.Text(d.Body, "properties", "model", "name") }
func (d Deployment) version() string { return rm.Text(d.Body, "properties", "model", "version") }
func (d Deployment) format() string  { return rm.Text(d.Body, "properties", "model", "format") }
func (d Deployment) sku() string     { return rm.Text(d.Body, "sku", "name") }
func (d Deployment) capacity() int   { return rm.Int(d.Body, "sku", "capacity") }

// String is the deployment as a plan shows it.
func (d Deployment) String() string {
	version := d.version()
	if version != "" {
		version = " " + version
	}
	return fmt.Sprintf("%s: %s%s, %s, capacity %d", d.Name, d.model(), version, d.sku(), d.capacity())
}

// newDeployment returns a deployment of a model's version, Azure's default one if that is "".
func newDeployment(name, model, version, sku string, capacity int) Deployment {
	m := map[string]any{"format": "OpenAI", "name": model}
	if version != "" {
		m["version"] = version
	}
	return Deployment{name, map[string]any{"sku": map[string]any{"name": sku, "capacity": capacity}, "properties": map[string]any{"model": m}}}
}

// validDeploymentName is the OpenAPI's pattern of deploymentName.
var validDeploymentName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

const deploymentExample = `[{"model": "gpt-5.4-mini", "type": "GlobalStandard", "capacity": 50}]`

// ParseDeployments reads a file of deployments: a JSON array of objects. Each has a model, and may have a name (the model's
// otherwise), a version (Azure's default otherwise), a type (GlobalStandard) and a capacity (50), as the Azure secret has
// them. Every other member, such as sku, properties or tags, goes to Azure as it is.
func ParseDeployments(file []byte) ([]Deployment, error) {
	var rows []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(file))
	if err := decoder.Decode(&rows); err != nil || decoder.More() {
		return nil, fmt.Errorf("the file of deployments is not a JSON array of objects, want for example %s", deploymentExample)
	}
	var deployments []Deployment
	seen := make(map[string]bool)
	for i, row := range rows {
		d, err := readDeployment(row)
		if err == nil && seen[d.Name] {
			err = fmt.Errorf("the name %q is used twice", d.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("deployment %d of the file: %w; want for example %s", i+1, err, deploymentExample)
		}
		seen[d.Name] = true
		deployments = append(deployments, d)
	}
	return deployments, nil
}

func readDeployment(row map[string]any) (Deployment, error) {
	body := maps.Clone(row)
	sku, err := objectOf(body, "sku")
	if err != nil {
		return Deployment{}, err
	}
	properties, err := objectOf(body, "properties")
	if err != nil {
		return Deployment{}, err
	}
	model, err := objectOf(properties, "model")
	if err != nil {
		return Deployment{}, err
	}
	for _, short := range []struct {
		name     string
		into     map[string]any
		member   string
		standard any // nil for none
	}{
		{"model", model, "name", nil},
		{"version", model, "version", nil},
		{"type", sku, "name", "GlobalStandard"},
		{"capacity", sku, "capacity", float64(standardCapacity)},
	} {
		value, given := body[short.name]
		delete(body, short.name)
		_, long := short.into[short.member]
		switch {
		case given && long:
			return Deployment{}, fmt.Errorf("%s is given twice, also as Azure has it", short.name)
		case given:
			short.into[short.member] = value
		case !long && short.standard != nil:
			short.into[short.member] = short.standard
		}
	}
	if _, given := model["format"]; !given {
		model["format"] = "OpenAI"
	}
	name, _ := body["name"].(string)
	delete(body, "name")
	d := Deployment{Name: name, Body: body}
	if name == "" {
		d.Name = d.model()
	}
	capacity, isNumber := sku["capacity"].(float64)
	switch {
	case d.model() == "":
		return d, errors.New("model is missing")
	case !validDeploymentName.MatchString(d.Name):
		return d, fmt.Errorf("the name %q has other characters than letters, digits and _ . -", d.Name)
	case d.sku() == "":
		return d, errors.New("type is not a string")
	case !isNumber || capacity < 1 || capacity != float64(int(capacity)):
		return d, errors.New("capacity is not a whole number above 0")
	}
	return d, nil
}

// objectOf returns a member that is an object, which it makes if need be, and copies, since it will be changed.
func objectOf(body map[string]any, name string) (map[string]any, error) {
	value, given := body[name]
	if name == "model" { // a string beside it is the short form
		if _, short := value.(string); short {
			given = false
		}
	}
	object, ok := value.(map[string]any)
	if given && !ok {
		return nil, fmt.Errorf("%s is not an object", name)
	}
	object = maps.Clone(object)
	if object == nil {
		object = map[string]any{}
	}
	body[name] = object
	return object, nil
}

// differs reports whether there is a member in what is wanted that what is there has not, or has otherwise. Azure adds
// members of its own, which do not count.
func differs(wanted, there any) bool {
	switch w := wanted.(type) {
	case map[string]any:
		t, ok := there.(map[string]any)
		if !ok {
			return len(w) > 0
		}
		for name, value := range w {
			if differs(value, t[name]) {
				return true
			}
		}
		return false
	case []any:
		t, ok := there.([]any)
		return !ok || !slices.EqualFunc(w, t, func(x, y any) bool { return !differs(x, y) })
	case int:
		return float64(w) != there
	}
	return wanted != there
}
