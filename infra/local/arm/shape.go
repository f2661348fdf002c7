package arm

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// requestsJSON has the operations and the bodies of requests, taken from the Azure SDK modules that each row names, which
// are generated from the OpenAPI files in Azure/azure-rest-api-specs. Members that are read-only are left out: a request
// has none of them.
//
//go:embed requests.json
var requestsJSON []byte

// requestShape is one operation of the OpenAPI.
type requestShape struct {
	Operation  string
	Method     string
	Path       string
	APIVersion string `json:"api_version"`
	Source     string
	Body       string // a type; "" for none
}

var shapes struct {
	Operations []requestShape
	Types      map[string]map[string]string // member -> kind, of a type
}

func init() {
	if err := json.Unmarshal(requestsJSON, &shapes); err != nil {
		panic(err) // it is part of the program
	}
}

// match finds the operation of a request.
func match(r *http.Request) (*requestShape, map[string]string, error) {
	var versions []string
	version := r.URL.Query().Get("api-version")
	for i := range shapes.Operations {
		o := &shapes.Operations[i]
		params, fits := matchPath(o.Path, r.URL.Path)
		if !fits || o.Method != r.Method {
			continue
		}
		if o.APIVersion == version {
			return o, params, nil
		}
		versions = append(versions, o.APIVersion)
	}
	switch {
	case versions == nil:
		return nil, nil, &Refusal{http.StatusNotFound, "InvalidResourceType", // unverified for want of a resource type
			fmt.Sprintf("No operation %s %s is known here.", r.Method, r.URL.Path)}
	case version == "":
		return nil, nil, errNoVersion
	}
	return nil, nil, invalidVersion(version, versions)
}

// matchPath compares segment by segment, as ARM does in any case. Only the first parameter of a path, a scope, may stand
// for several.
func matchPath(pattern, path string) (params map[string]string, ok bool) {
	want, got := strings.Split(pattern[1:], "/"), strings.Split(strings.TrimPrefix(path, "/"), "/")
	params = make(map[string]string)
	if want[0] == "{scope}" && len(got) >= len(want) {
		n := len(got) - len(want) + 1
		params["scope"] = strings.Join(got[:n], "/")
		want, got = want[1:], got[n:]
	}
	if len(want) != len(got) {
		return nil, false
	}
	for i, segment := range want {
		switch {
		case strings.HasPrefix(segment, "{") && got[i] != "":
			params[strings.Trim(segment, "{}")] = got[i]
		case !strings.EqualFold(segment, got[i]):
			return nil, false
		}
	}
	return params, true
}

// check holds a body against its type.
func (o *requestShape) check(body map[string]any) error {
	if fault := checkObject(o.Body, body, ""); fault != "" {
		return invalidContent("The request content was invalid and could not be deserialized: '" + fault + "'.") // the fault is worded here
	}
	return nil
}

func checkObject(typeName string, object map[string]any, path string) (fault string) {
	members := shapes.Types[typeName]
	for name, kind := range members {
		if _, given := object[name]; !given && strings.HasPrefix(kind, "required ") {
			return fmt.Sprintf("Required property '%s%s' not found", path, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		kind, known := members[name]
		if !known {
			return fmt.Sprintf("Could not find member '%s%s' on object of type '%s'", path, name, typeName[strings.LastIndexByte(typeName, '.')+1:])
		}
		if fault := checkValue(strings.TrimPrefix(kind, "required "), object[name], path+name); fault != "" {
			return fault
		}
	}
	return ""
}

func checkValue(kind string, v any, path string) (fault string) {
	fits := false
	switch {
	case kind == "any" || v == nil:
		fits = true
	case kind == "string":
		_, fits = v.(string)
	case kind == "boolean":
		_, fits = v.(bool)
	case kind == "number":
		_, fits = v.(float64)
	case strings.HasPrefix(kind, "array of "):
		var list []any
		if list, fits = v.([]any); fits {
			for i, element := range list {
				if fault := checkValue(kind[len("array of "):], element, fmt.Sprintf("%s[%d]", path, i)); fault != "" {
					return fault
				}
			}
		}
	default:
		var object map[string]any
		if object, fits = v.(map[string]any); !fits {
			break
		}
		of, isMap := strings.CutPrefix(kind, "map of ")
		if !isMap {
			return checkObject(kind, object, path+".")
		}
		for name, element := range object {
			if fault := checkValue(of, element, path+"."+name); fault != "" {
				return fault
			}
		}
	}
	if !fits {
		return fmt.Sprintf("Error converting value at '%s' to type '%s'", path, kind)
	}
	return ""
}
