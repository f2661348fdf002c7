package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/local/arm"
	"aoai-bridge/infra/local/bootstraps"
	"aoai-bridge/infra/local/stack"
)

var federation = append(slices.Clone(fresh), "-federation")

// The functions call a resource that they have no key for, which then takes none.
func TestFederationInLocalStack(t *testing.T) {
	s, err := stack.Start(stack.Options{Template: "../../template.yaml", Build: bootstraps.For(t, "../.."), Logs: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for name, value := range s.Environment() {
		t.Setenv(name, value)
	}
	run := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		c := command{in: bufio.NewReader(strings.NewReader("")), out: &out, azure: resourcemanager.Options{
			Wait: func(context.Context, time.Duration) error { return nil },
		}}
		if err := c.run(t.Context(), append(args, "-yes", "-name", "my-aoai")); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		return out.String()
	}
	file := (&world{t: t}).writeFile(`[{"name": "mine", "model": "gpt-5.4-mini"}]`)
	run("-location", "eastus2", "-deployments", file, "-federation")
	if out := run("-deployments", file, "-federation"); !strings.Contains(out, "nothing to do") {
		t.Errorf("the second run says\n%s", out)
	}
	if out := run("-deployments", file); !strings.Contains(out, "nothing to do") {
		t.Errorf("the run without FEDERATION says\n%s", out)
	}
	text, _ := s.Secrets.Get(secretID)
	var secret struct {
		Resources []struct {
			Endpoint string
			APIKey   *string `json:"api_key"`
			Entra    map[string]string
		}
	}
	if err := json.Unmarshal([]byte(text), &secret); err != nil {
		t.Fatal(err)
	}
	mine := secret.Resources[len(secret.Resources)-1]
	if mine.APIKey != nil || mine.Entra["client_id"] == "" || mine.Entra["client_secret"] != "" {
		t.Errorf("the secret has %+v", mine)
	}
	if status, body := chat(t, s.URL, "mine"); status != http.StatusOK {
		t.Errorf("status %d: %s", status, body)
	}
	run("-keys-off")
	if out := run("-keys-off"); !strings.Contains(out, "nothing to do") {
		t.Errorf("the second run says\n%s", out)
	}
	if status, body := chat(t, s.URL, "mine"); status != http.StatusOK {
		t.Errorf("without keys: status %d: %s", status, body)
	}
	if how := credentials(t, mine.Endpoint); !slices.Equal(how, []string{"bearer token", "bearer token"}) {
		t.Errorf("the calls came with %q", how)
	}
}

// credentials are how the requests that an emulator has got were signed.
func credentials(t *testing.T, endpoint string) (how []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/_emulator/requests", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var log struct{ Requests []struct{ Auth string } }
	if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
		t.Fatal(err)
	}
	for _, request := range log.Requests {
		how = append(how, request.Auth)
	}
	return how
}

func TestFederation(t *testing.T) {
	w := newWorld(t)
	w.make(federation...)
	changes := w.changes()
	want := []string{
		"PUT UserAssignedIdentities_createOrUpdate my-aoai-aws",
		"PUT FederatedIdentityCredentials_createOrUpdate aoai-bridge-us-east-1-chat",
		"PUT FederatedIdentityCredentials_createOrUpdate aoai-bridge-us-east-1-embeddings",
		"PUT FederatedIdentityCredentials_createOrUpdate aoai-bridge-us-east-1-batch-submit",
		"PUT FederatedIdentityCredentials_createOrUpdate aoai-bridge-us-east-1-batch-status",
	}
	if len(changes) != 11 || !slices.Equal(changes[5:10], want) || !strings.HasPrefix(changes[10], "PUT RoleAssignments_create ") {
		t.Errorf("asked for %q", changes)
	}
	tokens := w.directory.tokens
	if len(tokens) != 4 || tokens[0].Audience != "api://AzureADTokenExchange" || !strings.HasPrefix(tokens[0].Subject, "arn:aws:iam::000000000000:role/aoai-bridge-us-east-1-") {
		t.Errorf("trusted is %+v", tokens)
	}
	if r := w.secret().Resources[0]; r.APIKey != "" || r.Entra == nil || !w.arm.MayUse("my-aoai", r.Entra.ClientID) {
		t.Errorf("the secret has %+v", r)
	}
	if out := w.make(federation...); !strings.HasSuffix(out, "nothing to do\n") || w.changes() != nil {
		t.Errorf("the second run says\n%s", out)
	}
	w.make(append(slices.Clone(federation), "-stack", "aoai-two")...) // shares the resource
	if len(w.directory.tokens) != 8 {
		t.Errorf("trusted is %+v", w.directory.tokens)
	}
	w.changes()
	w.make(removal...)
	if got := w.changes(); !slices.Contains(got, "DELETE UserAssignedIdentities_delete my-aoai-aws") || w.directory.tokens != nil {
		t.Errorf("removed by %q", got)
	}
}

