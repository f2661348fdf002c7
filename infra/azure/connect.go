package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"aoai-bridge/infra/awssecret"
	"aoai-bridge/infra/azure/provision"
	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/azure/signin"
	"aoai-bridge/infra/azure/webidentity"
)

// connect connects to Azure and AWS.
func (c *command) connect(ctx context.Context, o *options, p *progress) (*provision.Maker, error) {
	client, err := httpClient()
	if err != nil {
		return nil, err
	}
	credential, err := signin.Credential(signin.Options{
		How: o.signIn, Tenant: os.Getenv("AZURE_TENANT_ID"), Client: client, Prompt: func(text string) { fmt.Fprintln(p.out, text) },
	})
	if err != nil {
		return nil, err
	}
	settings := c.azure
	settings.Endpoint, settings.Credential, settings.Client, settings.Waiting = os.Getenv("AZURE_RESOURCE_MANAGER_ENDPOINT"), credential, client, p.wait
	azure, err := resourcemanager.New(settings)
	if err != nil {
		return nil, err
	}
	secret, err := awssecret.Open(ctx, awssecret.Options{
		ID: o.secret, Empty: `{"resources":[]}`, Description: "Azure OpenAI resources of aoai-bridge, with their keys and deployments", Notes: p,
	})
	if err != nil {
		return nil, err
	}
	return &provision.Maker{Azure: azure, Secret: secret}, nil
}

// httpClient returns a client that trusts the certificates in AZURE_CA_FILE, nil where there is none: it and
// AZURE_RESOURCE_MANAGER_ENDPOINT are for an Azure that is not the public one, such as the local stack's.
func httpClient() (*http.Client, error) {
	file := os.Getenv("AZURE_CA_FILE")
	if file == "" {
		return nil, nil
	}
	trusted, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("AZURE_CA_FILE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		return nil, fmt.Errorf("AZURE_CA_FILE: %s has no certificate", file)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: http.ProxyFromEnvironment}}, nil
}

// openFederation asks which AWS account the stack is in.
func openFederation(ctx context.Context, stack string) (*provision.Federation, error) {
	account, err := webidentity.Open(ctx)
	if err != nil {
		return nil, err
	}
	f := &provision.Federation{AWS: account, Stack: stack, Delay: provision.EntraDelay}
	if os.Getenv("AZURE_RESOURCE_MANAGER_ENDPOINT") != "" { // not the public cloud's, which takes its time
		f.Delay, f.Authority = 0, os.Getenv("AZURE_AUTHORITY_HOST")
	}
	return f, nil
}
