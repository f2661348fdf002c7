// Package azure is the one client of Azure OpenAI: it picks the deployment, signs, sends, tries again
// where that is safe, and brings the answer back with its bytes as they were.
// It does not know who calls, what Lambda is, or what a request means beyond the fields we own.
package azure

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/config"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/secrets"
)

// SecretTTL is how long a version of the Azure secret is used without asking for another; a refused
// credential asks at once.
const SecretTTL = 5 * time.Minute

// standardHeartbeat is well below the five minutes after which API Gateway cuts a silent connection.
const standardHeartbeat = time.Minute

// Options is what a Client is made from.
type Options struct {
	Secrets  secrets.API                                // has the Azure secret
	Identity WebIdentity                                // issues tokens for resources that federate
	Env      config.Env                                 // timeouts and retries
	Now      func() time.Time                           // nil is clock.Wall
	Sleep    func(context.Context, time.Duration) error // nil waits

	// Heartbeat is how long a stream may be silent before a comment is sent; 0 is a minute.
	Heartbeat time.Duration
}

// Client calls Azure OpenAI. Its methods may be called concurrently.
type Client struct {
	secret    *secrets.Secret[*site]
	health    routing.Health
	plain     targetSet // those that refuse what Call.Plain is without
	memory    routing.Memory
	transport *transport
	env       config.Env
	now       func() time.Time // for what outlives a call
	lap       func() time.Time // for durations within a call, by the monotonic clock
	sleep     func(context.Context, time.Duration) error
	heartbeat time.Duration
}

// New makes a Client. It sends nothing.
func New(o Options) *Client {
	lap := o.Now
	if lap == nil {
		lap = time.Now
	}
	o.Now = clock.Or(o.Now)
	if o.Sleep == nil {
		o.Sleep = clock.Sleep
	}
	parse := func(secret []byte) (*site, error) { return newSite(secret, o.Identity, o.Now) }
	return &Client{
		secret:    secrets.New(o.Secrets, o.Env.AzureSecretID, SecretTTL, parse, o.Now),
		transport: newTransport(o.Env.ConnectTimeout, o.Now),
		env:       o.Env, now: o.Now, lap: lap, sleep: o.Sleep, heartbeat: cmp.Or(o.Heartbeat, standardHeartbeat),
	}
}

// Check reads the Azure secret and says what is wrong with it.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.secret.Get(ctx)
	return err
}

// Models returns the names that can be asked for, sorted. ok is false where a resource does not list
// its deployments, so that only Azure can tell.
func (c *Client) Models(ctx context.Context) (names []string, ok bool, err error) {
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, false, secretError(err)
	}
	names, ok = version.Value.table.Models()
	return names, ok, nil
}

// Targets returns the deployments that a model's name, or a deployment's, stands for: those that take
// batches and those that answer at once.
func (c *Client) Targets(ctx context.Context, name string) (batch, online []routing.Target, err error) {
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, nil, secretError(err)
	}
	table := version.Value.table
	return table.Batch(name), table.Online(name), nil
}

// Deployments returns the deployments of all types that the secret lists.
func (c *Client) Deployments(ctx context.Context) ([]routing.Target, error) {
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, secretError(err)
	}
	return version.Value.table.All(), nil
}

// permittedTargets returns the targets that may be asked; a nil permit permits all.
func permittedTargets(targets []routing.Target, permit func(routing.Target) bool) []routing.Target {
	if permit == nil {
		return targets
	}
	return slices.DeleteFunc(slices.Clone(targets), func(t routing.Target) bool { return !permit(t) })
}

// Catalog returns the catalog with the secret's prices and models merged over it, and the model that a
// deployment of any type serves: its own name where no deployment has that one.
func (c *Client) Catalog(ctx context.Context, deployment string) (*catalog.Catalog, string, error) {
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, "", secretError(err)
	}
	known := version.Value.catalog()
	if model, ok := version.Value.models[deployment]; ok {
		return known, model, nil
	}
	return known, deployment, nil
}

// site is one version of the Azure secret, ready for use.
type site struct {
	table     *routing.Table
	resources map[string]resource
	models    map[string]string // by deployment
	catalog   func() *catalog.Catalog
}

type resource struct {
	endpoint   string // scheme and host, no path
	credential credential
}

func newSite(secret []byte, identity WebIdentity, now func() time.Time) (*site, error) {
	azure, err := azuresecret.Parse(secret)
	if err != nil {
		return nil, err
	}
	if err := azure.CheckPrices(); err != nil {
		slog.Error("prices or models of the Azure secret are wrong and left out", "error", err.Error())
	}
	s := &site{table: routing.New(azure), resources: map[string]resource{}, models: map[string]string{}, catalog: azure.Catalog}
	for _, r := range azure.Resources {
		var cred credential = apiKey(r.APIKey)
		if r.Entra != nil {
			if cred, err = newEntra(r.Entra, identity, now); err != nil {
				return nil, fmt.Errorf("the Azure secret is wrong: entra of resource %q: %w", r.Name, err)
			}
		}
		s.resources[r.Name] = resource{r.Endpoint, cred}
		for _, d := range r.Deployments {
			if _, ok := s.models[d.Name]; !ok {
				s.models[d.Name] = d.Model
			}
		}
	}
	return s, nil
}

func secretError(err error) error {
	return (&openaierr.Error{
		Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "configuration_error", Cause: err,
		Message: "The Azure secret of the bridge cannot be read or is not valid: no call can be made. Its owner finds the field at fault in the function's log.",
	}).Final()
}
