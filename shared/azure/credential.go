package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/refresh"
)

// WebIdentity is the part of *sts.Client that federation needs.
type WebIdentity interface {
	GetWebIdentityToken(context.Context, *sts.GetWebIdentityTokenInput, ...func(*sts.Options)) (*sts.GetWebIdentityTokenOutput, error)
}

// credential puts a credential into a request's header.
type credential interface {
	authorize(ctx context.Context, h http.Header) error
}

type apiKey string

func (k apiKey) authorize(_ context.Context, h http.Header) error {
	h["Api-Key"] = []string{string(k)}
	return nil
}

const (
	// scope is what a token for Azure OpenAI is asked for.
	scope = "https://cognitiveservices.azure.com/.default"
	// federationAudience and federationSeconds are what the function's policy allows it to ask of STS.
	federationAudience = "api://AzureADTokenExchange"
	federationSeconds  = 300
	// refreshAhead and expireAhead are how long before a token's end it is replaced, and no longer sent.
	refreshAhead = 5 * time.Minute
	expireAhead  = 30 * time.Second
)

// entra holds one token for all calls and replaces it ahead of its end.
type entra struct {
	token *refresh.Value[string]
}

func newEntra(e *azuresecret.Entra, identity WebIdentity, now func() time.Time) (*entra, error) {
	source, err := tokenSource(e, identity)
	if err != nil {
		return nil, err
	}
	load := func(ctx context.Context) (refresh.Loaded[string], error) {
		t, err := source.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return refresh.Loaded[string]{}, err
		}
		life := t.ExpiresOn.Sub(now())
		due := t.RefreshOn
		if due.IsZero() {
			due = t.ExpiresOn.Add(-min(refreshAhead, life/2))
		}
		return refresh.Loaded[string]{Value: "Bearer " + t.Token, Due: due, Expire: t.ExpiresOn.Add(-min(expireAhead, life/4))}, nil
	}
	return &entra{refresh.New(load, now)}, nil
}

func (e *entra) authorize(ctx context.Context, h http.Header) error {
	token, err := e.token.Get(ctx)
	if err != nil {
		return err
	}
	h["Authorization"] = []string{token}
	return nil
}

// entraError is the code and the message of an error of Entra's.
var entraError = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`AADSTS\d+: [^"\\\r\n]*`) })

// tokenFailed is why there is no token, for the log. azidentity's own errors quote Entra's whole answer
// and name its host.
func tokenFailed(err error) error {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		said, _, _ := strings.Cut(err.Error(), " To troubleshoot, visit ")
		return errors.New(logsafe.Text(said))
	}
	said, _, _ := strings.Cut(entraError().FindString(err.Error()), " Trace ID")
	return fmt.Errorf("entra answered %d: %s", failed.RawResponse.StatusCode, logsafe.Text(cmp.Or(said, "no error that it documents")))
}

// tokenSource signs in with the client secret or, where there is none, with a token of AWS STS.
func tokenSource(e *azuresecret.Entra, identity WebIdentity) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.AzurePublic}
	custom := e.AuthorityHost != ""
	if custom {
		options.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: e.AuthorityHost}
	}
	if e.ClientSecret != "" {
		return azidentity.NewClientSecretCredential(e.TenantID, e.ClientID, e.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: custom})
	}
	assert := func(ctx context.Context) (string, error) {
		out, err := identity.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
			Audience:         []string{federationAudience},
			SigningAlgorithm: aws.String("RS256"), // the only one Entra takes
			DurationSeconds:  aws.Int32(federationSeconds),
		})
		if err != nil {
			return "", err
		}
		if out.WebIdentityToken == nil {
			return "", errors.New("STS answered without a token")
		}
		return *out.WebIdentityToken, nil
	}
	return azidentity.NewClientAssertionCredential(e.TenantID, e.ClientID, assert,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: custom})
}
