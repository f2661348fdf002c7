package arm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/arm"
)

const subscription = "/subscriptions/33333333-3333-4333-8333-333333333333"

// azure is a server under test.
type azure struct {
	*arm.Server
	t *testing.T
}

func start(t *testing.T, o arm.Options) azure {
	t.Helper()
	s, err := arm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return azure{s, t}
}

// call sends a request and returns the answer, and its body where it is an object.
func (a azure) call(method, path, body string) (*http.Response, map[string]any) {
	a.t.Helper()
	if !strings.Contains(path, "api-version=") {
		path += "?api-version=2025-06-01"
		if !strings.Contains(path, "Microsoft.") {
			path = strings.ReplaceAll(path, "2025-06-01", "2025-04-01")
		}
	}
	r := httptest.NewRequestWithContext(a.t.Context(), method, "https://management.example"+path, bytes.NewBufferString(body))
	r.Header.Set("Authorization", "Bearer token")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	var object map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &object) // not every answer has a body
	return w.Result(), object
}

// must sends a request that must be answered with a status.
func (a azure) must(status int, method, path, body string) (*http.Response, map[string]any) {
	a.t.Helper()
	resp, object := a.call(method, path, body)
	if resp.StatusCode != status {
		a.t.Fatalf("%s %s: %d %v, want %d", method, path, resp.StatusCode, object, status)
	}
	return resp, object
}

// refused sends a request that must be refused with a code.
func (a azure) refused(status int, code, method, path, body string) (message string) {
	a.t.Helper()
	_, object := a.must(status, method, path, body)
	e, _ := object["error"].(map[string]any)
	if e["code"] != code {
		a.t.Errorf("%s %s: refused with %v, want %s", method, path, object, code)
	}
	message, _ = e["message"].(string)
	return message
}

const (
	groupPath   = subscription + "/resourceGroups/g"
	accountPath = groupPath + "/providers/Microsoft.CognitiveServices/accounts/my-aoai"
	accountBody = `{"location":"eastus2","kind":"AIServices","sku":{"name":"S0"},"properties":{"customSubDomainName":"my-aoai"}}`
	gptBody     = `{"sku":{"name":"GlobalStandard","capacity":50},"properties":{"model":{"format":"OpenAI","name":"gpt-5.4-mini"}}}`
)

