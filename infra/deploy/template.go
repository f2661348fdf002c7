package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// template is what has to be known of template.yaml before it is deployed: what CloudFormation would refuse only after
// minutes is refused at once.
type template struct {
	Parameters map[string]parameter `yaml:"Parameters"`
	Resources  map[string]resource  `yaml:"Resources"`
}

type resource struct {
	Type           string `yaml:"Type"`
	DeletionPolicy string `yaml:"DeletionPolicy"`
	Properties     struct {
		RoleName     any `yaml:"RoleName"`
		FunctionName any `yaml:"FunctionName"`
		Name         any `yaml:"Name"`
	} `yaml:"Properties"`
}

type parameter struct {
	Type                  string   `yaml:"Type"`
	Default               any      `yaml:"Default"`
	AllowedValues         []any    `yaml:"AllowedValues"`
	AllowedPattern        string   `yaml:"AllowedPattern"`
	ConstraintDescription string   `yaml:"ConstraintDescription"`
	MinValue              *float64 `yaml:"MinValue"`
	MaxValue              *float64 `yaml:"MaxValue"`
}

func readTemplate(name string) (*template, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t, err := parseTemplate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// parseTemplate reads a template, which is YAML, or JSON as CloudFormation has it.
func parseTemplate(text []byte) (*template, error) {
	t := new(template)
	if err := yaml.Unmarshal(text, t); err != nil {
		return nil, err
	}
	return t, nil
}

// lostTo returns which secrets and buckets of a deployed template an update to another one would delete.
func (t *template) lostTo(next *template) (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		_, stays := next.Resources[id]
		r := t.Resources[id]
		if holdsData := r.Type == "AWS::SecretsManager::Secret" || r.Type == "AWS::S3::Bucket"; holdsData && !stays && !strings.HasPrefix(r.DeletionPolicy, "Retain") {
			ids = append(ids, id)
		}
	}
	return ids
}

// check returns what is wrong with the parameters that a user has set.
func (t *template) check(parameters map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		p, ok := t.Parameters[name]
		if !ok {
			return fmt.Errorf("the template has no parameter %s; it has %s", name, strings.Join(slices.Sorted(maps.Keys(t.Parameters)), ", "))
		}
		if want := p.refusal(parameters[name]); want != "" {
			return fmt.Errorf("the parameter %s is %q: %s", name, parameters[name], want)
		}
	}
	return nil
}

// refusal returns what a value has to be if it is not; "" means that the parameter may have it.
func (p parameter) refusal(value string) string {
	if len(p.AllowedValues) > 0 {
		var allowed []string
		for _, v := range p.AllowedValues {
			allowed = append(allowed, fmt.Sprint(v))
		}
		switch {
		case slices.Contains(allowed, value):
		case len(allowed) == 1: // the build reads it in the template as well
			return fmt.Sprintf("the template is for %s alone; to have another, write it in template.yaml, in Default and AllowedValues of the parameter", allowed[0])
		default:
			return "it must be one of " + strings.Join(allowed, ", ")
		}
	}
	if p.AllowedPattern != "" {
		if pattern, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`); err == nil && !pattern.MatchString(value) {
			if p.ConstraintDescription != "" {
				return "it " + p.ConstraintDescription
			}
			return "it must match " + p.AllowedPattern
		}
	}
	if p.Type == "Number" {
		number, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
			return "it must be a number"
		case p.MinValue != nil && number < *p.MinValue:
			return fmt.Sprintf("it must be %g or more", *p.MinValue)
		case p.MaxValue != nil && number > *p.MaxValue:
			return fmt.Sprintf("it must be %g or less", *p.MaxValue)
		}
	}
	return ""
}

// nameLimits are the most characters of names by type of resource; CloudFormation learns of them from the service.
var nameLimits = map[string]int{
	"AWS::IAM::Role":                   64,
	"AWS::Lambda::Function":            64,
	"AWS::Serverless::Function":        64,
	"AWS::Serverless::StateMachine":    80,
	"AWS::StepFunctions::StateMachine": 80,
	"AWS::SQS::Queue":                  80,
}

var validStack = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)

// checkNames returns whether the names that follow the stack's can be had.
func (t *template) checkNames(stack, region string) error {
	if !validStack.MatchString(stack) {
		return fmt.Errorf("the stack's name is %q: it must be letters, digits and hyphens, a letter first, for example STACK=aoai-two", stack)
	}
	known := strings.NewReplacer("${AWS::StackName}", stack, "${AWS::Region}", region)
	over, where := 0, ""
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		for _, pattern := range []any{r.Properties.RoleName, r.Properties.FunctionName, r.Properties.Name} {
			text, _ := pattern.(string)
			name := known.Replace(text)
			if limit, ok := nameLimits[r.Type]; ok && len(name)-limit > over {
				over, where = len(name)-limit, fmt.Sprintf("%s would be named %s, which has %d characters, and AWS allows %d", id, name, len(name), limit)
			}
		}
	}
	if over > 0 {
		return fmt.Errorf("the stack's name %q is too long: %s. A stack in %s may have a name of %d", stack, where, region, len(stack)-over)
	}
	return nil
}
