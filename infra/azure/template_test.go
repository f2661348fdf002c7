package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/azure/signin"
)

// What the template makes, the command finds as if it had made it.
func TestTemplate(t *testing.T) {
	for _, file := range []string{"", `[{"model": "gpt-4o", "capacity": 20}, {"name": "second", "model": "gpt-4o-mini", "tags": {"team": "a"}}]`} {
		w := newWorld(t)
		args := fresh
		if file != "" {
			args = append(args, "-deployments", w.writeFile(file))
		}
		template := filepath.Join(t.TempDir(), "main.json")
		if out, err := w.run("", append(args, "-template", template)...); err != nil || !strings.Contains(out, "az deployment group create") {
			t.Fatalf("error %v, printed\n%s", err, out)
		}
		if got := w.arm.Requests(); got != nil {
			t.Errorf("asked for %q", got)
		}
		w.deploy("my-aoai", template)
		w.changes()
		out := w.make(args...)
		if got := w.changes(); got != nil || strings.Count(out, "  + ") != 1 {
			t.Errorf("after the template it asked for %q:\n%s", got, out)
		}
		if r := w.secret().Resources[0]; r.APIKey == "" || len(r.Deployments) == 0 {
			t.Errorf("the secret has %+v", r)
		}
		if text, err := os.ReadFile(template); err != nil || strings.Contains(string(text), `"[`) {
			t.Errorf("%v; there is an expression in\n%s", err, text)
		}
		w.make(removal...) // it carries the tag
	}
}

// deploy does what `az group create` and `az deployment group create` do.
func (w *world) deploy(group, file string) {
	w.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		w.t.Fatal(err)
	}
	client, err := httpClient()
	if err != nil {
		w.t.Fatal(err)
	}
	credential, err := signin.Credential(signin.Options{Client: client})
	if err != nil {
		w.t.Fatal(err)
	}
	azure, err := resourcemanager.New(resourcemanager.Options{
		Endpoint: os.Getenv("AZURE_RESOURCE_MANAGER_ENDPOINT"), Credential: credential, Client: client, Retry: policy.RetryOptions{MaxRetries: -1},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	path := "/subscriptions/33333333-3333-4333-8333-333333333333/resourcegroups/" + group
	if _, err := azure.Put(w.t.Context(), path, map[string]any{"location": "eastus2"}); err != nil {
		w.t.Fatal(err)
	}
	_, err = azure.Put(w.t.Context(), path+"/providers/Microsoft.Resources/deployments/main",
		map[string]any{"properties": map[string]any{"mode": "Incremental", "template": template}})
	if err != nil {
		w.t.Fatal(err)
	}
}