func TestFederationFailsAtEachStep(t *testing.T) {
	undisturbed := newWorld(t)
	undisturbed.make(federation...)
	for step := 5; step < len(undisturbed.changes()); step++ {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d, lost %t", step+1, lost), func(t *testing.T) {
				w := newWorld(t)
				w.arm.AddRule(arm.Rule{Skip: step, Count: -1, Lost: lost, Refusal: arm.Refusal{Status: http.StatusInternalServerError, Code: "InternalServerError"}})
				if out, err := w.run("", append(federation, "-yes")...); err == nil {
					t.Fatalf("no error; printed\n%s", out)
				}
				w.arm.ClearRules()
				w.make(federation...)
				if r := w.secret().Resources[0]; r.APIKey != "" || r.Entra == nil || !w.arm.MayUse("my-aoai", r.Entra.ClientID) || len(w.directory.tokens) != 4 {
					t.Errorf("the secret has %+v, and trusted is %+v", r, w.directory.tokens)
				}
				w.changes()
				if out := w.make(federation...); !strings.HasSuffix(out, "nothing to do\n") {
					t.Errorf("the run after that says\n%s", out)
				}
			})
		}
	}
}

// Azure takes no two credentials of an identity at once, and learns of a new identity a little later: both are waited for.
func TestFederationWaits(t *testing.T) {
	w := newWorld(t)
	w.arm.AddRule(arm.Rule{Operation: "FederatedIdentityCredentials_createOrUpdate", Count: 2, Refusal: arm.Refusal{Status: http.StatusConflict,
		Code: "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity", Message: "Too many Federated Identity Credentials are written concurrently for the managed identity 'x'."}})
	w.arm.AddRule(arm.Rule{Operation: "RoleAssignments_create", Count: 2, Refusal: arm.Refusal{Status: http.StatusBadRequest,
		Code: "PrincipalNotFound", Message: "Principal x does not exist in the directory y."}})
	w.make(federation...)
	if len(w.directory.tokens) != 4 {
		t.Errorf("trusted is %+v", w.directory.tokens)
	}
}

func TestFederationIsEnabledWhenAsked(t *testing.T) {
	tests := []struct {
		answers string
		enabled bool
	}{{"y\ny\n", true}, {"y\nn\n", false}, {"n\n", false}}
	for _, test := range tests {
		t.Run(test.answers, func(t *testing.T) {
			w := newWorld(t)
			w.sts.DisableFederation(true)
			out, err := w.run(test.answers, federation...)
			if (err == nil) != test.enabled || w.sts.FederationEnabled() != test.enabled || (w.changes() != nil) != test.enabled {
				t.Errorf("error %v, printed\n%s", err, out)
			}
			if !strings.Contains(out, "+ enable outbound web identity federation in the AWS account 000000000000") {
				t.Errorf("printed\n%s", out)
			}
		})
	}
}

func TestTooManyCredentials(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.make(append(slices.Clone(federation), "-stack", fmt.Sprintf("s%d", i))...)
	}
	w.changes()
	_, err := w.run("", append(slices.Clone(federation), "-stack", "s5", "-yes")...)
	if err == nil || !strings.Contains(err.Error(), "would trust 24 roles, and Entra allows 20") || w.changes() != nil {
		t.Errorf("error %v", err)
	}
}

func TestKeysOffRefuses(t *testing.T) {
	off := []string{"-name", "my-aoai", "-keys-off"}
	tests := []struct {
		name    string
		prepare func(*world)
		answers string
		want    string
	}{
		{"nothing there", func(*world) {}, "y\ny\n", "there is no resource my-aoai"},
		{"functions with a key", func(w *world) { w.make(fresh...) }, "y\ny\n", "FEDERATION=1 first"},
		{"a resource of somebody else's", func(w *world) {
			w.arm.Seed("my-aoai", "eastus2", "OpenAI", "https://my-aoai.openai.azure.com", arm.Account{Name: "my-aoai", Keys: []string{"k"}})
		}, "y\ny\n", "does not carry the tag"},
		{"smoke has not passed", func(w *world) { w.make(federation...) }, "y\nn\n", "nothing was changed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			w.changes()
			if out, err := w.run(test.answers, off...); err == nil || !strings.Contains(err.Error(), test.want) || w.changes() != nil {
				t.Errorf("error %v, want %q in it; printed\n%s", err, test.want, out)
			}
		})
	}
}
