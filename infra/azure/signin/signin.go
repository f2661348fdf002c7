// Package signin finds who signs in to Azure: the environment, az or azd, or a person in a browser.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Options say how to sign in.
type Options struct {
	How    string       // "", device or browser
	Tenant string       // "" for the default one of the account that signs in
	Client *http.Client // nil for the SDK's own
	Prompt func(text string)
}

// Credential returns what signs in, when it is first needed. Unless a person is asked for, it is what the environment
// names (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and others of the SDK's), else az, else azd.
func Credential(o Options) (azcore.TokenCredential, error) {
	var client policy.ClientOptions
	if o.Client != nil {
		client.Transport = o.Client
	}
	// Only the public cloud's own service can vouch for an authority.
	own := os.Getenv("AZURE_AUTHORITY_HOST") != ""
	switch o.How {
	case "device":
		return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: client, TenantID: o.Tenant, DisableInstanceDiscovery: own,
			UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
				o.Prompt(m.Message)
				return nil
			},
		})
	case "browser":
		return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
			ClientOptions: client, TenantID: o.Tenant, DisableInstanceDiscovery: own,
		})
	case "":
	default:
		return nil, fmt.Errorf("SIGNIN is %q, want device or browser, or leave it out for the environment, az or azd", o.How)
	}
	if os.Getenv("AZURE_CLIENT_ID") != "" {
		environment, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: own})
		if err != nil {
			return nil, fmt.Errorf("the environment has AZURE_CLIENT_ID, but cannot sign in: %w", err)
		}
		return environment, nil
	}
	az, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: o.Tenant})
	if err != nil {
		return nil, err
	}
	azd, err := azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{TenantID: o.Tenant})
	if err != nil {
		return nil, err
	}
	chain, err := azidentity.NewChainedTokenCredential([]azcore.TokenCredential{az, azd}, nil)
	if err != nil {
		return nil, err
	}
	return explained{chain}, nil
}

// explained says in one sentence what to do where neither az nor azd is signed in.
type explained struct{ azcore.TokenCredential }

func (e explained) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := e.TokenCredential.GetToken(ctx, o)
	if err == nil || ctx.Err() != nil {
		return token, err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return token, errors.New("not signed in to Azure: run az login or azd auth login, set AZURE_TENANT_ID, AZURE_CLIENT_ID and " +
		"AZURE_CLIENT_SECRET, or add SIGNIN=device or SIGNIN=browser (" + first + ")")
}
