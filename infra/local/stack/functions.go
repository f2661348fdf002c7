package stack

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/template"
)

// maxInstances bounds a function's instances. An AWS account begins with 1,000 for all functions.
const maxInstances = 200

// functions are the template's, with the environment that Lambda, and this machine, add.
func (s *Stack) functions(o Options, trust string) ([]lambda.Function, error) {
	var functions []lambda.Function
	for id, f := range s.Template.Functions {
		bootstrap, err := filepath.Abs(filepath.Join(o.Build, folder(id), "bootstrap"))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(bootstrap); err != nil {
			return nil, fmt.Errorf("%s is not built: %w", id, err)
		}
		functions = append(functions, lambda.Function{
			Name: id, Bootstrap: bootstrap, Timeout: f.Timeout, MemoryMB: f.MemoryMB,
			MaxInstances: maxInstances, Concurrency: o.Concurrency, Env: s.environment(id, f, trust),
		})
	}
	slices.SortFunc(functions, func(a, b lambda.Function) int { return strings.Compare(a.Name, b.Name) })
	return functions, nil
}

func (s *Stack) environment(id string, f template.Function, trust string) map[string]string {
	accessKeyID := AccessKey + "-" + folder(id) // as each function has a role of its own
	s.STS.SetRole(accessKeyID, roleName(id))
	env := map[string]string{
		"AWS_ENDPOINT_URL":      s.AWSURL,
		"AWS_ACCESS_KEY_ID":     accessKeyID,
		"AWS_SECRET_ACCESS_KEY": AccessKey,
	}
	if trust != "" {
		env["SSL_CERT_FILE"] = trust
	}
	for name, value := range f.Environment {
		env[name] = value
	}
	return env
}

// roleName is the name that the template gives a function's role.
func roleName(logicalID string) string { return "aoai-bridge-us-east-1-" + folder(logicalID) }

var wordEnd = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// folder is where the Makefile builds a function: functions/token-estimate for TokenEstimateFunction.
func folder(logicalID string) string {
	name := strings.TrimSuffix(logicalID, "Function")
	return strings.ToLower(wordEnd.ReplaceAllString(name, "$1-$2"))
}

// callersSecret lets CallerKey use every model.
func callersSecret() string {
	return fmt.Sprintf(`{"callers":[{"name":"local","sha256":"%x","models":["*"]}]}`, sha256.Sum256([]byte(CallerKey)))
}
