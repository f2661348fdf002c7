package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/rawjson"
)

// entry is what the Azure secret is to say of a resource.
type entry struct {
	name, endpoint string
	keys           []string          // those that open it; any of them may be in the secret
	entra          map[string]string // signs in in place of a key, nil for no such thing
	deployments    []secretDeployment
}

type secretDeployment struct {
	Name     string `json:"name"`
	Model    string `json:"model"`
	Type     string `json:"type"`
	Capacity int    `json:"capacity"`
	version  string // of the model, as Azure has it
}

// mergeInto returns the secret with the entry in it: added, or merged into the one of that name or endpoint, whose other
// members stay, as all other entries do. The text is the same where the secret says all of it already.
func (e entry) mergeInto(text []byte) ([]byte, error) {
	root, err := rawjson.ParseTree(text)
	if err != nil || root.Kind() != '{' {
		return nil, errors.New("the Azure secret is not a JSON object; nothing was changed in it")
	}
	if repeated := root.Repeated("resources", "endpoint"); repeated != "" {
		return nil, fmt.Errorf("the Azure secret has %q twice; nothing was changed in it", repeated)
	}
	if list := root.Get("resources"); !list.Absent() && list.Kind() != '[' {
		return nil, errors.New("resources of the Azure secret is not an array; nothing was changed in it")
	}
	resources := e.entries(root)
	at := -1
	for i, r := range resources {
		if e.is(r) {
			at = i
		}
	}
	if at < 0 {
		resources = append(resources, []byte("{}"))
		at = len(resources) - 1
	}
	merged, err := e.merge(resources[at])
	if err != nil {
		return nil, err
	}
	if same(merged, resources[at]) {
		return text, nil
	}
	resources[at] = merged
	changed, err := withResources(root, resources)
	if err != nil {
		return nil, err
	}
	if _, err := azuresecret.Parse(changed); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed in it", err)
	}
	return changed, nil
}

// entries are the secret's resources. The short form, a single resource without a list, is one too.
func (e entry) entries(root rawjson.Node) (resources []json.RawMessage) {
	if list := root.Get("resources"); !list.Absent() {
		for r := range list.Elements() {
			resources = append(resources, r.Raw())
		}
		return resources
	}
	var single []string
	for name, value := range root.Members() {
		if isOfResource(name) {
			single = append(single, string(mustMarshal(name))+":"+string(value.Raw()))
		}
	}
	if len(single) == 0 {
		return nil
	}
	return []json.RawMessage{[]byte("{" + strings.Join(single, ",") + "}")}
}

// isOfResource reports whether a member of the short form belongs to the resource. What else may stand there, prices and
// models above all, belongs to the secret.
func isOfResource(member string) bool {
	switch member {
	case "name", "endpoint", "api_key", "entra", "deployments":
		return true
	}
	return false
}

