// Package resourcemanager is a client of Azure Resource Manager: it sends requests and waits for what they begin. Bodies are
// maps, so that a member that Azure adds needs no release. What is to be made is left to its callers.
package resourcemanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	armpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/policy"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"aoai-bridge/shared/clock"
)

// The api-version of each provider. They are those of the newest stable modules of the Azure SDK for Go.
const (
	CognitiveServicesVersion = "2025-06-01"
	resourcesVersion         = "2025-04-01"
	subscriptionsVersion     = "2022-12-01"
	managedIdentityVersion   = "2024-11-30"
	authorizationVersion     = "2022-04-01"
)

// Options say where Resource Manager is and how to reach it.
type Options struct {
	Endpoint   string // "" for Azure's public cloud
	Credential azcore.TokenCredential
	Client     *http.Client        // nil for the SDK's own
	Retry      policy.RetryOptions // of requests that fail on the way; the SDK's defaults when zero

	// Wait waits between two looks at what is under way; nil for a sleep.
	Wait func(context.Context, time.Duration) error
	// Waiting is called before each wait.
	Waiting func()
}

// A Client is safe for concurrent use.
type Client struct {
	endpoint string
	pipeline runtime.Pipeline
	options  Options
}

// New returns a client. It sends nothing yet.
func New(o Options) (*Client, error) {
	c := &Client{endpoint: cloud.AzurePublic.Services[cloud.ResourceManager].Endpoint, options: o}
	settings := armpolicy.ClientOptions{DisableRPRegistration: true} // nothing is changed that nobody was asked about
	settings.Retry = o.Retry
	if o.Client != nil {
		settings.Transport = o.Client
	}
	if o.Endpoint != "" {
		c.endpoint = strings.TrimSuffix(o.Endpoint, "/")
		public := cloud.AzurePublic.Services[cloud.ResourceManager]
		settings.Cloud = cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Audience: public.Audience, Endpoint: c.endpoint},
		}}
	}
	if o.Wait == nil {
		c.options.Wait = clock.Sleep
	}
	if o.Waiting == nil {
		c.options.Waiting = func() {}
	}
	var err error
	c.pipeline, err = armruntime.NewPipeline("aoai-bridge", "v1.0.0", o.Credential, runtime.PipelineOptions{}, &settings)
	return c, err
}

// Pause waits, in pieces that are shown.
func (c *Client) Pause(ctx context.Context, d time.Duration) error {
	for ; d > 0; d -= pausePiece {
		c.options.Waiting()
		if err := c.options.Wait(ctx, min(d, pausePiece)); err != nil {
			return err
		}
	}
	return nil
}

const pausePiece = 10 * time.Second

// versionOf is the api-version of the provider that serves a path: the last one that it names.
func versionOf(path string) string {
	switch {
	case path == "/subscriptions":
		return subscriptionsVersion
	case strings.HasSuffix(path, "/register"): // of a provider, which is not the provider's own business
		return resourcesVersion
	case strings.Contains(path, "/providers/Microsoft.Authorization/"):
		return authorizationVersion
	case strings.Contains(path, "/providers/Microsoft.ManagedIdentity/"):
		return managedIdentityVersion
	case strings.Contains(path, "/providers/Microsoft.CognitiveServices/"):
		return CognitiveServicesVersion
	}
	return resourcesVersion
}

// Get reads a resource. IsNotFound says of the error that there is none.
func (c *Client) Get(ctx context.Context, path string) (map[string]any, error) {
	return c.call(ctx, http.MethodGet, c.url(path), nil)
}

// List reads all pages of a list.
func (c *Client) List(ctx context.Context, path string) (rows []map[string]any, err error) {
	for next := c.url(path); next != ""; {
		page, err := c.call(ctx, http.MethodGet, next, nil)
		if err != nil {
			return nil, err
		}
		list, _ := page["value"].([]any)
		for _, row := range list {
			if object, ok := row.(map[string]any); ok {
				rows = append(rows, object)
			}
		}
		next, _ = page["nextLink"].(string)
	}
	return rows, nil
}

