package main

import (
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/arm"
)

// What cannot be made is said before anything is made, with what there is instead.
func TestPlanRefuses(t *testing.T) {
	tests := []struct {
		name        string
		prepare     func(*world)
		deployments string
		args        []string
		want        []string
	}{
		{"a name in capitals", nil, "", []string{"-name", "My-AOAI", "-location", "eastus2"}, []string{`"My-AOAI"`, "lower-case letters"}},
		{"a name with a slash", nil, "", []string{"-name", "a/b", "-location", "eastus2"}, []string{`"a/b"`}},
		{"a kind that there is not", nil, "", append(fresh, "-kind", "Face"), []string{"AIServices or OpenAI"}},
		{"no region", nil, "", []string{"-name", "my-aoai"}, []string{"LOCATION=eastus2"}},
		{"no such region", nil, "", []string{"-name", "my-aoai", "-location", "atlantis"}, []string{"choose another LOCATION", "eastus2,swedencentral,francecentral"}},
		{"no such subscription", nil, "", append(fresh, "-subscription", "other"), []string{"no subscription other", "it has local (33333333"}},
		{"another region than the resource's", func(w *world) { w.make(fresh...) }, "", []string{"-name", "my-aoai", "-location", "swedencentral"}, []string{"is in eastus2, not in swedencentral", "cannot move"}},
		{"a name that is taken", func(w *world) { w.arm.TakeName("my-aoai") }, "", fresh, []string{"my-aoai is taken", "NAME=my-aoai-"}},
		{"no such model", nil, `[{"model": "gpt-9"}]`, fresh, []string{"deployment gpt-9: gpt-9 is not offered", "in eastus2", "gpt-5.4-mini, gpt-6-luna"}},
		{"no such version", nil, `[{"model": "gpt-4o", "version": "2020-01-01"}]`, fresh, []string{"gpt-4o has no version 2020-01-01 in eastus2", "it has 2024-11-20"}},
		{"a retired model", nil, `[{"model": "o4-mini"}]`, fresh, []string{"o4-mini 2025-04-16 is retired", "In eastus2 there are"}},
		{"a type that the model does not have", nil, `[{"model": "gpt-5.4-mini", "type": "Standard"}]`, fresh, []string{"cannot be deployed as Standard in eastus2", "GlobalStandard, DataZoneStandard, GlobalBatch"}},
		{"more than the quota", nil, `[{"model": "gpt-5.4-mini", "capacity": 300}]`, fresh, []string{"needs a quota of 300, and 250 is left in eastus2", "lower capacity to 250", "DataZoneStandard has 250", "https://aka.ms/oai/quotaincrease"}},
		{"more than the quota together", nil, `[{"name": "a", "model": "gpt-4o", "capacity": 200}, {"name": "b", "model": "gpt-4o", "capacity": 51}]`, fresh, []string{"deployment b: gpt-4o as GlobalStandard needs a quota of 51, and 50 is left"}},
		{"no quota at all", func(w *world) { w.arm.SetQuota("OpenAI.GlobalStandard.gpt-4o", 0) }, `[{"model": "gpt-4o"}]`, fresh, []string{"take another model or LOCATION", "Standard has 250"}},
		{"too few provisioned units", nil, `[{"model": "gpt-4o", "type": "GlobalProvisionedManaged", "capacity": 10}]`, fresh, []string{"at least 15 units, in steps of 15"}},
		{"two faults", nil, `[{"model": "gpt-9"}, {"model": "o4-mini"}]`, fresh, []string{"gpt-9 is not offered", "is retired"}},
		{"a file that is not an array", nil, `{"model": "gpt-4o"}`, fresh, []string{"not a JSON array of objects", "want for example"}},
		{"a deployment without a model", nil, `[{"model": "gpt-4o"}, {"name": "x"}]`, fresh, []string{"deployment 2 of the file: model is missing"}},
		{"a name twice", nil, `[{"model": "gpt-4o"}, {"name": "gpt-4o", "model": "gpt-4o-mini"}]`, fresh, []string{`deployment 2 of the file: the name "gpt-4o" is used twice`}},
		{"a capacity of 0", nil, `[{"model": "gpt-4o", "capacity": 0}]`, fresh, []string{"capacity is not a whole number above 0"}},
		{"a name with a slash", nil, `[{"name": "a/b", "model": "gpt-4o"}]`, fresh, []string{`"a/b"`}},
		{"a type in both ways", nil, `[{"model": "gpt-4o", "type": "Standard", "sku": {"name": "Standard"}}]`, fresh, []string{"type is given twice"}},
		{"no way to sign in", nil, "", append(fresh, "-signin", "smoke"), []string{"want device or browser"}},
		{"an option that there is not", nil, "", append(fresh, "eastus"), []string{`"eastus" is not an option`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.prepare != nil {
				test.prepare(w)
			}
			w.changes()
			args := append(test.args, "-yes")
			if test.deployments != "" {
				args = append(args, "-deployments", w.writeFile(test.deployments))
			}
			out, err := w.run("", args...)
			if err == nil {
				t.Fatalf("no error; printed\n%s", out)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
			if got := w.changes(); got != nil {
				t.Errorf("asked for %q", got)
			}
		})
	}
}

// What Azure refuses on the way comes with what to do, and with Azure's own words.
func TestAzureRefuses(t *testing.T) {
	tests := []struct {
		name, operation string
		refusal         arm.Refusal
		want            []string
	}{
		{"permission", "ResourceGroups_createOrUpdate", arm.Refusal{Status: http.StatusForbidden, Code: "AuthorizationFailed", Message: "The client 'x' with object id 'y' does not have authorization to perform action 'Microsoft.Resources/subscriptions/resourcegroups/write' over scope '/subscriptions/s' or the scope is invalid. If access was recently granted, please refresh your credentials."},
			[]string{"make the resource group my-aoai", "the role Contributor", "does not have authorization"}},
		{"permission to give roles", "RoleAssignments_create", arm.Refusal{Status: http.StatusForbidden, Code: "AuthorizationFailed", Message: "The client 'x' with object id 'y' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope 's'"},
			[]string{"may not give roles", "User Access Administrator"}},
		{"policy", "Accounts_create", arm.Refusal{Status: http.StatusForbidden, Code: "RequestDisallowedByPolicy", Message: "Resource 'my-aoai' was disallowed by policy."},
			[]string{"make the resource my-aoai", "a policy of your company", "RequestDisallowedByPolicy"}},
		{"region", "Accounts_create", arm.Refusal{Status: http.StatusForbidden, Code: "RequestDisallowedByAzure", Message: "Resource 'my-aoai' was disallowed by Azure"},
			[]string{"choose another LOCATION"}},
		{"quota that went meanwhile", "Deployments_createOrUpdate", arm.Refusal{Status: http.StatusBadRequest, Code: "InsufficientQuota", Message: "This operation require 50 new capacity"},
			[]string{"make the deployment gpt-5.4-mini", "lower the capacity", "This operation require 50"}},
		{"what nobody has seen", "Accounts_create", arm.Refusal{Status: http.StatusBadRequest, Code: "Odd", Message: "odd"}, []string{"(Azure says Odd: odd)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.arm.AddRule(arm.Rule{Operation: test.operation, Refusal: test.refusal})
			_, err := w.run("", append(federation, "-yes")...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(test.want, "Run the same command again") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*world)
		region  string
		want    string // deployments and capacities
		warning string // "" for none
	}{
		{"all there", func(*world) {}, "eastus2", "gpt-5.4-mini 50, gpt-5.4-mini-batch 50, text-embedding-3-small 50", ""},
		{"little quota", func(w *world) { w.arm.SetQuota("OpenAI.GlobalStandard.gpt-5.4-mini", 7) }, "eastus2",
			"gpt-5.4-mini 7, gpt-5.4-mini-batch 50, text-embedding-3-small 50", ""},
		{"no quota for the first", func(w *world) { w.arm.SetQuota("OpenAI.GlobalStandard.gpt-5.4-mini", 0) }, "eastus2",
			"gpt-5.4-mini-batch 50, gpt-6-luna 50, text-embedding-3-small 50", ""},
		{"no quota for embeddings", func(w *world) {
			w.arm.SetQuota("OpenAI.GlobalStandard.text-embedding-3-small", 0)
			w.arm.SetQuota("OpenAI.GlobalStandard.text-embedding-3-large", 0)
		}, "eastus2", "gpt-5.4-mini 50, gpt-5.4-mini-batch 50", "no deployment for embeddings: no quota is left"},
		{"a region that has little", func(*world) {}, "francecentral", "gpt-4.1-mini 50, text-embedding-3-small 50", "no deployment for batch: none of gpt-5.4-mini"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			out := w.make("-name", "my-aoai", "-location", test.region)
			if got := w.deployments("my-aoai"); got != test.want {
				t.Errorf("deployed %s, want %s", got, test.want)
			}
			if !strings.Contains(out, test.warning) || test.warning == "" && strings.Contains(out, "!") {
				t.Errorf("printed\n%s", out)
			}
			if out := w.make("-name", "my-aoai"); !strings.Contains(out, "nothing to do") {
				t.Errorf("the second run says\n%s", out)
			}
		})
	}
}

func TestChanged(t *testing.T) {
	w := newWorld(t)
	w.make(fresh...)
	w.changes()
	file := w.writeFile(`[
		{"model": "gpt-5.4-mini", "capacity": 100},
		{"name": "pinned", "model": "gpt-4o", "version": "2024-11-20", "type": "DataZoneStandard", "properties": {"versionUpgradeOption": "NoAutoUpgrade"}},
		{"name": "ptu", "model": "gpt-4o", "type": "GlobalProvisionedManaged", "capacity": 15}]`)
	out := w.make("-name", "my-aoai", "-deployments", file)
	if got, want := w.deployments("my-aoai"), "gpt-5.4-mini 100, gpt-5.4-mini-batch 50, pinned 50, ptu 15, text-embedding-3-small 50"; got != want {
		t.Errorf("deployed %s, want %s", got, want)
	}
	for _, want := range []string{"+ change the deployment gpt-5.4-mini", "+ make the deployment pinned", "$ ptu: 15 provisioned units, charged for every hour", "what a unit costs you is not known here"} {
		if !strings.Contains(out, want) {
			t.Errorf("printed\n%s\nwant %q in it", out, want)
		}
	}
	if got := len(w.changes()); got != 3 {
		t.Errorf("%d changes", got)
	}
	if out := w.make("-name", "my-aoai", "-deployments", file); !strings.Contains(out, "nothing to do") || w.changes() != nil {
		t.Errorf("the second run says\n%s", out)
	}
}

func TestHourlyCost(t *testing.T) {
	w := newWorld(t)
	w.secrets.Put(secretID, `{"resources":[{"endpoint":"https://other.example","api_key":"k"}],"prices":{"gpt-4o":{"GlobalProvisionedManaged":{"ptu_hour":1.1}}}}`)
	out := w.make(append(fresh, "-deployments", w.writeFile(`[{"model": "gpt-4o", "type": "GlobalProvisionedManaged", "capacity": 15}]`))...)
	if !strings.Contains(out, "16.50 USD an hour at the Azure secret's price") {
		t.Errorf("printed\n%s", out)
	}
}