// withAccount starts a server with an account that is ready.
func withAccount(t *testing.T, o arm.Options) azure {
	t.Helper()
	a := start(t, o)
	a.must(http.StatusCreated, "PUT", groupPath, `{"location":"eastus2"}`)
	a.must(http.StatusCreated, "PUT", accountPath, accountBody)
	a.call("GET", accountPath, "")
	return a
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		status                   int
		code, message            string
	}{
		{"no such group", "GET", subscription + "/resourceGroups/other", "", 404, "ResourceGroupNotFound", "Resource group 'other' could not be found."},
		{"no such account", "GET", groupPath + "/providers/Microsoft.CognitiveServices/accounts/other", "", 404, "ResourceNotFound", "The Resource 'Microsoft.CognitiveServices/accounts/other'"},
		{"another subscription", "GET", "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g", "", 404, "SubscriptionNotFound", ""},
		{"no api-version", "GET", accountPath + "?api-version=", "", 400, "MissingApiVersionParameter", ""},
		{"an api-version of another provider", "GET", accountPath + "?api-version=2025-04-01", "", 400, "InvalidApiVersionParameter", "The supported versions are '2025-06-01'."},
		{"no such operation", "POST", accountPath + "/sell", "", 404, "InvalidResourceType", ""},
		{"no such region", "PUT", groupPath + "/providers/Microsoft.CognitiveServices/accounts/x", `{"location":"atlantis"}`, 400, "LocationNotAvailableForResourceType", "'eastus2,swedencentral,francecentral'"},
		{"a member that the OpenAPI does not have", "PUT", accountPath, `{"location":"eastus2","properties":{"customSubdomainName":"x"}}`, 400, "InvalidRequestContent", "'properties.customSubdomainName'"},
		{"a member of another type", "PUT", accountPath + "/deployments/d", `{"sku":{"name":"GlobalStandard","capacity":"50"}}`, 400, "InvalidRequestContent", "'sku.capacity'"},
		{"a member that is missing", "PUT", accountPath + "/deployments/d", `{"sku":{"capacity":50}}`, 400, "InvalidRequestContent", "Required property 'sku.name'"},
		{"a body that is not JSON", "PUT", accountPath, `{`, 400, "InvalidRequestContent", ""},
		{"no such model", "PUT", accountPath + "/deployments/d", strings.Replace(gptBody, "gpt-5.4-mini", "gpt-9", 1), 400, "DeploymentModelNotSupported", "Name: gpt-9"},
		{"a retired model", "PUT", accountPath + "/deployments/d", strings.Replace(gptBody, "gpt-5.4-mini", "o4-mini", 1), 400, "ServiceModelDeprecated", "has been deprecated since 11/19/2026 00:00:00."},
		{"a type that the model does not have", "PUT", accountPath + "/deployments/d", strings.Replace(gptBody, "GlobalStandard", "Standard", 1), 400, "InvalidResourceProperties", "The specified SKU 'Standard'"},
		{"more than the quota", "PUT", accountPath + "/deployments/d", strings.Replace(gptBody, "50", "251", 1), 400, "InsufficientQuota", "which is bigger than the current available capacity 250."},
		{"a name that is taken", "PUT", groupPath + "/providers/Microsoft.CognitiveServices/accounts/other", strings.Replace(accountBody, "my-aoai", "theirs", 1), 409, "CustomDomainInUse", "'theirs'"},
		{"a key that there is not", "POST", accountPath + "/regenerateKey", `{"keyName":"Key3"}`, 400, "InvalidRequestContent", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := withAccount(t, arm.Options{})
			a.TakeName("theirs")
			if message := a.refused(test.status, test.code, test.method, test.path, test.body); !strings.Contains(message, test.message) {
				t.Errorf("it says %q, want %q in it", message, test.message)
			}
		})
	}
}

func TestToken(t *testing.T) {
	a := start(t, arm.Options{Verify: func(token string) error {
		if token != "good" {
			return errors.New("it is not good")
		}
		return nil
	}})
	a.refused(401, "InvalidAuthenticationToken", "GET", "/subscriptions", "")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/subscriptions?api-version=2022-12-01", nil))
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "AuthenticationFailed") {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
}

// While a deployment is made, its account takes no other change.
func TestAsynchronousDeployment(t *testing.T) {
	plane := &plane{}
	a := withAccount(t, arm.Options{DataPlane: plane, Looks: 2})
	a.call("GET", accountPath, "") // the second look at the account
	resp, d := a.must(http.StatusCreated, "PUT", accountPath+"/deployments/mini", gptBody)
	if state := d["properties"].(map[string]any)["provisioningState"]; state != "Creating" || len(plane.account.Deployments) != 0 {
		t.Errorf("the state is %v, and %v is served", state, plane.account.Deployments)
	}
	a.refused(409, "RequestConflict", "PUT", accountPath+"/deployments/other", gptBody)
	operation := strings.TrimPrefix(resp.Header.Get("Azure-AsyncOperation"), "https://management.example")
	if _, status := a.must(http.StatusOK, "GET", operation, ""); status["status"] != "InProgress" {
		t.Errorf("the operation is %v", status)
	}
	if _, status := a.must(http.StatusOK, "GET", operation, ""); status["status"] != "Succeeded" {
		t.Errorf("the operation is %v", status)
	}
	want := []arm.Deployment{{Name: "mini", Model: "gpt-5.4-mini", Version: "2026-03-17", Type: "GlobalStandard", Capacity: 50}}
	if !slices.Equal(plane.account.Deployments, want) {
		t.Errorf("%v is served, want %v", plane.account.Deployments, want)
	}

	resp, _ = a.must(http.StatusAccepted, "DELETE", accountPath+"/deployments/mini", "")
	location := strings.TrimPrefix(resp.Header.Get("Location"), "https://management.example")
	for _, want := range []int{http.StatusAccepted, http.StatusAccepted, http.StatusNoContent} {
		a.must(want, "GET", location, "")
	}
	if len(plane.account.Deployments) != 0 {
		t.Errorf("%v is still served", plane.account.Deployments)
	}
	a.must(http.StatusNoContent, "DELETE", accountPath+"/deployments/mini", "")
}

