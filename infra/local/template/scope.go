package template

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// pseudoParameters are CloudFormation's own. The values are those of the local stack.
var pseudoParameters = map[string]string{
	"AWS::AccountId": "000000000000",
	"AWS::Partition": "aws",
	"AWS::Region":    "us-east-1",
	"AWS::StackId":   "arn:aws:cloudformation:us-east-1:000000000000:stack/aoai-bridge/local",
	"AWS::StackName": "aoai-bridge",
	"AWS::URLSuffix": "amazonaws.com",
}

// A scope is what intrinsic functions refer to.
type scope struct {
	parameters map[string]string   // those that have a value
	lists      map[string]bool     // parameters whose value is a list, comma-separated
	conditions map[string]ast.Node // not evaluated yet
	mappings   ast.Node
	resources  map[string]ast.Node
	pending    []string // conditions that are being evaluated
}

func newScope(root ast.Node, overrides map[string]string) (*scope, error) {
	s := &scope{
		parameters: make(map[string]string),
		lists:      make(map[string]bool),
		conditions: make(map[string]ast.Node),
		mappings:   descend(root, "Mappings"),
		resources:  make(map[string]ast.Node),
	}
	known := make(map[string]bool)
	for _, p := range pairs(descend(root, "Parameters")) {
		known[p.key] = true
		if value := descend(p.value, "Default"); value != nil {
			s.parameters[p.key] = scalarText(value)
		}
		kind := scalarText(descend(p.value, "Type"))
		s.lists[p.key] = kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if !known[name] {
			return nil, fmt.Errorf("no parameter %s", name)
		}
		s.parameters[name] = overrides[name]
	}
	for _, c := range pairs(descend(root, "Conditions")) {
		s.conditions[c.key] = c.value
	}
	for _, r := range pairs(descend(root, "Resources")) {
		s.resources[r.key] = r.value
	}
	return s, nil
}

// exists reports whether a resource's condition holds.
func (s *scope) exists(resource ast.Node) (bool, error) {
	name := scalarText(descend(resource, "Condition"))
	if name == "" {
		return true, nil
	}
	return s.condition(name)
}

// mapping evaluates the entries of a mapping, all or those with one of the keys.
func (s *scope) mapping(n ast.Node, keys ...string) (object, error) {
	o := make(object)
	for _, p := range pairs(n) {
		if len(keys) > 0 && !slices.Contains(keys, p.key) {
			continue
		}
		value, err := s.eval(p.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.key, err)
		}
		if value != (noValue{}) {
			o[p.key] = value
		}
	}
	return o, nil
}

// noValue is what !Ref AWS::NoValue evaluates to.
type noValue struct{}

// eval evaluates a node with the intrinsic functions in it.
func (s *scope) eval(n ast.Node) (any, error) {
	if name, argument, ok := intrinsic(n); ok {
		value, err := s.call(name, argument)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n.GetToken().Position.Line, name, err)
		}
		return value, nil
	}
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return s.mapping(n)
	case *ast.SequenceNode:
		return s.list(n)
	}
	return scalarText(n), nil
}

func (s *scope) list(n ast.Node) ([]any, error) {
	list := []any{}
	for item := range items(n) {
		value, err := s.eval(item)
		if err != nil {
			return nil, err
		}
		if value != (noValue{}) {
			list = append(list, value)
		}
	}
	return list, nil
}

// intrinsic recognises !Name argument and {Fn::Name: argument}, and gives both the short name.
func intrinsic(n ast.Node) (name string, argument ast.Node, ok bool) {
	if tag, isTag := n.(*ast.TagNode); isTag {
		return strings.TrimPrefix(tag.Start.Value, "!"), tag.Value, true
	}
	if list := pairs(n); len(list) == 1 {
		key := list[0].key
		if name, isFn := strings.CutPrefix(key, "Fn::"); isFn || key == "Ref" {
			return name, list[0].value, true
		}
	}
	return "", nil, false
}