// Post calls an action of a resource, which ends at once.
func (c *Client) Post(ctx context.Context, path string, body map[string]any) (map[string]any, error) {
	return c.call(ctx, http.MethodPost, c.url(path), body)
}

// Put makes or changes a resource, and returns it once it is ready.
func (c *Client) Put(ctx context.Context, path string, body map[string]any) (map[string]any, error) {
	return c.change(ctx, http.MethodPut, path, body)
}

// Patch changes single members of a resource, and returns once it is ready.
func (c *Client) Patch(ctx context.Context, path string, body map[string]any) error {
	_, err := c.change(ctx, http.MethodPatch, path, body)
	return err
}

// Delete deletes a resource, and returns once it is gone. One that is not there is no error.
func (c *Client) Delete(ctx context.Context, path string) error {
	_, err := c.change(ctx, http.MethodDelete, path, nil)
	if IsNotFound(err) {
		return nil
	}
	return err
}

func (c *Client) url(path string) string {
	return c.endpoint + (&url.URL{Path: path}).EscapedPath() + "?api-version=" + versionOf(path)
}

// call sends a request whose answer is its end.
func (c *Client) call(ctx context.Context, method, url string, body map[string]any) (map[string]any, error) {
	resp, err := c.send(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := runtime.UnmarshalAsJSON(resp, &object); err != nil {
		return nil, fmt.Errorf("the answer to %s %s is not JSON: %w", method, path(url), err)
	}
	return object, nil
}

// send returns the answer of 2xx, and any other as an *Error.
func (c *Client) send(ctx context.Context, method, url string, body map[string]any) (*http.Response, error) {
	req, err := runtime.NewRequest(ctx, method, url)
	if err != nil {
		return nil, err
	}
	req.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		if err := runtime.MarshalAsJSON(req, body); err != nil {
			return nil, err
		}
	}
	resp, err := c.pipeline.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, newError(resp)
	}
	return resp, nil
}

const (
	pollInterval = 5 * time.Second // where Azure does not say when to look again
	// conflictWait and conflictTries bound how long a change waits for another of the same account to end: five minutes.
	conflictWait  = 10 * time.Second
	conflictTries = 30
)

// change sends a request and waits for what it begins.
func (c *Client) change(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	for try := 1; ; try++ {
		resp, err := c.send(ctx, method, c.url(path), body)
		if err == nil {
			return c.await(ctx, resp)
		}
		if !isBusy(err) || try == conflictTries {
			return nil, err
		}
		c.options.Waiting()
		if err := c.options.Wait(ctx, conflictWait); err != nil {
			return nil, err
		}
	}
}

// await looks until an operation has ended. Where to look, and how, the SDK's poller finds in the answer: a header, or the
// resource's own provisioningState.
func (c *Client) await(ctx context.Context, resp *http.Response) (map[string]any, error) {
	poller, err := runtime.NewPoller[map[string]any](resp, c.pipeline, nil)
	if err != nil {
		return nil, fromSDK(err)
	}
	for !poller.Done() {
		c.options.Waiting()
		if err := c.options.Wait(ctx, retryAfter(resp)); err != nil {
			return nil, err
		}
		if resp, err = poller.Poll(ctx); err != nil {
			return nil, fromSDK(err)
		}
	}
	result, err := poller.Result(ctx)
	return result, fromSDK(err)
}

func retryAfter(resp *http.Response) time.Duration {
	if d, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil && d > 0 {
		return d
	}
	return pollInterval
}

func path(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Path
}

// Text reads a string below an object, "" if there is none.
func Text(object map[string]any, path ...string) string {
	text, _ := Member(object, path...).(string)
	return text
}

// Int reads a whole number below an object, 0 if there is none.
func Int(object map[string]any, path ...string) int {
	switch n := Member(object, path...).(type) {
	case float64:
		return int(n)
	case json.Number:
		i, _ := n.Int64()
		return int(i)
	case int:
		return n
	}
	return 0
}

// Member reads a value below an object, nil if there is none.
func Member(object map[string]any, path ...string) any {
	var v any = object
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}