// A deleted account keeps its name until it is purged, and comes back when it is restored, with the keys that it had.
func TestDeletedAccount(t *testing.T) {
	plane := &plane{}
	a := withAccount(t, arm.Options{DataPlane: plane, Looks: -1})
	a.must(http.StatusCreated, "PUT", accountPath+"/deployments/mini", gptBody)
	a.refused(409, "CannotDeleteResource", "DELETE", accountPath, "")
	a.must(http.StatusAccepted, "DELETE", accountPath+"/deployments/mini", "")
	_, keys := a.must(http.StatusOK, "POST", accountPath+"/listKeys", "")
	a.must(http.StatusAccepted, "DELETE", accountPath, "")
	if plane.removed != "my-aoai" {
		t.Errorf("%q was removed", plane.removed)
	}
	a.refused(409, "FlagMustBeSetForRestore", "PUT", accountPath, accountBody)
	a.refused(409, "CustomDomainInUse", "PUT", groupPath+"/providers/Microsoft.CognitiveServices/accounts/other", accountBody)
	a.must(http.StatusCreated, "PUT", accountPath, strings.Replace(accountBody, `"properties":{`, `"properties":{"restore":true,`, 1))
	if _, again := a.must(http.StatusOK, "POST", accountPath+"/listKeys", ""); again["key1"] != keys["key1"] {
		t.Error("the keys are others")
	}
	a.must(http.StatusAccepted, "DELETE", accountPath, "")
	_, deleted := a.must(http.StatusOK, "GET", subscription+"/providers/Microsoft.CognitiveServices/deletedAccounts", "")
	id, _ := deleted["value"].([]any)[0].(map[string]any)["id"].(string)
	a.must(http.StatusAccepted, "DELETE", id, "")
	a.must(http.StatusCreated, "PUT", accountPath, accountBody)
}

func TestQuotaIsUsed(t *testing.T) {
	a := withAccount(t, arm.Options{Looks: -1})
	a.must(http.StatusCreated, "PUT", accountPath+"/deployments/one", strings.Replace(gptBody, "50", "200", 1))
	a.refused(400, "InsufficientQuota", "PUT", accountPath+"/deployments/two", strings.Replace(gptBody, "50", "51", 1))
	a.must(http.StatusOK, "PUT", accountPath+"/deployments/one", strings.Replace(gptBody, "50", "250", 1))
	_, usages := a.must(http.StatusOK, "GET", subscription+"/providers/Microsoft.CognitiveServices/locations/eastus2/usages", "")
	for _, row := range usages["value"].([]any) {
		u := row.(map[string]any)
		if u["name"].(map[string]any)["value"] == "OpenAI.GlobalStandard.gpt-5.4-mini" && u["currentValue"] != 250.0 {
			t.Errorf("used is %v", u["currentValue"])
		}
	}
}

func TestKeys(t *testing.T) {
	plane := &plane{}
	a := withAccount(t, arm.Options{DataPlane: plane, Looks: -1})
	_, before := a.must(http.StatusOK, "POST", accountPath+"/listKeys", "")
	_, after := a.must(http.StatusOK, "POST", accountPath+"/regenerateKey", `{"keyName":"Key2"}`)
	if after["key1"] != before["key1"] || after["key2"] == before["key2"] || !slices.Equal(plane.account.Keys, []string{after["key1"].(string), after["key2"].(string)}) {
		t.Errorf("keys %v became %v, and %v are served", before, after, plane.account.Keys)
	}
}

type plane struct {
	account arm.Account
	removed string
}

func (p *plane) Serve(a arm.Account) (string, error) {
	p.account = a
	return "https://" + a.Name + ".example/", nil
}

func (p *plane) Remove(name string) { p.removed = name }