func (s *scope) call(name string, argument ast.Node) (any, error) {
	switch name {
	case "Ref":
		return s.ref(scalarText(argument))
	case "Sub":
		return s.sub(argument)
	case "If":
		return s.evalIf(argument)
	case "GetAtt":
		return s.attribute(argument)
	case "Join":
		return s.join(argument)
	case "Split":
		return s.split(argument)
	case "Select":
		return s.selectItem(argument)
	case "FindInMap":
		return s.findInMap(argument)
	}
	return nil, fmt.Errorf("not implemented")
}

func (s *scope) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := pseudoParameters[name]; ok {
		return value, nil
	}
	if value, ok := s.parameters[name]; ok {
		if !s.lists[name] {
			return value, nil
		}
		list := []any{}
		for item := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(item))
		}
		return list, nil
	}
	if s.resources[name] != nil {
		return s.physicalID(name)
	}
	return nil, fmt.Errorf("%s has no value", name)
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (s *scope) sub(argument ast.Node) (string, error) {
	text, names := argument, object{}
	if _, isList := argument.(*ast.SequenceNode); isList {
		parts := slices.Collect(items(argument))
		if len(parts) != 2 {
			return "", fmt.Errorf("want a string and a mapping")
		}
		var err error
		if names, err = s.mapping(parts[1]); err != nil {
			return "", err
		}
		text = parts[0]
	}
	var failed error
	result := placeholder.ReplaceAllStringFunc(scalarText(text), func(match string) string {
		name := match[2 : len(match)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if value, ok := names[name]; ok {
			return textOf(value)
		}
		if resource, attribute, ok := strings.Cut(name, "."); ok && s.resources[resource] != nil {
			value, err := s.physicalAttribute(resource, attribute)
			failed = cmp.Or(failed, err)
			return value
		}
		value, err := s.ref(name)
		failed = cmp.Or(failed, err)
		return textOf(value)
	})
	return result, failed
}

// attribute evaluates Fn::GetAtt: RESOURCE.ATTRIBUTE, or a list of the two.
func (s *scope) attribute(argument ast.Node) (any, error) {
	text := scalarText(argument)
	if text == "" {
		var err error
		if text, err = s.joinList(argument, "."); err != nil {
			return nil, err
		}
	}
	resource, attribute, _ := strings.Cut(text, ".")
	return s.physicalAttribute(resource, attribute)
}

func (s *scope) join(argument ast.Node) (any, error) {
	parts := slices.Collect(items(argument))
	if len(parts) != 2 {
		return nil, fmt.Errorf("want a delimiter and a list")
	}
	return s.joinList(parts[1], scalarText(parts[0]))
}

func (s *scope) joinList(list ast.Node, delimiter string) (string, error) {
	value, err := s.eval(list)
	if err != nil {
		return "", err
	}
	elements, ok := value.([]any)
	if !ok {
		return "", fmt.Errorf("want a list")
	}
	var texts []string
	for _, element := range elements {
		texts = append(texts, textOf(element))
	}
	return strings.Join(texts, delimiter), nil
}

func (s *scope) split(argument ast.Node) (any, error) {
	parts, err := s.list(argument)
	if err != nil || len(parts) != 2 {
		return nil, cmp.Or(err, fmt.Errorf("want a delimiter and a string"))
	}
	list := []any{}
	for item := range strings.SplitSeq(textOf(parts[1]), textOf(parts[0])) {
		list = append(list, item)
	}
	return list, nil
}

func (s *scope) selectItem(argument ast.Node) (any, error) {
	parts, err := s.list(argument)
	if err != nil || len(parts) != 2 {
		return nil, cmp.Or(err, fmt.Errorf("want an index and a list"))
	}
	index, err := strconv.Atoi(textOf(parts[0]))
	list, _ := parts[1].([]any)
	if err != nil || index < 0 || index >= len(list) {
		return nil, fmt.Errorf("no item %v in %v", parts[0], parts[1])
	}
	return list[index], nil
}

func (s *scope) findInMap(argument ast.Node) (any, error) {
	keys, err := s.list(argument)
	if err != nil || len(keys) != 3 {
		return nil, cmp.Or(err, fmt.Errorf("want a mapping's name and two keys"))
	}
	found := descend(s.mappings, textOf(keys[0]), textOf(keys[1]), textOf(keys[2]))
	if found == nil {
		return nil, fmt.Errorf("nothing at %v", keys)
	}
	return s.eval(found)
}
