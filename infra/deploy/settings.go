package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// settingsFile has the settings of each stack that was deployed from here. It is the user's own: git ignores it.
const settingsFile = "samconfig.local.toml"

const settingsHeader = `# The settings of each stack that was deployed from here. "make deploy" writes this file, and keeps all of it except
# comments; the SAM CLI reads it: sam deploy --config-file ` + settingsFile + ` --config-env STACK-REGION
`

// settings are what a stack is deployed with.
type settings struct {
	stack, region string
	parameters    map[string]string // what the user set, once; all others are the template's defaults
}

// environment is the name of the settings in the file, which SAM calls a configuration environment.
func (s settings) environment() string { return s.stack + "-" + s.region }

// configFile is samconfig.local.toml: environment, command, "parameters", name.
type configFile map[string]any

func readConfigFile(name string) (configFile, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return configFile{}, nil
	} else if err != nil {
		return nil, err
	}
	f := configFile{}
	if err := toml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w; mend it, or delete it and give the parameters again", name, err)
	}
	return f, nil
}

// parameters returns the members of one command in an environment.
func (f configFile) parameters(environment, command string) map[string]any {
	e, _ := f[environment].(map[string]any)
	c, _ := e[command].(map[string]any)
	p, _ := c["parameters"].(map[string]any)
	return p
}

// regions returns where a stack was deployed from here, sorted.
func (f configFile) regions(stack string) (found []string) {
	for name := range f {
		p := f.parameters(name, "global")
		if region, ok := p["region"].(string); ok && p["stack_name"] == stack {
			found = append(found, region)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// overrides returns the parameters that were kept for a stack.
func (f configFile) overrides(s settings) (map[string]string, error) {
	text, ok := f.parameters(s.environment(), "deploy")["parameter_overrides"].(string)
	if !ok {
		return nil, nil
	}
	kept, err := parseOverrides(text)
	if err != nil {
		return nil, fmt.Errorf("%s, parameter_overrides of %s: %w", settingsFile, s.environment(), err)
	}
	return kept, nil
}

// put has the file say how SAM builds, deploys and deletes a stack; what else is there stays.
func (f configFile) put(s settings) {
	overrides := formatOverrides(s.parameters)
	for command, members := range map[string]map[string]any{
		"global": {"stack_name": s.stack, "region": s.region},
		"build":  {"build_in_source": true, "parameter_overrides": overrides},
		"deploy": {
			"capabilities": "CAPABILITY_NAMED_IAM", "confirm_changeset": true, "fail_on_empty_changeset": false,
			"resolve_s3": true, "s3_prefix": s.stack, "parameter_overrides": overrides,
		},
	} {
		at := map[string]any(f)
		for _, key := range []string{s.environment(), command, "parameters"} {
			next, ok := at[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[key] = next
			}
			at = next
		}
		maps.Copy(at, members)
	}
	f["version"] = 0.1 // of SAM's format
}

func (f configFile) write(name string) error {
	text, err := toml.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append([]byte(settingsHeader), text...), 0o644)
}

var override = regexp.MustCompile(`^([A-Za-z0-9]+)=("(?:\\.|[^"\\])*"|[^"\s]*)(?:\s+|$)`)

// parseOverrides reads parameters as SAM does: A=b C="d e".
func parseOverrides(text string) (map[string]string, error) {
	parameters := map[string]string{}
	for rest := strings.TrimSpace(text); rest != ""; {
		m := override.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf(`%q is not of the form Name=value, or Name="a value with spaces"`, rest)
		}
		name, value := m[1], m[2]
		if strings.HasPrefix(value, `"`) {
			value = unescape.Replace(value[1 : len(value)-1])
		}
		if _, twice := parameters[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		parameters[name] = value
		rest = rest[len(m[0]):]
	}
	return parameters, nil
}

var (
	unescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)
	escape   = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
)

func formatOverrides(parameters map[string]string) string {
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		fields = append(fields, name+`="`+escape.Replace(parameters[name])+`"`)
	}
	return strings.Join(fields, " ")
}
