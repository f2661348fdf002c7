package provision

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The roles that an identity is to trust are those that the template lets ask for tokens, by the names that it gives them.
func TestCallersAreTheTemplates(t *testing.T) {
	template, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile(`(?s)\n  AzureFederationPolicy:.*?\n      Roles: \[(.*?)\]`).FindSubmatch(template)
	if policy == nil {
		t.Fatal("the template has no AzureFederationPolicy with Roles")
	}
	var want []string
	for role := range strings.SplitSeq(string(policy[1]), ",") {
		id := strings.TrimPrefix(strings.TrimSpace(role), "!Ref ")
		name := regexp.MustCompile(`(?s)\n  ` + id + `:\n.*?\n      RoleName: !Sub \$\{AWS::StackName\}-\$\{AWS::Region\}-(\S+)\n`).FindSubmatch(template)
		if name == nil {
			t.Fatalf("%s has no fixed name", id)
		}
		want = append(want, string(name[1]))
	}
	if got := slices.Clone(callers); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("trusted are %q, want %q", got, want)
	}
}