// withResources returns the secret with another list of resources.
func withResources(root rawjson.Node, resources []json.RawMessage) ([]byte, error) {
	list := mustMarshalRaw(resources)
	if !root.Get("resources").Absent() {
		return root.With(rawjson.Edit{Key: "resources", Value: list}).Bytes(), nil
	}
	members := []string{`"resources":` + string(list)}
	for name, value := range root.Members() {
		if !isOfResource(name) && name != "resources" {
			members = append(members, string(mustMarshal(name))+":"+string(value.Raw()))
		}
	}
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

// is reports whether a resource of the secret is the entry's.
func (e entry) is(resource json.RawMessage) bool {
	var r struct{ Name, Endpoint string }
	return json.Unmarshal(resource, &r) == nil && (r.Name == e.name || e.endpoint != "" && sameHost(r.Endpoint, e.endpoint))
}

// sameHost reports whether two addresses are one resource's.
func sameHost(a, b string) bool { return host(a) != "" && host(a) == host(b) }

// host is an address's host, by which resources are told apart: what comes after it may be an operation's path. Azure's
// three domains lead to one resource. It is "" for a region's address, which resources without one of their own share.
func host(endpoint string) string {
	u, err := url.Parse(strings.TrimSpace(endpoint))
	if err != nil {
		return endpoint
	}
	label, domain, _ := strings.Cut(strings.ToLower(u.Host), ".")
	switch domain {
	case "openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com":
		return label + ".azure"
	case "api.cognitive.microsoft.com":
		return ""
	}
	return u.Host
}

func (e entry) merge(resource json.RawMessage) (json.RawMessage, error) {
	object, err := rawjson.ParseTree(resource)
	if err != nil {
		return nil, err
	}
	edits := []rawjson.Edit{{Key: "endpoint", Value: mustMarshal(e.endpoint)}, {Key: "deployments", Value: e.mergeDeployments(object.Get("deployments"))}}
	if object.Get("name").Absent() {
		edits = append([]rawjson.Edit{{Key: "name", Value: mustMarshal(e.name)}}, edits...)
	}
	if e.entra != nil {
		return without(object.With(append(edits, rawjson.Edit{Key: "entra", Value: mustMarshal(e.entra)})...).Bytes(), "api_key")
	}
	if key, ok := rawjson.Text(object.Get("api_key").Raw()); object.Get("entra").Absent() && (!ok || !e.opens(key)) {
		if len(e.keys) == 0 {
			return nil, errors.New("the resource has its keys switched off, and the secret has no entra for it")
		}
		edits = append(edits, rawjson.Edit{Key: "api_key", Value: mustMarshal(e.keys[0])})
	}
	return object.With(edits...).Bytes(), nil
}

// without returns an object without a member.
func without(object []byte, name string) (json.RawMessage, error) {
	node, err := rawjson.ParseTree(object)
	if err != nil {
		return nil, err
	}
	var members []string
	for n, value := range node.Members() {
		if n != name {
			members = append(members, string(mustMarshal(n))+":"+string(value.Raw()))
		}
	}
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

// signsInByEntra reports whether the secret has the functions sign in to the resource without a key.
func (e entry) signsInByEntra(text []byte) bool {
	root, err := rawjson.ParseTree(text)
	if err != nil || root.Kind() != '{' {
		return false
	}
	for _, r := range e.entries(root) {
		if object, err := rawjson.ParseTree(r); err == nil && e.is(r) {
			return !object.Get("entra").Absent()
		}
	}
	return false
}

func (e entry) opens(key string) bool {
	for _, k := range e.keys {
		if k == key {
			return true
		}
	}
	return false
}

// mergeDeployments keeps what else the secret says of a deployment. One that the resource does not have is dropped.
func (e entry) mergeDeployments(list rawjson.Node) []byte {
	known := make(map[string]rawjson.Node)
	if !list.Absent() {
		for d := range list.Elements() {
			name := d.Get("name")
			if name.Absent() {
				name = d.Get("model")
			}
			known[name.Text()] = d
		}
	}
	merged := make([]json.RawMessage, len(e.deployments))
	for i, d := range e.deployments {
		merged[i] = mustMarshal(d)
		if old, ok := known[d.Name]; ok {
			merged[i] = old.With(rawjson.Edit{Key: "name", Value: mustMarshal(d.Name)}, rawjson.Edit{Key: "model", Value: mustMarshal(d.Model)},
				rawjson.Edit{Key: "type", Value: mustMarshal(d.Type)}, rawjson.Edit{Key: "capacity", Value: mustMarshal(d.Capacity)}).Bytes()
			if model := old.Get("model"); !model.Absent() && model.Text() == d.Model+"-"+d.version {
				// The secret may name the version, by which the days of retirement are known.
				merged[i] = old.With(rawjson.Edit{Key: "name", Value: mustMarshal(d.Name)},
					rawjson.Edit{Key: "type", Value: mustMarshal(d.Type)}, rawjson.Edit{Key: "capacity", Value: mustMarshal(d.Capacity)}).Bytes()
			}
		}
	}
	return mustMarshalRaw(merged)
}

// removeFrom returns the secret without the resource's entry, and whether it had one.
func (e entry) removeFrom(text []byte) (changed []byte, had bool, err error) {
	root, err := rawjson.ParseTree(text)
	if err != nil {
		return nil, false, fmt.Errorf("the Azure secret is not JSON (%w); nothing was changed in it", err)
	}
	var kept []json.RawMessage
	for _, r := range e.entries(root) {
		if e.is(r) {
			had = true
			continue
		}
		kept = append(kept, r)
	}
	if !had {
		return text, false, nil
	}
	changed, err = withResources(root, kept)
	return changed, true, err
}

// same reports whether two texts say the same, whatever the white space and the order of members.
func same(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and structs of them always marshal
	}
	return text
}

// mustMarshalRaw joins values without touching a byte of them, which json.Marshal would.
func mustMarshalRaw(values []json.RawMessage) []byte {
	parts := make([][]byte, len(values))
	for i, v := range values {
		parts[i] = v
	}
	return append(append([]byte("["), bytes.Join(parts, []byte(","))...), ']')
}

// noticed says when functions that run notice a change of the secret.
func noticed() string {
	return fmt.Sprintf("Functions that run read the secret again within %.0f minutes.", azure.SecretTTL.Minutes())
}
