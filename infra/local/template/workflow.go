package template

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// A StateMachine is an AWS::Serverless::StateMachine.
type StateMachine struct {
	LogicalID     string
	Name          string
	ARN           string
	DefinitionURI string
	Substitutions map[string]string
}

// A Bucket is an AWS::S3::Bucket.
type Bucket struct {
	LogicalID string
	Name      string
	Versioned bool
	Events    bool // whether EventBridge hears of its objects
}

// A Rule passes events on: an EventBridgeRule of a state machine, or a target of an
// AWS::Events::Rule.
type Rule struct {
	Name          string
	Pattern       json.RawMessage
	TargetARN     string
	Input         json.RawMessage   // instead of the event
	InputPath     string            // part of the event
	InputTemplate string            // what InputPaths are put into
	InputPaths    map[string]string // by name
}

func (s *scope) bucket(t *Template, id string, properties ast.Node) error {
	name, err := s.bucketName(id)
	if err != nil {
		return err
	}
	p, err := s.mapping(properties, "VersioningConfiguration", "NotificationConfiguration")
	if err != nil {
		return err
	}
	r := reader{from: p}
	_, events := r.object("NotificationConfiguration")["EventBridgeConfiguration"]
	enabled := textOf(r.object("NotificationConfiguration").object("EventBridgeConfiguration")["EventBridgeEnabled"])
	t.Buckets[id] = Bucket{LogicalID: id, Name: name, Events: events && enabled != "false",
		Versioned: textOf(r.object("VersioningConfiguration")["Status"]) == "Enabled"}
	return r.err
}

// stateMachine adds the machine and the rules that start it.
func (s *scope) stateMachine(t *Template, id string, properties ast.Node) error {
	m := StateMachine{LogicalID: id, Substitutions: make(map[string]string)}
	var err error
	if m.Name, err = s.machineName(id); err != nil {
		return err
	}
	if m.ARN, err = s.physicalID(id); err != nil {
		return err
	}
	p, err := s.mapping(properties, "DefinitionUri", "DefinitionSubstitutions")
	if err != nil {
		return err
	}
	r := reader{from: p}
	r.text("DefinitionUri", &m.DefinitionURI)
	substitutions := reader{from: r.object("DefinitionSubstitutions")}
	for name := range substitutions.from {
		value := ""
		substitutions.text(name, &value)
		m.Substitutions[name] = value
	}
	if err := cmp.Or(r.err, substitutions.err); err != nil {
		return err
	}
	if m.DefinitionURI == "" {
		return fmt.Errorf("a state machine needs DefinitionUri")
	}
	t.StateMachines[id] = m

	for _, event := range pairs(descend(properties, "Events")) {
		if kind := scalarText(descend(event.value, "Type")); kind != "EventBridgeRule" && kind != "CloudWatchEvent" {
			continue
		}
		rule := Rule{Name: id + event.key, TargetARN: m.ARN}
		from := descend(event.value, "Properties")
		if err := s.rule(&rule, descend(from, "Pattern"), from); err != nil {
			return fmt.Errorf("%s: %w", event.key, err)
		}
		t.Rules = append(t.Rules, rule)
	}
	return nil
}

// eventRule adds a rule for each target of an AWS::Events::Rule.
func (s *scope) eventRule(t *Template, id string, properties ast.Node) error {
	for target := range items(descend(properties, "Targets")) {
		p, err := s.mapping(target, "Arn")
		if err != nil {
			return err
		}
		rule := Rule{Name: id, TargetARN: textOf(p["Arn"])}
		if err := s.rule(&rule, descend(properties, "EventPattern"), target); err != nil {
			return err
		}
		t.Rules = append(t.Rules, rule)
	}
	return nil
}

// rule reads a pattern, and what becomes of an event on its way to a target.
func (s *scope) rule(rule *Rule, pattern, target ast.Node) error {
	typed, err := s.evalTyped(pattern)
	if err != nil {
		return err
	}
	if rule.Pattern, err = json.Marshal(typed); err != nil {
		return err
	}
	p, err := s.mapping(target, "Input", "InputPath", "InputTransformer")
	if err != nil {
		return err
	}
	r := reader{from: p}
	var input string
	r.text("Input", &input)
	r.text("InputPath", &rule.InputPath)
	if input != "" {
		rule.Input = json.RawMessage(input)
	}
	transformer := reader{from: r.object("InputTransformer")}
	transformer.text("InputTemplate", &rule.InputTemplate)
	for name, path := range transformer.object("InputPathsMap") {
		if rule.InputPaths == nil {
			rule.InputPaths = make(map[string]string)
		}
		rule.InputPaths[name] = textOf(path)
	}
	return cmp.Or(r.err, transformer.err)
}

// evalTyped evaluates a node for JSON: unlike elsewhere in a template, a number is one, and so is true.
func (s *scope) evalTyped(n ast.Node) (any, error) {
	if _, _, ok := intrinsic(n); ok {
		return s.eval(n)
	}
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		object := make(map[string]any)
		for _, p := range pairs(n) {
			value, err := s.evalTyped(p.value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.key, err)
			}
			object[p.key] = value
		}
		return object, nil
	case *ast.SequenceNode:
		list := []any{}
		for item := range items(n) {
			value, err := s.evalTyped(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return json.Number(scalarText(n)), nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.NullNode:
		return nil, nil
	}
	return scalarText(n), nil
}
