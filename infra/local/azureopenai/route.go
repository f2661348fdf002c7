package azureopenai

import (
	"net/url"
	"regexp"
	"strings"
)

// family is one of Azure's ways to write a path.
type family int

const (
	familyV1         family = iota // /openai/v1/...
	familyDated                    // /openai/...?api-version=
	familyDeployment               // /openai/deployments/{deployment}/...?api-version=
)

// operation is one call of the API.
type operation struct {
	method, path string // path below the family's root; "{id}" and "{item}" stand for one segment
	name         string // as rate limit messages have it; "" for calls that use no model
	noun         string // as OperationNotSupported messages have it
	inDeployment bool   // the dated path names the deployment
	handle       func(*exchange) error
}

func (o *operation) usesModel() bool { return o.name != "" }

// uploads says that the handler reads the request's body, which may be too large to be held.
func (o *operation) uploads() bool { return o.method == "POST" && o.path == "files" }

// operations is a function since the handlers refer back to the routes.
func operations() []operation {
	return []operation{
		{"POST", "chat/completions", "ChatCompletions_Create", "chatCompletion", true, (*exchange).chat},
		{"POST", "embeddings", "Embeddings_Create", "embeddings", true, (*exchange).embeddings},
		{"POST", "responses", "Responses_Create", "responses", false, (*exchange).createResponse},   // both names unverified
		{"POST", "responses/compact", "Responses_Compact", "responses", false, (*exchange).compact}, // unverified
		{"GET", "responses/{id}", "", "", false, (*exchange).getResponse},
		{"DELETE", "responses/{id}", "", "", false, (*exchange).deleteResponse},
		{"POST", "responses/{id}/cancel", "", "", false, (*exchange).cancelResponse},
		{"GET", "responses/{id}/input_items", "", "", false, (*exchange).listInputItems},
		{"POST", "conversations", "", "", false, (*exchange).createConversation},
		{"GET", "conversations/{id}", "", "", false, (*exchange).getConversation},
		{"POST", "conversations/{id}", "", "", false, (*exchange).updateConversation},
		{"DELETE", "conversations/{id}", "", "", false, (*exchange).deleteConversation},
		{"POST", "conversations/{id}/items", "", "", false, (*exchange).addItems},
		{"GET", "conversations/{id}/items", "", "", false, (*exchange).listItems},
		{"GET", "conversations/{id}/items/{item}", "", "", false, (*exchange).getItem},
		{"DELETE", "conversations/{id}/items/{item}", "", "", false, (*exchange).deleteItem},
		{"POST", "files", "", "", false, (*exchange).uploadFile},
		{"GET", "files", "", "", false, (*exchange).listFiles},
		{"GET", "files/{id}", "", "", false, (*exchange).getFile},
		{"DELETE", "files/{id}", "", "", false, (*exchange).deleteFile},
		{"GET", "files/{id}/content", "", "", false, (*exchange).getFileContent},
		{"POST", "batches", "", "", false, (*exchange).createBatch},
		{"GET", "batches", "", "", false, (*exchange).listBatches},
		{"GET", "batches/{id}", "", "", false, (*exchange).getBatch},
		{"POST", "batches/{id}/cancel", "", "", false, (*exchange).cancelBatch},
		{"GET", "models", "", "", false, (*exchange).listModels},
		{"GET", "models/{id}", "", "", false, (*exchange).getModel},
	}
}

// route is where a request goes.
type route struct {
	family     family
	deployment string // from the path
	operation  *operation
	id, item   string
	apiVersion string
}

// readFamily splits a path into its family and what comes below.
func readFamily(path string) (r route, rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, "/openai/")
	if !ok {
		return r, "", false
	}
	if below, v1 := strings.CutPrefix(rest, "v1/"); v1 {
		return route{family: familyV1}, below, true
	}
	if below, in := strings.CutPrefix(rest, "deployments/"); in {
		name, below, _ := strings.Cut(below, "/")
		return route{family: familyDeployment, deployment: name}, below, true
	}
	return route{family: familyDated}, rest, true
}

// findOperation completes the route; it is false for a path or method that Azure does not know.
func (s *Server) findOperation(r *route, method, path string) bool {
	for i := range s.operations {
		o := &s.operations[i]
		if o.method != method || r.family != familyV1 && o.inDeployment != (r.family == familyDeployment) {
			continue
		}
		if id, item, ok := matchPath(o.path, path); ok {
			r.operation, r.id, r.item = o, id, item
			return true
		}
	}
	return false
}

func matchPath(pattern, path string) (id, item string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", "", false
	}
	for i, segment := range want {
		switch {
		case segment == got[i]:
		case segment == "{id}" && got[i] != "":
			id = got[i]
		case segment == "{item}" && got[i] != "":
			item = got[i]
		default:
			return "", "", false
		}
	}
	return id, item, true
}

var datedVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview)?$`)

// firstVersion is the oldest generally available api-version.
const firstVersion = "2022-12-01"

func checkAPIVersion(f family, query url.Values) (string, error) {
	version := query.Get("api-version")
	if f == familyV1 {
		switch version {
		case "", "v1", "preview", "latest":
			return "v1", nil
		}
		return "", errVersionV1
	}
	switch {
	case version == "":
		return "", errNotFound
	case !datedVersion.MatchString(version) || version < firstVersion:
		return "", unsupportedVersion(version)
	}
	return version, nil
}
