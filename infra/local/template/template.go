// Package template reads a SAM template as far as the local stack needs it: parameters, functions, the
// REST API with its routes, state machines, buckets, and the rules that lead from events to state
// machines. It does not know what a stack does with them, and looks at nothing else in the template:
// roles, policies, rules, outputs, alarms and metadata may use intrinsics that it does not have, and
// limits, networks, keys of KMS, lifecycles, traces and logs of the deployed stack mean nothing here.
package template

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A Template is what a stack is made of.
type Template struct {
	Parameters    map[string]string   // by name: defaults, or what Read was given instead
	Functions     map[string]Function // by logical id
	API           API
	StateMachines map[string]StateMachine // by logical id
	Buckets       map[string]Bucket       // by logical id
	Rules         []Rule                  // in the template's order
}

// A Function is an AWS::Serverless::Function, with what Globals say.
type Function struct {
	LogicalID   string
	CodeURI     string
	Timeout     time.Duration // 3 s unless the template says otherwise
	MemoryMB    int           // 128 unless the template says otherwise
	Environment map[string]string
}

// An API is the template's AWS::Serverless::Api. The zero API has no routes.
type API struct {
	Stage            string
	Routes           []Route // in the template's order
	BinaryMediaTypes []string
	GatewayResponses map[string]GatewayResponse // by response type: DEFAULT_4XX, THROTTLED, ...
}

// A Route leads from a resource path and a method to a function.
type Route struct {
	Path       string        // "/v1/models/{model}", "/{proxy+}"
	Method     string        // upper case; "ANY" for every method
	FunctionID string        // logical id
	Streaming  bool          // response transfer mode STREAM
	Timeout    time.Duration // of the integration; 29 s unless the template says otherwise
}

// A GatewayResponse is what the gateway answers by itself in place of its own words.
type GatewayResponse struct {
	StatusCode int               // 0: as for the response type
	Headers    map[string]string // static values only, without their quotes
	Templates  map[string]string // by content type
}

// Read reads the template at path. Parameters take the place of the template's defaults; one that
// the template does not have is an error.
func Read(path string, parameters map[string]string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%s: empty template", path)
	}
	t, err := read(file.Docs[0].Body, parameters)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func read(root ast.Node, overrides map[string]string) (*Template, error) {
	s, err := newScope(root, overrides)
	if err != nil {
		return nil, err
	}
	t := &Template{Parameters: s.parameters, Functions: make(map[string]Function),
		StateMachines: make(map[string]StateMachine), Buckets: make(map[string]Bucket)}
	globals, err := s.mapping(descend(root, "Globals", "Function"), functionProperties...)
	if err != nil {
		return nil, err
	}
	hasAPI := false
	for _, r := range pairs(descend(root, "Resources")) {
		if ok, err := s.exists(r.value); !ok || err != nil {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.key, err)
			}
			continue
		}
		properties := descend(r.value, "Properties")
		switch scalarText(descend(r.value, "Type")) {
		case "AWS::Serverless::Function":
			err = s.function(t, r.key, properties, globals)
		case "AWS::Serverless::Api":
			if hasAPI {
				err = fmt.Errorf("a second API")
				break
			}
			hasAPI = true
			err = s.api(&t.API, properties)
		case "AWS::Serverless::StateMachine":
			err = s.stateMachine(t, r.key, properties)
		case "AWS::S3::Bucket":
			err = s.bucket(t, r.key, properties)
		case "AWS::Events::Rule":
			err = s.eventRule(t, r.key, properties)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.key, err)
		}
	}
	return t, nil
}

// functionProperties are the ones read of a function, and of Globals.
var functionProperties = []string{"CodeUri", "Timeout", "MemorySize", "Environment"}

// function adds the function and the routes that lead to it.
func (s *scope) function(t *Template, id string, properties ast.Node, globals object) error {
	f := Function{LogicalID: id, Timeout: 3 * time.Second, MemoryMB: 128, Environment: make(map[string]string)}
	own, err := s.mapping(properties, functionProperties...)
	if err != nil {
		return err
	}
	for _, from := range []object{globals, own} { // what the function says comes last
		r := reader{from: from}
		r.text("CodeUri", &f.CodeURI)
		r.duration("Timeout", time.Second, &f.Timeout)
		r.number("MemorySize", &f.MemoryMB)
		variables := reader{from: r.object("Environment").object("Variables")}
		for name := range variables.from {
			value := ""
			variables.text(name, &value)
			f.Environment[name] = value
		}
		if err := cmp.Or(r.err, variables.err); err != nil {
			return err
		}
	}
	t.Functions[id] = f

	for _, event := range pairs(descend(properties, "Events")) {
		if scalarText(descend(event.value, "Type")) != "Api" {
			continue
		}
		route, err := s.route(id, descend(event.value, "Properties"))
		if err != nil {
			return fmt.Errorf("%s: %w", event.key, err)
		}
		t.API.Routes = append(t.API.Routes, route)
	}
	return nil
}

func (s *scope) route(functionID string, properties ast.Node) (Route, error) {
	p, err := s.mapping(properties, "Path", "Method", "ResponseTransferMode", "TimeoutInMillis")
	if err != nil {
		return Route{}, err
	}
	route := Route{FunctionID: functionID, Timeout: 29 * time.Second}
	r := reader{from: p}
	var mode string
	r.text("Path", &route.Path)
	r.text("Method", &route.Method)
	r.text("ResponseTransferMode", &mode)
	r.duration("TimeoutInMillis", time.Millisecond, &route.Timeout)
	route.Method = strings.ToUpper(route.Method)
	// SAM drops any other value, STREAM among them, without a word.
	route.Streaming = mode == "RESPONSE_STREAM"
	if r.err == nil && (route.Path == "" || route.Method == "") {
		r.err = fmt.Errorf("an Api event needs Path and Method")
	}
	return route, r.err
}

func (s *scope) api(a *API, properties ast.Node) error {
	p, err := s.mapping(properties, "StageName", "BinaryMediaTypes", "GatewayResponses")
	if err != nil {
		return err
	}
	r := reader{from: p}
	r.text("StageName", &a.Stage)
	for _, mediaType := range r.list("BinaryMediaTypes") {
		// CloudFormation wants the slash as ~1.
		a.BinaryMediaTypes = append(a.BinaryMediaTypes, strings.ReplaceAll(textOf(mediaType), "~1", "/"))
	}
	a.GatewayResponses = make(map[string]GatewayResponse)
	for name := range r.object("GatewayResponses") {
		from := reader{from: r.object("GatewayResponses").object(name)}
		response := GatewayResponse{Headers: make(map[string]string), Templates: make(map[string]string)}
		from.number("StatusCode", &response.StatusCode)
		headers := from.object("ResponseParameters").object("Headers")
		for header, value := range headers {
			// 'static' or a mapping expression such as method.request.header.Origin.
			if text := textOf(value); len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
				response.Headers[header] = text[1 : len(text)-1]
			}
		}
		for contentType, template := range from.object("ResponseTemplates") {
			response.Templates[contentType] = textOf(template)
		}
		if from.err != nil {
			return fmt.Errorf("%s: %w", name, from.err)
		}
		a.GatewayResponses[name] = response
	}
	return r.err
}
