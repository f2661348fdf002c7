package apigateway

import (
	"net/url"
	"strings"

	"aoai-bridge/infra/local/template"
)

// A node is a segment in the tree of resource paths.
type node struct {
	exact    map[string]*node
	variable *node     // {name}
	greedy   *resource // {name+}
	resource *resource // what ends here; nil if it has no method
}

// A resource is a path and what its methods lead to.
type resource struct {
	id       string
	path     string
	segments []string
	methods  map[string]*template.Route
}

func (n *node) addRoute(route template.Route) {
	segments := segmentsOf(route.Path)
	target := &n.resource
	for _, segment := range segments {
		switch {
		case strings.HasSuffix(segment, "+}"): // always the last
			target = &n.greedy
		case strings.HasPrefix(segment, "{"):
			if n.variable == nil {
				n.variable = new(node)
			}
			n = n.variable
			target = &n.resource
		default:
			if n.exact == nil {
				n.exact = make(map[string]*node)
			}
			if n.exact[segment] == nil {
				n.exact[segment] = new(node)
			}
			n = n.exact[segment]
			target = &n.resource
		}
	}
	if *target == nil {
		*target = &resource{
			id: resourceID(route.Path), path: route.Path, segments: segments,
			methods: make(map[string]*template.Route),
		}
	}
	(*target).methods[route.Method] = &route
}

// findResource returns the most specific resource for a path, or nil: an exact segment beats a {name}, which
// beats a {name+}. A path that exists only above others counts as none, so that a {name+} further up
// gets it, as was measured at API Gateway (ministackorg/ministack#1423).
func (n *node) findResource(segments []string) *resource {
	if len(segments) == 0 {
		return n.resource
	}
	if next := n.exact[segments[0]]; next != nil {
		if r := next.findResource(segments[1:]); r != nil {
			return r
		}
	}
	if n.variable != nil && segments[0] != "" {
		if r := n.variable.findResource(segments[1:]); r != nil {
			return r
		}
	}
	return n.greedy
}

// routeFor returns where a method leads, or nil.
func (r *resource) routeFor(method string) *template.Route {
	if r == nil {
		return nil
	}
	if route := r.methods[method]; route != nil {
		return route
	}
	return r.methods["ANY"]
}

// pathParameters returns the path parameters, nil if the resource has none.
func (r *resource) pathParameters(segments []string) map[string]string {
	var parameters map[string]string
	for i, segment := range r.segments {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		if parameters == nil {
			parameters = make(map[string]string)
		}
		if name, greedy := strings.CutSuffix(name, "+}"); greedy {
			parameters[name] = strings.Join(segments[i:], "/")
		} else {
			parameters[strings.TrimSuffix(name, "}")] = segments[i]
		}
	}
	return parameters
}

// segmentsOfURL returns a URL's path as decoded segments. Slashes at its end are ignored, an encoded one is
// part of its segment.
func segmentsOfURL(u *url.URL) []string {
	segments := segmentsOf(u.EscapedPath())
	for i, segment := range segments {
		if strings.Contains(segment, "%") {
			if decoded, err := url.PathUnescape(segment); err == nil {
				segments[i] = decoded
			}
		}
	}
	return segments
}

func segmentsOf(path string) []string {
	path = strings.TrimPrefix(strings.TrimRight(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}
