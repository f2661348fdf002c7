// Package azure tests the script that makes the Azure secret. It does not use Azure: a stand-in for
// the Azure CLI answers, and what the functions read the secret with judges the result.
package azure

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"aoai-bridge/shared/azuresecret"
)

// az answers as the Azure CLI does, with the settings in $SETTINGS.
const az = `#!/bin/sh
case "$*" in
"deployment group show --resource-group group --name main --query properties.outputs.settings.value --output json") echo "$SETTINGS" ;;
"deployment group show --resource-group group --name main --query properties.outputs.account.value --output tsv") echo my-aoai ;;
"cognitiveservices account keys list --resource-group group --name my-aoai --query key1 --output tsv") echo 0123abc ;;
*) echo "unexpected: az $*" >&2; exit 1 ;;
esac
`

func TestSecret(t *testing.T) {
	const deployments = `"deployments":[{"name":"gpt","model":"gpt-5.4-mini","type":"GlobalStandard","capacity":100}]`
	want := azuresecret.Resource{
		Name: "my-aoai", Endpoint: "https://my-aoai.openai.azure.com",
		Deployments: []azuresecret.Deployment{{Name: "gpt", Model: "gpt-5.4-mini", Type: "GlobalStandard", Capacity: 100}},
	}
	withKey, federated := want, want
	withKey.APIKey = "0123abc"
	federated.Entra = &azuresecret.Entra{TenantID: "t", ClientID: "c"}
	tests := []struct {
		name, credential string
		want             azuresecret.Resource
	}{
		{"key", `"api_key": "API_KEY"`, withKey},
		{"federated", `"entra": {"tenant_id": "t", "client_id": "c"}`, federated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "az"), []byte(az), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			t.Setenv("SETTINGS", `{"resources":[{"name":"my-aoai","endpoint":"https://my-aoai.openai.azure.com/",`+deployments+`,`+test.credential+`}]}`)
			script := exec.Command("bash", "secret.sh", "group")
			script.Stderr = os.Stderr
			secret, err := script.Output()
			if err != nil {
				t.Fatal(err)
			}
			got, err := azuresecret.Parse(secret)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Resources, []azuresecret.Resource{test.want}) {
				t.Errorf("secret says %+v, want %+v", got.Resources, test.want)
			}
		})
	}
}
