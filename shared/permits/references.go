package permits

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// reference is a thing that a body names.
type reference struct {
	kind  kind
	path  string // of the member: tools[0].model
	value string // the name or the id; "" for an identity
}

type kind int

const (
	byName     kind = iota // a model or a deployment
	byStoredID             // something stored in Azure
	byIdentity             // Azure's managed identity
)

// references yields what a body names besides its own model, in the body's order. Members are recognised by their
// names, at any depth and in any case, so that a new tool needs no new rule. Places where the caller chooses
// the members' names are left out. Long paths are cut.
func references(body rawjson.Node) iter.Seq[reference] {
	return func(yield func(reference) bool) {
		f := finder{yield: yield}
		f.object(body, position{top: true})
	}
}

// Responses returns the ids of the stored responses that the body of a request goes on from.
func Responses(body rawjson.Node) (ids []string) {
	for name, value := range body.Members() { // of members that are there twice, each counts
		if id := value.Text(); keyOf(name) == "previousresponseid" && id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// The rules are by key: a member's name in lower case and without underscores, since earlier versions of
// Azure's API have some in camel case.

// Ends of the keys that have a model or a deployment for a value: OpenAI's schema has tools[].model and
// tools[].svg.model, moderation.model and audio.transcription.model, Azure's embedding_dependency.deployment_name
// and model_id, and embeddingDeploymentName before.
var nameEnds = []string{"model", "models", "modelid", "modelname", "deployment", "deployments", "deploymentid", "deploymentname"}

// otherIDs are keys of ids that are not of a stored thing: ids within the request, a credential's, an identity's,
// which is allowed apart, and a response's, whose model has to be looked up; see Responses.
var otherIDs = map[string]bool{
	"approvalrequestid": true, "callerid": true, "callid": true, "connectorid": true, "itemid": true, "keyid": true,
	"managedidentityresourceid": true, "streamid": true, "toolcallid": true,
	"comparisonresponseid": true, "previousresponseid": true, "responseid": true,
}

// callersOwn are keys of what the caller makes up: schemas and arguments of its functions, the environment of its
// shell, headers for its MCP servers. "parameters" is a function's schema, except in data_sources.
var callersOwn = map[string]bool{
	"arguments": true, "env": true, "headers": true, "inputschema": true, "metadata": true, "outputschema": true, "schema": true,
}

// ownCredentials are the types of authentication, in data_sources, that come with a secret of the caller's.
var ownCredentials = []string{"accesstoken", "apikey", "connectionstring", "encodedapikey", "keyandkeyid", "usernameandpassword"}

// position is where an object stands in the body.
type position struct {
	top     bool   // it is the body
	key     string // of the member that it is the value of; "" in an array
	item    bool   // it is an item of a response's input
	sources bool   // it is in data_sources
}

type finder struct {
	yield func(reference) bool
	path  []string // ".name" and "[0]"
}

// object yields what an object names. It returns false once no more is wanted; so do the functions below.
func (f *finder) object(n rawjson.Node, at position) bool {
	if at.item && !f.item(n) || at.sources && !f.credentials(n, at.key) {
		return false
	}
	for name, value := range n.Members() {
		f.path = append(f.path, "."+name)
		if !f.member(name, value, at) {
			return false
		}
		f.path = f.path[:len(f.path)-1]
	}
	return true
}

func (f *finder) member(name string, value rawjson.Node, at position) bool {
	key := keyOf(name)
	inner := position{key: key, sources: at.sources || key == "datasources"}
	switch {
	case callersOwn[key], key == "parameters" && !at.sources, at.top && key == "model":
		return true
	case slices.ContainsFunc(nameEnds, func(end string) bool { return strings.HasSuffix(key, end) }):
		return f.yieldTexts(value, byName) && f.descend(value, inner, false)
	case key == "type" && strings.Contains(keyOf(value.Text()), "managedidentity"):
		return f.yieldFound(byIdentity, "")
	case isID(name, key, at), key == "conversation", key == "container":
		return f.yieldTexts(value, byStoredID) && f.descend(value, inner, false)
	}
	return f.descend(value, inner, at.top && key == "input")
}

// isID reports whether a member has the id of something stored. An object's own "id" is one where the object
// stands for the thing, as in prompt and conversation; in an array it is the element's own.
func isID(name, key string, at position) bool {
	if key == "id" {
		return at.key != ""
	}
	lower := fold(name)
	return !otherIDs[key] && (strings.HasSuffix(lower, "_id") || strings.HasSuffix(lower, "_ids") ||
		strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "Ids"))
}

// descend looks for references in a member's value.
func (f *finder) descend(value rawjson.Node, at position, items bool) bool {
	switch value.Kind() {
	case '{':
		return f.object(value, at)
	case '[':
		i := 0
		for e := range value.Elements() {
			f.path = append(f.path, "["+strconv.Itoa(i)+"]")
			if !f.descend(e, position{item: items, sources: at.sources}, false) {
				return false
			}
			f.path = f.path[:len(f.path)-1]
			i++
		}
	}
	return true
}

// item looks for an item of a response's input that is only the id of a stored one: an item_reference, whose type
// may be left out, or an image that was made before.
func (f *finder) item(n rawjson.Node) bool {
	id, role, kinds, result := "", false, []string{}, false
	for name, m := range n.Members() { // of members that are there twice, each counts
		switch keyOf(name) {
		case "id":
			id = m.Text()
		case "role":
			role = m.Kind() == '"'
		case "result":
			result = m.Kind() == '"'
		case "type":
			kinds = append(kinds, m.Text())
		}
	}
	untyped := len(kinds) == 0 || slices.Contains(kinds, "")
	switch {
	case id == "":
	case slices.Contains(kinds, "item_reference"), untyped && !role, slices.Contains(kinds, "image_generation_call") && !result:
		f.path = append(f.path, ".id")
		defer func() { f.path = f.path[:len(f.path)-1] }()
		return f.yieldFound(byStoredID, id)
	}
	return true
}

// credentials checks what data_sources are read with. Without an authentication Azure uses its own identity: "If not
// otherwise provided, On Your Data will attempt to use System Managed Identity" (Azure's inference specification).
func (f *finder) credentials(n rawjson.Node, key string) bool {
	found, endpoint := false, false
	for name, m := range n.Members() {
		switch keyOf(name) {
		case "authentication":
			found = true
			if !f.checkAuthentication(m) {
				return false
			}
		case "endpoint":
			endpoint = true
		}
	}
	if !found && (key == "parameters" || key == "embeddingdependency" && endpoint) {
		return f.yieldMissing()
	}
	return true
}

func (f *finder) checkAuthentication(authentication rawjson.Node) bool {
	types := 0
	for name, m := range authentication.Members() {
		if keyOf(name) != "type" {
			continue
		}
		types++
		if !slices.Contains(ownCredentials, keyOf(m.Text())) {
			return f.yieldMissing()
		}
	}
	return types > 0 || f.yieldMissing()
}

func (f *finder) yieldMissing() bool {
	f.path = append(f.path, ".authentication")
	defer func() { f.path = f.path[:len(f.path)-1] }()
	return f.yieldFound(byIdentity, "")
}

// yieldTexts yields a string, or those of an array.
func (f *finder) yieldTexts(value rawjson.Node, k kind) bool {
	switch value.Kind() {
	case '"':
		return value.Text() == "" || f.yieldFound(k, value.Text())
	case '[':
		for e := range value.Elements() {
			if text := e.Text(); text != "" && !f.yieldFound(k, text) {
				return false
			}
		}
	}
	return true
}

const longestPath = 200

func (f *finder) yieldFound(k kind, value string) bool {
	var b strings.Builder
	for i, step := range f.path {
		if i == 0 {
			step = step[1:] // a member's
		}
		b.WriteString(step)
		if b.Len() > longestPath {
			break
		}
	}
	path := b.String()
	if len(path) > longestPath {
		path = strings.ToValidUTF8(path[:longestPath], "") + "..."
	}
	return f.yield(reference{k, path, value})
}

// fold returns a name in lower case; U+017F becomes an s and U+212A a k, as in encoding/json.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func keyOf(name string) string { return strings.ReplaceAll(fold(name), "_", "") }
