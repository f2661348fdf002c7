package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/local/arm"
	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/entra"
	"aoai-bridge/infra/local/iam"
	"aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/infra/local/sts"
	"aoai-bridge/shared/azuresecret"
)

const (
	tenantID = "11111111-1111-4111-8111-111111111111"
	operator = "44444444-4444-4444-8444-444444444444"
	secretID = "aoai-bridge/azure"
)

// world is an Azure and an AWS that the environment points at.
type world struct {
	t         *testing.T
	arm       *arm.Server
	plane     *plane
	directory *directory
	secrets   *secretsmanager.Store
	sts       *sts.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, plane: &plane{accounts: map[string]arm.Account{}}, directory: &directory{}, secrets: secretsmanager.New(), sts: sts.New()}
	tenant, err := entra.New(entra.Options{TenantID: tenantID, ClientID: operator, ClientSecret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	w.arm, err = arm.New(arm.Options{TenantID: tenantID, Verify: tenant.VerifyManagement, DataPlane: w.plane, Directory: w.directory})
	if err != nil {
		t.Fatal(err)
	}
	entraServer, armServer := httptest.NewUnstartedServer(tenant), httptest.NewUnstartedServer(w.arm)
	entraServer.TLS, armServer.TLS = tenant.TLSConfig(), w.arm.TLSConfig()
	for _, s := range []*httptest.Server{entraServer, armServer} {
		s.StartTLS()
		t.Cleanup(s.Close)
	}
	aws := httptest.NewServer(awsendpoint.New(func(id string) (string, bool) { return "local", id == "local" },
		map[string]http.Handler{"secretsmanager": w.secrets, "sts": w.sts, "iam": iam.New(w.sts)}))
	t.Cleanup(aws.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, append(tenant.CertificatePEM(), w.arm.CertificatePEM()...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AZURE_RESOURCE_MANAGER_ENDPOINT": armServer.URL, "AZURE_AUTHORITY_HOST": entraServer.URL, "AZURE_CA_FILE": ca,
		"AZURE_TENANT_ID": tenantID, "AZURE_CLIENT_ID": operator, "AZURE_CLIENT_SECRET": "s3cret", "AZURE_SUBSCRIPTION_ID": "", "AZURE_SECRET_ID": "", "STACK": "",
		"AWS_ENDPOINT_URL": aws.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
	} {
		t.Setenv(name, value)
	}
	return w
}

// run runs the command, with an answer to each question. It waits for nothing.
func (w *world) run(answers string, args ...string) (out string, err error) {
	w.t.Helper()
	var b bytes.Buffer
	c := command{in: bufio.NewReader(strings.NewReader(answers)), out: &b, azure: resourcemanager.Options{
		Wait:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: time.Nanosecond},
	}}
	err = c.run(w.t.Context(), args)
	return b.String(), err
}

// make runs the command, which must succeed.
func (w *world) make(args ...string) (out string) {
	w.t.Helper()
	out, err := w.run("", append([]string{"-yes"}, args...)...)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// changes are the requests since the last call that change something.
func (w *world) changes() (changes []string) {
	for _, r := range w.arm.Requests() {
		if !strings.HasPrefix(r, "GET ") && !strings.Contains(r, "listKeys") && !strings.Contains(r, "checkDomainAvailability") {
			changes = append(changes, r)
		}
	}
	return changes
}

// secret is the Azure secret as the functions read it.
func (w *world) secret() *azuresecret.Secret {
	w.t.Helper()
	text, _ := w.secrets.Get(secretID)
	s, err := azuresecret.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// state is all that there is in the end: accounts with their deployments, and the secret without its keys.
func (w *world) state() string {
	w.t.Helper()
	text, _ := w.secrets.Get(secretID)
	for _, a := range w.plane.accounts {
		for _, key := range a.Keys {
			text = strings.ReplaceAll(text, key, "KEY")
		}
	}
	accounts := make(map[string][]arm.Deployment)
	for name, a := range w.plane.accounts {
		accounts[name] = slices.SortedFunc(slices.Values(a.Deployments), func(x, y arm.Deployment) int { return strings.Compare(x.Name, y.Name) })
	}
	b, err := json.Marshal(map[string]any{"accounts": accounts, "secret": text})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// plane notes what accounts serve.
type plane struct {
	accounts map[string]arm.Account
	served   func(arm.Account) // may be nil
}

func (p *plane) Serve(a arm.Account) (string, error) {
	p.accounts[a.Name] = a
	if p.served != nil {
		p.served(a)
	}
	return "https://" + a.Name + ".openai.azure.com/", nil
}

func (p *plane) Remove(name string) { delete(p.accounts, name) }

// directory notes what the one identity trusts.
type directory struct{ tokens []arm.Token }

func (d *directory) Trust(_ string, tokens []arm.Token) { d.tokens = tokens }

// writeFile writes a file of deployments and returns its name.
func (w *world) writeFile(text string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "deployments.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// deployments are those of an account, with their capacities: "gpt-4o 50, mini 100".
func (w *world) deployments(account string) string {
	var names []string
	for _, d := range w.plane.accounts[account].Deployments {
		names = append(names, fmt.Sprintf("%s %d", d.Name, d.Capacity))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
